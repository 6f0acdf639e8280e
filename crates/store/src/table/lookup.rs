//! The rows of `index_…` that one condition of a search asks for.

use super::index::{hash, number, short_hash, term, ALL_WORDS, WIDE_MS};
use crate::query::{Compare, Order};
use crate::StoreError;
use rusqlite::{named_params, Connection, Params};

/// More terms than this go into one question after the other.
const TERMS_AT_ONCE: usize = 64;

fn keys(conn: &Connection, sql: &str, params: impl Params) -> Result<Vec<i64>, StoreError> {
    conn.prepare_cached(sql)
        .and_then(|mut select| select.query_map(params, |row| row.get(0))?.collect())
        .map_err(StoreError::sql("search records"))
}

/// A number of rows for `LIMIT`.
fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Records with a code, in the order of their keys where the code is given.
pub(crate) fn token(
    conn: &Connection,
    param: i64,
    system: Option<&str>,
    code: Option<&str>,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let system = system.map(|system| short_hash((!system.is_empty()).then_some(system)));
    let (code, most) = (code.map(hash), limit(most));
    match (system, code) {
        (None, Some(code)) => keys(
            conn,
            "SELECT key FROM index_token WHERE param = ?1 AND code = ?2 ORDER BY key LIMIT ?3",
            (param, code, most),
        ),
        (Some(system), Some(code)) => keys(
            conn,
            "SELECT key FROM index_token WHERE param = ?1 AND code = ?2 AND system = ?3 ORDER BY key LIMIT ?4",
            (param, code, system, most),
        ),
        (Some(system), None) => keys(
            conn,
            "SELECT key FROM index_token WHERE param = ?1 AND system = ?2 LIMIT ?3",
            (param, system, most),
        ),
        (None, None) => Err(StoreError::BadSearch),
    }
}

/// Whether a record has a code.
pub(crate) fn has_token(
    conn: &Connection,
    key: i64,
    param: i64,
    system: Option<&str>,
    code: &str,
) -> Result<bool, StoreError> {
    let system = system.map(|system| short_hash((!system.is_empty()).then_some(system)));
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM index_token
                        WHERE param = :param AND code = :code AND key = :key AND system = coalesce(:system, system))",
    )
    .and_then(|mut select| {
        select.query_row(
            named_params! { ":param": param, ":code": hash(code), ":key": key, ":system": system },
            |row| row.get(0),
        )
    })
    .map_err(StoreError::sql("search records"))
}

/// Records that refer to one of these, in the order of their keys where it is one.
pub(crate) fn reference(
    conn: &Connection,
    param: i64,
    targets: &[String],
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for target in targets {
        found.extend(keys(
            conn,
            "SELECT key FROM index_reference WHERE param = ?1 AND target = ?2 ORDER BY key LIMIT ?3",
            (param, hash(target), limit(most)),
        )?);
    }
    Ok(found)
}

/// Whether a record refers to one of these.
pub(crate) fn has_reference(
    conn: &Connection,
    key: i64,
    param: i64,
    targets: &[String],
) -> Result<bool, StoreError> {
    for target in targets {
        let there: bool = conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM index_reference WHERE param = ?1 AND target = ?2 AND key = ?3)",
            )
            .and_then(|mut select| select.query_row((param, hash(target), key), |row| row.get(0)))
            .map_err(StoreError::sql("search records"))?;
        if there {
            return Ok(true);
        }
    }
    Ok(false)
}

/// All references of a parameter: hash of the target, key of the record.
pub(crate) fn references(conn: &Connection, param: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    conn.prepare_cached("SELECT target, key FROM index_reference WHERE param = :param")
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":param": param }, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .map_err(StoreError::sql("search records"))
}

/// Records that have any code of a parameter, perhaps more than once.
pub(crate) fn tokens(conn: &Connection, param: i64) -> Result<Vec<i64>, StoreError> {
    keys(conn, "SELECT key FROM index_token WHERE param = ?1", [param])
}

/// Records by a moment or period.
pub(crate) fn date(
    conn: &Connection,
    param: i64,
    compare: Compare,
    (first, last): (i64, i64),
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    // A span of a day or less reaches a moment only from that near: the others need not be looked at.
    let test = match compare {
        Compare::Equal => "start_ms BETWEEN ?2 AND ?3 AND start_ms + span_ms <= ?3",
        Compare::AtLeast => "start_ms >= ?2 - ?5 AND start_ms + span_ms >= ?2",
        Compare::Above => "start_ms > ?3 - ?5 AND start_ms + span_ms > ?3",
        Compare::AtMost => "start_ms <= ?3",
        Compare::Below => "start_ms < ?2",
    };
    let sql = format!(
        "SELECT key FROM index_date
         WHERE param = ?1 AND ?2 <= ?3 AND ?5 >= 0 AND {test} LIMIT ?4"
    );
    let mut found = Vec::new();
    for (wide, reach) in [(0, WIDE_MS), (1, 1 << 54)] {
        found.extend(keys(
            conn,
            &sql,
            (param * 2 + wide, first, last, limit(most), reach),
        )?);
    }
    Ok(found)
}

