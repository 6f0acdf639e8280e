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
    /// The chain fits itself, and is not the one whose end was signed: somebody wrote it anew.
    Rewritten,
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
    verify_against(conn, &[])
}

/// [`verify`], and compares with ends that were signed earlier and kept elsewhere.
///
/// # Errors
/// Where the database cannot be read.
pub fn verify_against(conn: &Connection, signed: &[Head]) -> Result<Verdict, DbError> {
    let mut signed = signed.to_vec();
    signed.sort_by_key(|head| head.count);
    let mut expected_ends = signed.iter().filter(|head| head.count > 0).peekable();
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
        while let Some(head) = expected_ends.next_if(|head| head.count == idx) {
            if *head != end {
                bad = Some(Verdict::Broken {
                    index: idx,
                    fault: Fault::Rewritten,
                });
                return false;
            }
        }
        true
    })?;
    if let Some(verdict) = bad {
        return Ok(verdict);
    }
    if expected_ends.next().is_some() {
        // A signed end lies behind the last event that there is.
        return Ok(Verdict::Broken {
            index: end.count + 1,
            fault: Fault::Truncated,
        });
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
