//! `outbox`: changes that the server has not acknowledged, in the order of sending.

use super::{body, meta, Key};
use crate::{OutboxRow, StoreError};
use hms_core::outbox::{kind_of, lane_of, StuckReason};
use hms_model::time::Timestamp;
use rusqlite::{named_params, Connection, OptionalExtension, Row};
use serde_json::Value;

/// A change to queue.
pub(crate) struct NewRow<'a> {
    /// `None` starts a group of its own.
    pub group: Option<i64>,
    pub key: &'a Key,
    pub base: Option<&'a str>,
    pub body: Option<&'a Value>,
    pub made_at: Timestamp,
}

/// Queues a change and gives its number.
pub(crate) fn insert(conn: &Connection, row: &NewRow<'_>) -> Result<i64, StoreError> {
    let failed = |source| StoreError::sql("append the change to the outbox")(source);
    conn.prepare_cached(
        "INSERT INTO outbox (grp, type, id, base, body, kind, lane, made_at)
         VALUES (coalesce(:group, 0), :type, :id, :base, :body, :kind, :lane, :made_at)",
    )
    .and_then(|mut insert| {
        insert.execute(named_params! {
            ":group": row.group,
            ":type": row.key.kind,
            ":id": row.key.id,
            ":base": row.base,
            ":body": row.body.map(Value::to_string),
            ":kind": row.body.map_or("change", kind_of),
            ":lane": lane_of(&row.key.kind).number(),
            ":made_at": row.made_at.0,
        })
    })
    .map_err(failed)?;
    let op = conn.last_insert_rowid();
    if row.group.is_none() {
        conn.prepare_cached("UPDATE outbox SET grp = :op WHERE op = :op")
            .and_then(|mut update| update.execute(named_params! { ":op": op }))
            .map_err(failed)?;
    }
    Ok(op)
}

/// Whether nothing is queued, waiting or refused.
pub(crate) fn is_empty(conn: &Connection) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM outbox)")
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(StoreError::sql("read the outbox"))
}

const COLUMNS: &str = "op, grp, type, id, base, body, kind, made_at, attempt, tried_at, not_before, stuck,
    EXISTS (SELECT 1 FROM meta WHERE meta.name = 'absent/' || outbox.op) AS is_absent";

struct Columns {
    key: Key,
    body: Option<String>,
    stuck: Option<String>,
    row: OutboxRow,
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    let key = Key {
        kind: row.get("type")?,
        id: row.get("id")?,
    };
    Ok(Columns {
        body: row.get("body")?,
        stuck: row.get("stuck")?,
        row: OutboxRow {
            op: row.get("op")?,
            group: row.get("grp")?,
            id: key.to_string(),
            base: row.get("base")?,
            body: None,
            kind: row.get("kind")?,
            attempt: row.get("attempt")?,
            not_before: Timestamp(row.get("not_before")?),
            tried_at: row.get::<_, Option<i64>>("tried_at")?.map(Timestamp),
            stuck: None,
            absent: row.get("is_absent")?,
            made_at: Timestamp(row.get("made_at")?),
        },
        key,
    })
}

fn read(columns: Columns) -> Result<(Key, OutboxRow), StoreError> {
    let Columns {
        key,
        body: text,
        stuck,
        mut row,
    } = columns;
    row.body = body(text)?;
    row.stuck = stuck
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(StoreError::Body)?;
    Ok((key, row))
}