/// A number or amount that is asked for.
pub(crate) struct Amount<'a> {
    pub compare: Compare,
    pub range: (f64, f64),
    pub number: f64,
    pub unit: Option<&'a str>,
    pub system: Option<&'a str>,
}

/// Records by a number or amount.
pub(crate) fn amount(
    conn: &Connection,
    param: i64,
    asked: &Amount<'_>,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    // Where both ends are one, the lower one leads through the index; a range is looked at by its own end.
    let test = |wide: bool| match (asked.compare, wide) {
        (Compare::Equal, false) => "low >= ?2 AND low < ?3",
        (Compare::Equal, true) => "low >= ?2 AND high < ?3",
        (Compare::Above, false) => "low > ?4",
        (Compare::Above, true) => "high > ?4",
        (Compare::AtLeast, false) => "low >= ?4",
        (Compare::AtLeast, true) => "high >= ?4",
        (Compare::Below, _) => "low < ?4",
        (Compare::AtMost, _) => "low <= ?4",
    };
    let unit = asked.unit.map(|unit| short_hash(Some(unit)));
    let system = asked.system.map(|system| short_hash(Some(system)));
    let mut found = Vec::new();
    for wide in [false, true] {
        let sql = format!(
            "SELECT key FROM index_amount
             WHERE param = ?1 AND ?2 <= ?3 AND ?4 IS NOT NULL AND {}
               AND unit = coalesce(?5, unit) AND system = coalesce(?6, system) LIMIT ?7",
            test(wide)
        );
        let param = param * 2 + i64::from(wide);
        let (from, past) = asked.range;
        found.extend(keys(
            conn,
            &sql,
            (param, from, past, asked.number, unit, system, limit(most)),
        )?);
    }
    Ok(found)
}

/// Records with a text that begins like this.
pub(crate) fn begins(
    conn: &Connection,
    param: i64,
    folded: &str,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    // The highest character ends the range of all texts with this beginning.
    keys(
        conn,
        "SELECT key FROM index_text WHERE param = ?1 AND folded >= ?2 AND folded < ?2 || ?3 LIMIT ?4",
        (param, folded, "\u{10FFFF}", limit(most)),
    )
}

/// The words that a parameter's texts consist of.
pub(crate) fn vocabulary(conn: &Connection, param: i64) -> Result<Vec<String>, StoreError> {
    let front = term(param, "");
    let terms: Vec<String> = conn
        .prepare_cached("SELECT term FROM index_vocabulary WHERE term >= ?1 AND term < ?1 || ?2")
        .and_then(|mut select| {
            select
                .query_map((&front, "\u{10FFFF}"), |row| row.get(0))?
                .collect()
        })
        .map_err(StoreError::sql("read the words of searches"))?;
    Ok(terms
        .iter()
        .filter_map(|term| term.strip_prefix(&front).map(str::to_owned))
        .collect())
}

/// Records with any of these words in a parameter's texts.
pub(crate) fn any_word(
    conn: &Connection,
    param: i64,
    words: &[String],
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for some in words.chunks(TERMS_AT_ONCE) {
        found.extend(matching(conn, param, some, " OR ", most)?);
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}

/// Records that have all these words anywhere.
pub(crate) fn all_words(
    conn: &Connection,
    kind: &str,
    words: &[String],
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    matching(conn, number(kind, ALL_WORDS)?, words, " AND ", most)
}

fn matching(
    conn: &Connection,
    param: i64,
    words: &[String],
    joined: &str,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    // Letters and digits only, by how words are split: nothing in them can be taken for an operator.
    let terms: Vec<String> = words
        .iter()
        .map(|word| format!("\"{}\"", term(param, word)))
        .collect();
    keys(
        conn,
        "SELECT rowid FROM index_word WHERE index_word MATCH ?1 LIMIT ?2",
        (terms.join(joined), limit(most)),
    )
}

/// Keys in the order of a date or text parameter, until the function has enough.
pub(crate) fn in_order(
    conn: &Connection,
    param: i64,
    is_date: bool,
    order: Order,
    mut each: impl FnMut(i64) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::sql("search records")(source);
    let sql = match (is_date, order) {
        (true, Order::Up) => {
            "SELECT key, start_ms FROM index_date WHERE param = :param * 2
             UNION ALL SELECT key, start_ms FROM index_date WHERE param = :param * 2 + 1 ORDER BY 2"
        }
        (true, Order::Down) => {
            "SELECT key, start_ms FROM index_date WHERE param = :param * 2
             UNION ALL SELECT key, start_ms FROM index_date WHERE param = :param * 2 + 1 ORDER BY 2 DESC"
        }
        (false, Order::Up) => "SELECT key FROM index_text WHERE param = :param ORDER BY folded",
        (false, Order::Down) => "SELECT key FROM index_text WHERE param = :param ORDER BY folded DESC",
    };
    let mut select = conn.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query(named_params! { ":param": param }).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        if !each(row.get(0).map_err(failed)?)? {
            break;
        }
    }
    Ok(())
}
