//! `POST [base]/$hms-sync-digest`: does a device hold what the server gives its person, and if not, where do they differ?
//!
//! Up: one [`WireDigestAsk`] line. Down: [`WireLeaf`] lines for ranges that differ, or
//! [`super::sync::WireChange`] lines for the records that were asked for; last, always, one [`WireDigest`] line. An
//! answer without that line says nothing.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireDigestAsk {
    /// The last cursor committed: what is asked is about that place of the feed.
    pub cursor: Option<String>,
    /// As in the exchange.
    pub scope: String,
    /// The device's 256 sums, in base64; absent where records are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<String>,
    /// Records (`Type/id`) that are wanted as the server has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<String>,
}

/// All that the server has for this person in one range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireLeaf {
    /// The range: first byte of SHA-256 of `Type/id`.
    pub leaf: u8,
    /// Version by `Type/id`.
    pub holds: BTreeMap<String, String>,
}

/// The end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireDigest {
    /// There is something new behind the cursor, or it is not gone on from: nothing was compared. Sync first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
    /// Records that the server has for this person.
    pub records: u32,
    /// Ranges that differ; not all of them are listed where they are many.
    pub differ: u32,
}