fn select(
    conn: &Connection,
    rest: &str,
    params: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Vec<(Key, OutboxRow)>, StoreError> {
    let rows: Vec<Columns> = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM outbox {rest}"))
        .and_then(|mut select| select.query_map(params, columns)?.collect())
        .map_err(StoreError::sql("read the outbox"))?;
    rows.into_iter().map(read).collect()
}

pub(crate) fn all(conn: &Connection) -> Result<Vec<(Key, OutboxRow)>, StoreError> {
    select(conn, "ORDER BY op", &[])
}

pub(crate) fn find(conn: &Connection, op: i64) -> Result<Option<(Key, OutboxRow)>, StoreError> {
    Ok(select(conn, "WHERE op = :op", named_params! { ":op": op })?.pop())
}

/// The first row at or after a number.
pub(crate) fn at_or_after(conn: &Connection, op: i64) -> Result<Option<(Key, OutboxRow)>, StoreError> {
    Ok(select(
        conn,
        "WHERE op >= :op ORDER BY op LIMIT 1",
        named_params! { ":op": op },
    )?
    .pop())
}

pub(crate) fn of_resource(conn: &Connection, key: &Key) -> Result<Vec<OutboxRow>, StoreError> {
    let params = named_params! { ":type": key.kind, ":id": key.id };
    let rows = select(conn, "WHERE type = :type AND id = :id ORDER BY op", params)?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

pub(crate) fn of_group(conn: &Connection, group: i64) -> Result<Vec<(Key, OutboxRow)>, StoreError> {
    select(
        conn,
        "WHERE grp = :group ORDER BY op",
        named_params! { ":group": group },
    )
}

/// What choosing a batch needs to know of a row, without its body.
pub(crate) struct Light {
    pub op: i64,
    pub group: i64,
    pub key: Key,
    pub lane: i64,
    pub not_before: Timestamp,
    pub tried: bool,
    pub stuck: bool,
    pub bytes: u64,
}

pub(crate) fn light(conn: &Connection) -> Result<Vec<Light>, StoreError> {
    conn.prepare_cached(
        "SELECT op, grp, type, id, lane, not_before, attempt > 0 AS is_tried, stuck IS NOT NULL AS is_stuck,
                coalesce(length(body), 0) AS bytes
         FROM outbox ORDER BY op",
    )
    .and_then(|mut select| {
        select
            .query_map([], |row| {
                Ok(Light {
                    op: row.get("op")?,
                    group: row.get("grp")?,
                    key: Key {
                        kind: row.get("type")?,
                        id: row.get("id")?,
                    },
                    lane: row.get("lane")?,
                    not_before: Timestamp(row.get("not_before")?),
                    tried: row.get("is_tried")?,
                    stuck: row.get("is_stuck")?,
                    bytes: row.get::<_, i64>("bytes")?.unsigned_abs(),
                })
            })?
            .collect()
    })
    .map_err(StoreError::sql("read the outbox"))
}

/// Counts a try, before it is sent.
pub(crate) fn tried(conn: &Connection, op: i64, now: Timestamp) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE outbox SET attempt = attempt + 1, tried_at = :now WHERE op = :op")
        .and_then(|mut update| update.execute(named_params! { ":op": op, ":now": now.0 }))
        .map(|_| ())
        .map_err(StoreError::sql("count a try"))
}

pub(crate) fn put_off(conn: &Connection, op: i64, until: Timestamp) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE outbox SET not_before = :until WHERE op = :op")
        .and_then(|mut update| update.execute(named_params! { ":op": op, ":until": until.0 }))
        .map(|_| ())
        .map_err(StoreError::sql("put a change off"))
}

/// Notes that the server does not know the record that a change is of.
pub(crate) fn note_absent(conn: &Connection, op: i64) -> Result<(), StoreError> {
    meta::put(conn, &format!("absent/{op}"), Some(""))
}

/// Lifts the waits of all changes: the person asked to send now, or the link is back.
pub(crate) fn lift_waits(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE outbox SET not_before = 0 WHERE not_before > 0")
        .and_then(|mut update| update.execute([]))
        .map(|_| ())
        .map_err(StoreError::sql("lift waits"))
}

pub(crate) fn set_stuck(conn: &Connection, op: i64, reason: &StuckReason) -> Result<(), StoreError> {
    let text = serde_json::to_string(reason).map_err(StoreError::Body)?;
    conn.prepare_cached("UPDATE outbox SET stuck = :stuck WHERE op = :op")
        .and_then(|mut update| update.execute(named_params! { ":op": op, ":stuck": text }))
        .map(|_| ())
        .map_err(StoreError::sql("mark a change as stuck"))
}

