//! What goes into the store and comes out of it.

use hms_core::outbox::StuckReason;
use hms_model::time::Timestamp;
use hms_model::wire::sync::WireReceipt;
use serde_json::Value;

/// A resource as this device shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The resource, local changes included.
    pub resource: Value,
    /// The server's version that it was made on; `None` where the server has none yet.
    pub version: Option<String>,
    /// Changes of it wait in the outbox.
    pub pending: bool,
}

/// A change made on this device.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalChange {
    /// `Type/id`.
    pub id: String,
    /// The resource as it should be; `None` deletes.
    pub resource: Option<Value>,
    /// The version that the person saw. `None` takes the stored one, or creates.
    pub base: Option<String>,
}

impl LocalChange {
    /// Creates the resource or replaces what is stored. `None` where it has no type or id.
    #[must_use]
    pub fn put(resource: Value) -> Option<Self> {
        let kind = resource.get("resourceType")?.as_str()?;
        let id = format!("{kind}/{}", resource.get("id")?.as_str()?);
        Some(Self {
            id,
            resource: Some(resource),
            base: None,
        })
    }
}

/// Who did what, kept in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Account; `None` where nobody has signed in.
    pub who: Option<String>,
    /// Code, such as `report-send`.
    pub action: String,
    /// `Type/id`.
    pub subject: String,
}

/// A change that the server has not acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Number that the server remembers.
    pub op: i64,
    /// Changes of one group go together.
    pub group: i64,
    /// `Type/id`.
    pub id: String,
    /// Version that it was made on; `None` creates.
    pub base: Option<String>,
    /// The resource; `None` deletes.
    pub body: Option<Value>,
    /// What "Waiting to send" calls it.
    pub kind: String,
    /// Tries so far.
    pub attempt: u32,
    /// Not tried again before.
    pub not_before: Timestamp,
    /// Last try.
    pub tried_at: Option<Timestamp>,
    /// Why it does not go on by itself.
    pub stuck: Option<StuckReason>,
    /// The server said several times that it does not know the record; it is tried on.
    pub absent: bool,
    /// When it was made.
    pub made_at: Timestamp,
}

/// What became of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The server has it.
    Done {
        /// `Type/id`.
        id: String,
        /// Receipt, for reports.
        receipt: Option<WireReceipt>,
    },
    /// Tried again by itself, not before.
    Later(Timestamp),
    /// Sign in first; the change waits unharmed.
    SignInNeeded,
    /// Needs a person.
    Stuck(StuckReason),
    /// Merged with the server's newer version; goes out again.
    Merged,
    /// No such change: an answer that came twice.
    Unknown,
}

/// What a page of changes did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageReport {
    /// `Type/id` of all that is shown differently now.
    pub changed: Vec<String>,
    /// `Type/id` where both sides changed and a person has to settle it.
    pub conflicts: Vec<String>,
}

/// Two versions of one record that could not be merged.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictRow {
    /// `Type/id`.
    pub id: String,
    /// When it was found.
    pub found_at: Timestamp,
    /// Elements in question.
    pub elements: Vec<String>,
    /// What both started from, where known.
    pub base: Option<Value>,
    /// What this device has; `None`: deleted here.
    pub local: Option<Value>,
    /// What the server has; `None`: deleted there.
    pub remote: Option<Value>,
    /// Version of the server's.
    pub remote_version: Option<String>,
}

/// A receipt and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// `Type/id`.
    pub id: String,
    /// The server's word.
    pub receipt: WireReceipt,
}

/// A form that is being filled in, or a symptom check under way.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftRow {
    /// Its id.
    pub id: String,
    /// Its state, as the caller gave it.
    pub body: Value,
    /// Last change.
    pub changed_at: Timestamp,
}

/// A photo or recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Media type.
    pub content_type: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Resources held.
    pub resources: u32,
    /// Changes not acknowledged, stuck ones included.
    pub unsent: u32,
    /// Changes that need a person.
    pub stuck: u32,
    /// Conflicts not settled.
    pub conflicts: u32,
    /// Forms being filled in.
    pub drafts: u32,
}

/// How much of one kind there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Rows.
    pub count: u32,
    /// Bytes of their content.
    pub bytes: u64,
}

/// How much there is, in rows and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Records.
    pub records: Held,
    /// Photos and recordings.
    pub files: Held,
    /// Changes that wait.
    pub waiting: Held,
}
