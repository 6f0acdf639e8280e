//! `POST [base]/$hms-sync`: NDJSON up and down, one object a line.
//!
//! Up: any number of [`WireOp`] lines, then one [`WireAsk`] line.
//! Down: a [`WireResult`] for every op in order, then [`WireChange`] lines with a [`WireCursor`] line
//! after every 200 and one at the end. The client commits a page and its cursor in one transaction.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Media type of both bodies.
pub const MEDIA_TYPE: &str = "application/x-ndjson";
/// Request header that names the device; ops count up per device.
pub const DEVICE_HEADER: &str = "x-hms-device";
/// Request header that names the exchange, and response header that repeats it: an answer to another request, which
/// something on the way mixed up, would acknowledge what never arrived.
pub const EXCHANGE_HEADER: &str = "x-hms-exchange";
/// The base of a change that makes a record again after its deletion: a person saw the deletion, and keeps theirs.
pub const ON_ITS_DELETION: &str = "deleted";
/// Words of the OperationOutcome, with status 421, that answer a change whose number was given to another one before: the
/// data of this device lives on a second one. It goes on under a new id, after a sign-in.
pub const DEVICE_CLONED: &str = "device-cloned";
/// Changes between two cursor lines.
pub const CHECKPOINT_EVERY: usize = 200;

/// One queued change. `op` counts up per device and is never reused: the server keeps the results and
/// answers a repeated op with the first result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireOp {
    /// Sequence of the op on this device, from 1.
    pub op: i64,
    /// `Type/id`.
    pub id: String,
    /// Version that the change was made on; `None` creates (a second create of the same id with the
    /// same content is answered as done); [`ON_ITS_DELETION`] makes it again where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The resource as it should be; `None` deletes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Value>,
    /// Ops with the same group number are applied together or not at all (report and its task).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<i64>,
}

/// Last line up: from where on changes are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireAsk {
    /// The last cursor committed; `None` at first.
    pub cursor: Option<String>,
    /// Scope asked for; the server narrows it to what the role may hold on a device.
    pub scope: String,
    /// How the client sees its link, for the queue's signal column; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<WireLink>,
}

/// Link quality as the client measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireLink {
    /// Round trip in milliseconds.
    pub rtt_ms: u32,
    /// Share of lost requests or packets in thousandths.
    pub loss_permille: u32,
}

/// Result of one op.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireResult {
    /// The op answered.
    pub op: i64,
    /// HTTP status of the change: 200 or 201 done, 409/412 conflict, 4xx rejected, 5xx try again.
    pub status: u16,
    /// New version where done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Receipt, for reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<WireReceipt>,
    /// FHIR OperationOutcome where refused; names paths, never values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Value>,
}

/// The server's word that it has a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireReceipt {
    /// "HMS-4821".
    pub number: String,
    /// When the server had it: FHIR instant.
    pub at: String,
}

/// A change since the cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireChange {
    /// The change.
    pub change: ChangeBody,
}

/// A resource as it is now, or that it went away and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeBody {
    /// The resource, with `meta.versionId`.
    Resource(Value),
    /// It went away.
    Gone {
        /// `Type/id`.
        id: String,
        /// Why.
        why: GoneWhy,
    },
}

/// The three kinds of tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoneWhy {
    /// Deleted on the server.
    Deleted,
    /// No longer for this person.
    OutOfScope,
    /// Removed by a retention rule.
    Purged,
}

/// Everything up to here has been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireCursor {
    /// Opaque: epoch, commit sequence, scope hash.
    pub cursor: String,
    /// True on the last line: nothing newer was there when the answer was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
    /// Before the first change, where the cursor that was asked with is not gone on from: why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anew: Option<Anew>,
}

/// Why everything in scope follows instead of what is new since the cursor asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anew {
    /// The server was restored from a backup, or cannot tell: it may lack what it acknowledged since, and a device offers
    /// that again.
    Restored,
    /// Another scope, or other rules for it: what does not come again is not for this person any more.
    Scope,
}

/// Any line down.
#[derive(Debug, Clone, PartialEq)]
pub enum WireLine {
    /// Result of an op.
    Result(WireResult),
    /// A change.
    Change(WireChange),
    /// A checkpoint.
    Cursor(WireCursor),
}

impl WireLine {
    /// Reads one line of the answer.
    ///
    /// # Errors
    /// The line is not JSON or none of the three kinds.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(line)?;
        if value.get("op").is_some() {
            serde_json::from_value(value).map(Self::Result)
        } else if value.get("change").is_some() {
            serde_json::from_value(value).map(Self::Change)
        } else {
            serde_json::from_value(value).map(Self::Cursor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_of_line_read_back() {
        for line in [
            r#"{"op":1,"status":201,"version":"1","receipt":{"number":"HMS-4821","at":"2026-11-21T17:05:00.000Z"}}"#,
            r#"{"change":{"gone":{"id":"Task/a","why":"out-of-scope"}}}"#,
            r#"{"change":{"resource":{"resourceType":"Task","id":"a"}}}"#,
            r#"{"cursor":"1.20.ab","done":true}"#,
            r#"{"cursor":"2.0.ab.7","anew":"restored"}"#,
        ] {
            let again = match WireLine::parse(line).expect("a line") {
                WireLine::Result(it) => serde_json::to_string(&it),
                WireLine::Change(it) => serde_json::to_string(&it),
                WireLine::Cursor(it) => serde_json::to_string(&it),
            };
            assert_eq!(again.expect("json"), line);
        }
        assert!(WireLine::parse("<html>captive portal</html>").is_err());
    }
}
