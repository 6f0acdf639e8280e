//! The database: one writer that commits in groups, many readers, and the words in which both are used.
//!
//! ```no_run
//! # async fn example(db: hms_server::db::Db) -> Result<(), hms_server::db::WriteError> {
//! use hms_server::db::{Precondition, Prepared};
//! let patient = Prepared::new(serde_json::json!({"resourceType": "Patient", "id": "p1"}))?;
//! let put = db.write(move |tx| tx.put(patient, Precondition::None)).await?;
//! assert!(put.created);
//! # Ok(()) }
//! ```

pub mod error;
pub mod prepared;
pub mod sqlite;
pub mod tx;

pub use error::{DbError, SqlResult, WriteError};
pub use prepared::{is_stored_type, Prepared};
pub use sqlite::{Db, Read};
pub use tx::{Hook, Precondition, Put, Stored, Tx};

/// A change that was committed; sent to [`crate::app::App::events`] after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Place in the order of commits.
    pub seq: i64,
    /// Resource type.
    pub kind: String,
    /// Resource id.
    pub id: String,
    /// The Patient whose compartment it is in.
    pub patient: Option<String>,
    /// Whether this version is a deletion.
    pub deleted: bool,
}
