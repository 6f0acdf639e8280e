//! Recomputes the chain and names the first row that does not fit.

use super::chain::{link, Head};
use crate::db::sqlite::table;
use crate::db::DbError;
use rusqlite::Connection;

/// What is wrong with the first bad row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A row is missing, or out of its place.
    Missing,
    /// The row, or its hash, is not what was written.
    Changed,
    /// Rows at the end are missing.
    Truncated,
    /// There are rows after the noted end.
    Appended,
}

/// The outcome of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All rows fit.
    Intact {
        /// How many.
        rows: i64,
    },
    /// The first row that does not fit.
    Broken {
        /// Index of that row, from 1.
        index: i64,
        /// What is wrong.
        fault: Fault,
    },
}

/// Recomputes the chain.
///
/// # Errors
/// Where the database cannot be read.
pub fn verify(conn: &Connection) -> Result<Verdict, DbError> {
    let noted = table::audit::head(conn)?;
    let mut end = Head::default();
    let mut bad = None;
    table::audit::scan(conn, |idx, body, hash| {
        let expected = end.count + 1;
        if idx != expected {
            bad = Some(Verdict::Broken {
                index: expected,
                fault: Fault::Missing,
            });
            return false;
        }
        let computed = link(&end.hash, body);
        if computed[..] != *hash {
            bad = Some(Verdict::Broken {
                index: idx,
                fault: Fault::Changed,
            });
            return false;
        }
        end = Head {
            count: idx,
            hash: computed,
        };
        true
    })?;
    if let Some(verdict) = bad {
        return Ok(verdict);
    }
    Ok(if end == noted {
        Verdict::Intact { rows: end.count }
    } else if end.count < noted.count {
        Verdict::Broken {
            index: end.count + 1,
            fault: Fault::Truncated,
        }
    } else if end.count > noted.count {
        Verdict::Broken {
            index: noted.count + 1,
            fault: Fault::Appended,
        }
    } else {
        Verdict::Broken {
            index: end.count,
            fault: Fault::Changed,
        }
    })
}
