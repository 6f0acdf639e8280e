//! The phone itself: who uses it, what is still on it, whether it may be handed over.

use super::Phase;
use crate::wire::session::Ended;
use serde::{Deserialize, Serialize};

/// The phone and everybody who uses it. Of others only initials and counts, never what an entry is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PhoneView {
    /// Everybody who signed in on this phone; one where nobody has.
    pub people: Vec<PersonView>,
    /// Whether there is room for one more.
    pub room: bool,
    /// True where nothing of anybody would be lost with this phone: computed from the rows that wait, never set.
    pub safe_to_hand_over: bool,
    /// The person in front is going off this phone.
    pub leaving: Option<LeavingView>,
    /// The person who was here last went off it.
    pub left: Option<LeftView>,
    /// The data of this phone lives on another one too: signing in gives it a name of its own.
    pub copied: bool,
    /// Days after which records can be read only after a sign-in, where that time is over.
    pub offline_too_long: Option<u32>,
}

/// Somebody who uses this phone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PersonView {
    /// To be chosen by.
    pub seat: String,
    /// Initials; empty where nobody has signed in yet.
    pub initials: String,
    /// In front now.
    pub here: bool,
    /// Where their app is.
    pub phase: Phase,
    /// What the server does not have.
    pub waiting: WaitingView,
}

/// What of one person the server has not acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct WaitingView {
    /// Reports, additions, checks.
    pub reports: u32,
    /// Photos and recordings.
    pub photos: u32,
    /// Notes, appointments and the like: what goes only while its writer's app is open.
    pub others: u32,
    /// Forms that are not finished.
    pub forms: u32,
    /// Not known: the app ended without counting. Its owner opens it once.
    pub unknown: bool,
}

impl WaitingView {
    /// Whether nothing waits, and that is known.
    #[must_use]
    pub fn nothing(self) -> bool {
        self == Self::default()
    }
}

/// Why somebody goes off a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LeavingWhy {
    /// They asked for it.
    Asked,
    /// Somebody took this device's access away.
    DeviceRevoked,
    /// The account was disabled.
    AccountDisabled,
}

impl From<Ended> for LeavingWhy {
    fn from(why: Ended) -> Self {
        match why {
            Ended::DeviceRevoked => Self::DeviceRevoked,
            Ended::AccountDisabled => Self::AccountDisabled,
        }
    }
}

/// Somebody is going off this phone: nothing is removed before the server has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LeavingView {
    /// Why.
    pub why: LeavingWhy,
    /// Entries that the server gave a receipt for.
    pub handed_in: u32,
    /// Entries that still wait for one.
    pub waiting: u32,
    /// Entries that the server did not take: a person has to look, and nothing is removed.
    pub refused: u32,
    /// What only the PIN opens waits too: photos, notes.
    pub needs_pin: bool,
}

/// Somebody went off this phone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LeftView {
    /// Why.
    pub why: LeavingWhy,
    /// Entries that were handed in first.
    pub handed_in: u32,
    /// When.
    pub at: f64,
}

/// What this phone holds and what it sent and received.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StorageView {
    /// Records, as they are stored.
    pub records: AmountView,
    /// Photos and recordings.
    pub photos: AmountView,
    /// What the server does not have: part of the two above.
    pub unsent: AmountView,
    /// When the oldest record was last changed.
    pub oldest_at: Option<f64>,
    /// When this phone last had everything from the server.
    pub as_of: Option<f64>,
    /// All files of this person, in bytes.
    pub here_bytes: f64,
    /// Files of others on this phone, in bytes.
    pub others_bytes: f64,
    /// Free space in bytes, where the system says.
    pub free_bytes: Option<f64>,
    /// Bytes to and from the server today, by the phone's calendar.
    pub today: Vec<DataUseView>,
    /// The same in thirty days.
    pub month: Vec<DataUseView>,
    /// What large photos do on a link that costs.
    pub large_media: LargeMedia,
    /// The system says that this link costs money.
    pub link_said_to_cost: bool,
    /// The person said so.
    pub link_marked_costly: bool,
    /// What can be freed: the server has it, and it comes again when it is opened.
    pub can_free: AmountView,
    /// The server, where it is not one of ours.
    pub foreign: Option<ForeignServerView>,
}

/// A FHIR server that is not ours: it does less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ForeignServerView {
    /// What it calls itself; empty where it does not say.
    pub name: String,
    /// What it cannot do, as far as it has been found out.
    pub lacks: Vec<Lack>,
}

/// What a person should know that a server cannot do. Pages have words for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Changes of others at the same moment are found afterwards, not prevented.
    VersionCheck,
    /// Deletions show later, when lists are compared.
    Deletions,
    /// Records get other ids there.
    OwnIds,
    /// It does not tell what is new: everything is read again.
    News,
    /// One request for each change.
    Batches,
}

/// A number of things and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AmountView {
    /// How many.
    pub count: u32,
    /// Bytes.
    pub bytes: f64,
}

/// What bytes were for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// Reports, records, lists.
    Words,
    /// Photos and recordings.
    Photos,
    /// Calls.
    Calls,
    /// Signing in, looking for the server.
    Other,
}

/// Bytes to and from the server, for one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataUseView {
    /// What for.
    pub kind: DataKind,
    /// Bytes sent.
    pub sent: f64,
    /// Bytes received.
    pub received: f64,
}

/// What large photos do on a link that costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LargeMedia {
    /// Wait for Wi-Fi until the person says otherwise.
    #[default]
    #[serde(alias = "never")]
    Ask,
    /// Go at once.
    Always,
}
