//! The encrypted store on the device, the sealed journal of what is unsent, and the keys of both.
//!
//! One [`Store`] per profile. SQLite runs on a thread of its own; the handle is cheap to clone and its methods
//! are async. This is the only client code with SQL, which lives in `table/` and `migrations/`.
//!
//! Beside the database lie the [`journal`] (readable only by the server, written before the commit), the
//! wrapped key ([`keys`]) and a reserve of 4 MiB that lets text be saved on a full disk.

pub mod error;
mod find;
pub mod journal;
pub mod keys;
mod migrate;
mod open;
mod opnumbers;
mod packed;
mod place;
mod query;
mod reserve;
mod rows;
mod salvage;
pub mod seal;
mod store;
mod table;
mod write;

pub use error::{OpenError, StoreError};
pub use journal::{Journal, JournalError};
pub use open::set_aside;
pub use query::{Compare, Criterion, Found, Order, Query, TextMatch};
pub use rows::{
    Applied, AuditRow, Blob, ConflictRow, Counts, DraftRow, Held, LocalChange, OutboxRow, PageReport,
    ReceiptRow, Stored, Usage,
};
pub use salvage::{salvage, Salvaged};
pub use store::{Note, Store};
