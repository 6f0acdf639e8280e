//! Authoring: tables in YAML, the linter and the builder. The client never enables this.
//!
//! Authors edit the tables under `content/`; [`build`] turns them into the bytes of a pack, and
//! [`lint`] says what is wrong with it. Both are pure: who calls them reads and writes the files.

mod build;
mod condition;
mod conditions;
mod diff;
pub mod fhir;
mod fired;
mod graph;
mod lint;
mod page;
mod paths;
mod reading;
mod sign;
mod tables;
mod witness;
pub mod words;

pub use build::build;
pub use condition::parse as parse_condition;
pub use diff::{answers, diff, urgency, Answered, CaseChange, Change, Difference, RowChange};
pub use fired::{fired, lines as lines_that_hold, open as open_questions};
pub use graph::{graph, Drawing};
pub use lint::{lint, Finding as LintFinding};
pub use page::page;
pub use paths::{walks, Walk};
pub use reading::{ease_es, grade_en};
pub use sign::{recall, sign, SigningSeed};
pub use tables::{examples, Example, Tables};
pub use witness::{answers_with, states, urgency_without, witnesses};

/// Why tables were refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthorError {
    /// A table is not YAML of the expected shape.
    #[error("failed to read the table {file}")]
    Table {
        /// Name of the table.
        file: String,
        /// What the YAML reader said.
        #[source]
        source: serde_yaml_ng::Error,
    },
    /// A table that must exist does not.
    #[error("the table {0} is missing")]
    Missing(String),
    /// A condition that the grammar does not allow.
    #[error("the condition of {user} is refused: {why}")]
    Condition {
        /// The row.
        user: String,
        /// What is wrong with it.
        why: String,
    },
    /// A row lacks something it needs.
    #[error("{row}: {what}")]
    Row {
        /// The row.
        row: String,
        /// What it lacks.
        what: String,
    },
    /// The result is not a sound pack.
    #[error("the tables do not make a sound pack")]
    Pack(#[from] crate::PackError),
    /// The pack could not be written.
    #[error("failed to write the pack")]
    Write(#[source] serde_json::Error),
}
