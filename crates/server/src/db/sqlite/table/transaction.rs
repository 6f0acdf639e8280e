//! Transactions and the savepoint of each job.

use crate::db::{DbError, SqlResult};
use rusqlite::Connection;

/// Takes the write lock.
///
/// # Errors
/// Where another process holds it for too long.
pub fn begin(conn: &Connection) -> Result<(), DbError> {
    conn.execute_batch("BEGIN IMMEDIATE").doing("begin a transaction")
}

/// Marks the point to which a refused job returns.
///
/// # Errors
/// A failed statement.
pub fn savepoint(conn: &Connection) -> Result<(), DbError> {
    conn.execute_batch("SAVEPOINT job").doing("set a savepoint")
}

/// Keeps a job's changes.
///
/// # Errors
/// A failed statement.
pub fn release(conn: &Connection) -> Result<(), DbError> {
    conn.execute_batch("RELEASE job").doing("release a savepoint")
}

/// Undoes a job's changes.
///
/// # Errors
/// A failed statement.
pub fn undo(conn: &Connection) -> Result<(), DbError> {
    conn.execute_batch("ROLLBACK TO job; RELEASE job")
        .doing("undo a refused change")
}

/// Undoes everything since [`begin`].
///
/// # Errors
/// A failed statement.
pub fn rollback(conn: &Connection) -> Result<(), DbError> {
    conn.execute_batch("ROLLBACK").doing("roll back")
}
