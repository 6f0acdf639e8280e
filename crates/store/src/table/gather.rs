//! Search rows of many records, written together in the order in which their tables hold them.
//!
//! Rows of one record lie all over the trees; those of a page, sorted, are met one after the other. Each leaf is then
//! looked for, changed and encrypted once.

use super::index::{entries, write, Entry};
use crate::StoreError;
use rusqlite::{named_params, Connection};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::HashSet;

/// What the words of a record were before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Words,
}

/// Changes of search rows that are not written yet. Whoever gathers writes, in the same transaction.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    gone: Vec<(Entry, i64)>,
    new: Vec<(Entry, i64)>,
    words: Vec<(i64, String, Before)>,
    of: HashSet<i64>,
}

impl Gathered {
    /// Notes what one record's rows change by, from what its old body said to what the new one says.
    ///
    /// # Errors
    /// As [`Gathered::write`]: what is there of the record already is written first.
    pub(crate) fn note(
        &mut self,
        conn: &Connection,
        key: i64,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Result<(), StoreError> {
        if old == new {
            return Ok(());
        }
        // The second change of one record stands on the first.
        if !self.of.insert(key) {
            self.write(conn)?;
            self.of.insert(key);
        }
        let (old_rows, old_words) = old.map(entries).unwrap_or_default();
        let (new_rows, new_words) = new.map(entries).unwrap_or_default();
        let lacks = |rows: &[Entry], row: &Entry| !rows.contains(row);
        if new_words != old_words {
            let before = if old_words.is_empty() {
                Before::Nothing
            } else {
                Before::Words
            };
            self.words.push((key, new_words, before));
        }
        let gone = old_rows.iter().filter(|row| lacks(&new_rows, row));
        self.gone.extend(gone.map(|row| (row.clone(), key)));
        let new = new_rows.into_iter().filter(|row| lacks(&old_rows, row));
        self.new.extend(new.map(|row| (row, key)));
        Ok(())
    }

    /// Writes what was gathered, and is empty then.
    ///
    /// # Errors
    /// The transaction has to be given up.
    pub(crate) fn write(&mut self, conn: &Connection) -> Result<(), StoreError> {
        self.of.clear();
        let in_order = |a: &(Entry, i64), b: &(Entry, i64)| a.0.order(&b.0).then(a.1.cmp(&b.1));
        self.gone.sort_unstable_by(in_order);
        self.new.sort_unstable_by(in_order);
        self.words.sort_unstable_by_key(|(key, ..)| *key);
        let mut change = || -> rusqlite::Result<()> {
            for (row, key) in self.gone.drain(..) {
                write(conn, key, &row, false)?;
            }
            for (row, key) in self.new.drain(..) {
                write(conn, key, &row, true)?;
            }
            for (key, words, before) in self.words.drain(..) {
                write_words(conn, key, &words, before)?;
            }
            Ok(())
        };
        change().map_err(StoreError::sql("renew search rows"))
    }
}

fn write_words(conn: &Connection, key: i64, words: &str, before: Before) -> rusqlite::Result<()> {
    if words.is_empty() {
        conn.prepare_cached("DELETE FROM index_word WHERE rowid = :key")?
            .execute(named_params! { ":key": key })?;
        return Ok(());
    }
    let sql = match before {
        // Nothing to look for first.
        Before::Nothing => "INSERT INTO index_word (rowid, words) VALUES (:key, :words)",
        Before::Words => "INSERT OR REPLACE INTO index_word (rowid, words) VALUES (:key, :words)",
    };
    conn.prepare_cached(sql)?
        .execute(named_params! { ":key": key, ":words": words })?;
    Ok(())
}

impl Entry {
    /// The order of the tables: one after the other, and each by its own key.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (
                Self::Amount { param, low, high, .. },
                Self::Amount {
                    param: p,
                    low: l,
                    high: h,
                    ..
                },
            ) => param.cmp(p).then(low.total_cmp(l)).then(high.total_cmp(h)),
            (Self::Text { param, folded }, Self::Text { param: p, folded: f }) => {
                param.cmp(p).then_with(|| folded.cmp(f))
            }
            _ => self.place().cmp(&other.place()),
        }
    }

    fn place(&self) -> (u8, i64, i64, i64) {
        match self {
            Self::Token { param, code, .. } => (0, *param, *code, 0),
            Self::Reference { param, target } => (1, *param, *target, 0),
            Self::Date { param, start, span } => (2, *param, *start, *span),
            Self::Amount { param, .. } => (3, *param, 0, 0),
            Self::Text { param, .. } => (4, *param, 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;
    use serde_json::json;

    fn rows(conn: &Connection) -> Vec<String> {
        let select = |sql: &str| -> Vec<String> {
            let mut select = conn.prepare(sql).expect("selects");
            let rows = select.query_map([], |row| row.get(0)).expect("rows");
            rows.map(|row| row.expect("a row")).collect()
        };
        let mut all = select("SELECT param || ' ' || code || ' ' || key FROM index_token");
        all.extend(select(
            "SELECT param || ' ' || target || ' ' || key FROM index_reference",
        ));
        all.extend(select(
            "SELECT param || ' ' || start_ms || ' ' || key FROM index_date",
        ));
        all.extend(select(
            "SELECT param || ' ' || folded || ' ' || key FROM index_text",
        ));
        all.extend(select("SELECT term || ' ' || doc FROM index_vocabulary"));
        all
    }

    fn patient(family: &str, gender: &str) -> Value {
        json!({ "resourceType": "Patient", "id": "p", "gender": gender, "birthDate": "1970-01-01",
                "name": [{ "family": family }] })
    }

    #[test]
    fn rows_gathered_are_those_written_one_by_one_also_where_a_record_changes_twice() {
        let steps = [
            (1, None, Some(patient("Ruiz", "male"))),
            (2, None, Some(patient("Adler", "female"))),
            (1, Some(patient("Ruiz", "male")), Some(patient("Ruiz", "female"))),
            (1, Some(patient("Ruiz", "female")), Some(patient("Ruiz", "male"))),
            (2, Some(patient("Adler", "female")), None),
        ];
        let mut seen = Vec::new();
        for together in [true, false] {
            let mut conn = Connection::open_in_memory().expect("memory");
            migrate::run(&mut conn).expect("migrates");
            let mut gathered = Gathered::default();
            for (key, old, new) in &steps {
                gathered
                    .note(&conn, *key, old.as_ref(), new.as_ref())
                    .expect("notes");
                if !together {
                    gathered.write(&conn).expect("writes");
                }
            }
            gathered.write(&conn).expect("writes");
            seen.push(rows(&conn));
        }
        assert_eq!(seen[0], seen[1]);
        assert!(seen[0].iter().any(|row| row.contains("ruiz")), "{seen:?}");
        assert!(!seen[0].iter().any(|row| row.contains("adler")), "{seen:?}");
    }
}