/// Takes off what stuck to a row.
pub(crate) fn unstick(conn: &Connection, op: i64) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE outbox SET stuck = NULL WHERE op = :op")
        .and_then(|mut update| update.execute(named_params! { ":op": op }))
        .map(|_| ())
        .map_err(StoreError::sql("free a change"))
}

pub(crate) fn set_body(
    conn: &Connection,
    op: i64,
    base: Option<&str>,
    body: Option<&Value>,
) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE outbox SET base = :base, body = :body, kind = :kind WHERE op = :op")
        .and_then(|mut update| {
            update.execute(named_params! {
                ":op": op,
                ":base": base,
                ":body": body.map(Value::to_string),
                ":kind": body.map_or("change", kind_of),
            })
        })
        .map(|_| ())
        .map_err(StoreError::sql("replace a queued change"))
}

/// Puts an acknowledged version under the later changes of the same record.
pub(crate) fn rebase(conn: &Connection, key: &Key, base: Option<&str>) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE outbox SET base = :base WHERE type = :type AND id = :id")
        .and_then(|mut update| {
            update.execute(named_params! { ":base": base, ":type": key.kind, ":id": key.id })
        })
        .map(|_| ())
        .map_err(StoreError::sql("rebase queued changes"))
}

/// Removes a row whose result is stored, or whose content a newer row of the same record carries.
pub(crate) fn delete(conn: &Connection, op: i64) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM outbox WHERE op = :op")
        .and_then(|mut delete| delete.execute(named_params! { ":op": op }))
        .map_err(StoreError::sql("remove an acknowledged change"))?;
    meta::put(conn, &format!("absent/{op}"), None)
}

/// Gives a row a new number and takes off a refusal, since the server remembers results by number. A conflict that a
/// person has to settle stays on it.
pub(crate) fn renumber(conn: &Connection, op: i64, group: i64) -> Result<i64, StoreError> {
    let conflict = serde_json::to_string(&StuckReason::Conflict).map_err(StoreError::Body)?;
    conn.prepare_cached(
        "INSERT INTO outbox (grp, type, id, base, body, kind, lane, made_at, stuck)
         SELECT :group, o.type, o.id, o.base, o.body, o.kind, o.lane, o.made_at,
                iif(o.stuck = :conflict AND EXISTS (
                        SELECT 1 FROM conflict c
                        WHERE c.type = o.type AND c.id = o.id AND c.settled_at IS NULL
                    ), o.stuck, NULL)
         FROM outbox o WHERE o.op = :op",
    )
    .and_then(|mut insert| {
        insert.execute(named_params! { ":op": op, ":group": group, ":conflict": conflict })
    })
    .map_err(StoreError::sql("renumber a change"))?;
    let new = conn.last_insert_rowid();
    delete(conn, op)?;
    Ok(new)
}

/// The highest number ever given, 0 at first.
pub(crate) fn last_number(conn: &Connection) -> Result<i64, StoreError> {
    conn.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        .and_then(|mut select| select.query_row([], |row| row.get(0)).optional())
        .map(|found| found.unwrap_or(0))
        .map_err(StoreError::sql("read the outbox's numbers"))
}

/// Makes the next number at least `number` + 1.
pub(crate) fn start_after(conn: &Connection, number: i64) -> Result<(), StoreError> {
    let sql = match last_number(conn)? {
        0 => "INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', :number)",
        _ => "UPDATE sqlite_sequence SET seq = max(seq, :number) WHERE name = 'outbox'",
    };
    conn.execute(sql, named_params! { ":number": number })
        .map(|_| ())
        .map_err(StoreError::sql("set the outbox's numbers"))
}

/// How many wait, and how many of them are stuck.
pub(crate) fn count(conn: &Connection) -> Result<(u32, u32), StoreError> {
    conn.prepare_cached("SELECT count(*), count(stuck) FROM outbox")
        .and_then(|mut select| select.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(StoreError::sql("count the outbox"))
}
