//! `attachment` and `attachment_piece`: photos and recordings, in pieces so that none needs one huge cell.

use crate::{Blob, StoreError};
use hms_model::time::Timestamp;
use rusqlite::{named_params, Connection, OptionalExtension};

const PIECE: usize = 256 * 1024;

pub(crate) fn put(conn: &Connection, id: &str, blob: &Blob, now: Timestamp) -> Result<(), StoreError> {
    let failed = |source| StoreError::sql("keep an attachment")(source);
    delete(conn, id)?;
    conn.prepare_cached(
        "INSERT INTO attachment (id, content_type, size, made_at) VALUES (:id, :content_type, :size, :now)",
    )
    .and_then(|mut insert| {
        let size = i64::try_from(blob.bytes.len()).unwrap_or(i64::MAX);
        insert.execute(named_params! {
            ":id": id, ":content_type": blob.content_type, ":size": size, ":now": now.0,
        })
    })
    .map_err(failed)?;
    let mut insert = conn
        .prepare_cached(
            "INSERT INTO attachment_piece (attachment, number, bytes) VALUES (:id, :number, :bytes)",
        )
        .map_err(failed)?;
    for (number, piece) in (0_i64..).zip(blob.bytes.chunks(PIECE)) {
        insert
            .execute(named_params! { ":id": id, ":number": number, ":bytes": piece })
            .map_err(failed)?;
    }
    Ok(())
}

pub(crate) fn get(conn: &Connection, id: &str) -> Result<Option<Blob>, StoreError> {
    let failed = |source| StoreError::sql("read an attachment")(source);
    let found: Option<(String, i64)> = conn
        .prepare_cached("SELECT content_type, size FROM attachment WHERE id = :id")
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":id": id }, |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(failed)?;
    let Some((content_type, size)) = found else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut select = conn
        .prepare_cached("SELECT bytes FROM attachment_piece WHERE attachment = :id ORDER BY number")
        .map_err(failed)?;
    let mut rows = select.query(named_params! { ":id": id }).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        bytes.extend_from_slice(row.get_ref(0).map_err(failed)?.as_blob().unwrap_or_default());
    }
    Ok(Some(Blob { content_type, bytes }))
}

/// Length in bytes; `None` where there is no such attachment.
pub(crate) fn size(conn: &Connection, id: &str) -> Result<Option<u64>, StoreError> {
    conn.prepare_cached("SELECT size FROM attachment WHERE id = :id")
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":id": id }, |row| row.get::<_, i64>(0))
                .optional()
        })
        .map(|size| size.and_then(|size| u64::try_from(size).ok()))
        .map_err(StoreError::sql("measure an attachment"))
}

/// At most `length` bytes from `offset`, without reading the rest.
pub(crate) fn part(conn: &Connection, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
    let failed = |source| StoreError::sql("read a part of an attachment")(source);
    let piece = PIECE as u64;
    let number = |at: u64| i64::try_from(at / piece).unwrap_or(i64::MAX);
    let last = offset.saturating_add(length as u64).saturating_sub(1);
    let mut select = conn
        .prepare_cached(
            "SELECT bytes FROM attachment_piece
             WHERE attachment = :id AND number BETWEEN :first AND :last ORDER BY number",
        )
        .map_err(failed)?;
    let mut rows = select
        .query(named_params! { ":id": id, ":first": number(offset), ":last": number(last) })
        .map_err(failed)?;
    let mut part = Vec::with_capacity(length);
    let mut skip = usize::try_from(offset % piece).unwrap_or(0);
    while let Some(row) = rows.next().map_err(failed)? {
        let bytes = row.get_ref(0).map_err(failed)?.as_blob().unwrap_or_default();
        let wanted = length - part.len();
        part.extend(bytes.iter().skip(skip).take(wanted));
        skip = 0;
    }
    Ok(part)
}

pub(crate) fn ids(conn: &Connection) -> Result<Vec<String>, StoreError> {
    conn.prepare_cached("SELECT id FROM attachment ORDER BY id")
        .and_then(|mut select| select.query_map([], |row| row.get(0))?.collect())
        .map_err(StoreError::sql("list attachments"))
}

pub(crate) fn delete(conn: &Connection, id: &str) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM attachment WHERE id = :id")
        .and_then(|mut delete| delete.execute(named_params! { ":id": id }))
        .map(|_| ())
        .map_err(StoreError::sql("remove an attachment"))
}
