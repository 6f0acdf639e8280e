//! State of the app as a whole.

use crate::role::Role;
use serde::{Deserialize, Serialize};

/// Where the app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nobody has signed in on this profile. A report and a symptom check still work.
    Fresh,
    /// Signed in, but no PIN yet: the PIN must be set now.
    NeedsPin,
    /// Locked. A report and a symptom check still work.
    Locked,
    /// Open.
    Open,
}

/// Where keys and tokens are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// The system's keychain.
    Keychain,
    /// A sealed file: no keychain could be used, so a longer passphrase is asked for. The screen says why.
    SealedFile,
    /// Memory only: forgotten when the app closes.
    Memory,
}

/// The link to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NetworkView {
    /// What is known.
    pub state: NetworkState,
    /// Last time that a sync ended well.
    pub last_sync_at: Option<f64>,
    /// Round trip of the last request in milliseconds.
    pub rtt_ms: Option<u32>,
    /// Why the last try failed, where it did.
    pub problem: Option<NetworkProblem>,
    /// When this device last compared all its records with the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "bindings", specta(optional))]
    pub checked: Option<RecordsCheckView>,
}

/// A comparison of all records with the server, which went well.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RecordsCheckView {
    /// When it was.
    pub at: f64,
    /// Records that the server has for this person.
    pub records: u32,
    /// Records that were not here as the server has them, and were put right.
    pub mended: u32,
}

/// Link state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum NetworkState {
    /// No way to the server.
    Offline,
    /// A try is under way.
    Trying,
    /// The last request was answered.
    Online,
}

/// Why the server could not be reached; each has its own words and next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum NetworkProblem {
    /// No answer.
    Unreachable,
    /// Answered too slowly.
    Slow,
    /// A web page came back instead of the service (a sign-in page of a public network).
    NotOurServer,
    /// The network's proxy does not connect to the server.
    ProxyRefused,
    /// The server says that it has a fault.
    ServerFault,
    /// The certificate is not the one that this app trusts.
    NotTrusted,
    /// Sign in again: the session is over. What is unsent is safe.
    SignInNeeded,
}

/// The app as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AppView {
    /// Where the app is.
    pub phase: Phase,
    /// Role of the account, once signed in.
    pub role: Option<Role>,
    /// Name of the person, once open.
    pub name: Option<String>,
    /// Name of the site, once open.
    pub site: Option<String>,
    /// `en` or `es`.
    pub language: String,
    /// `auto`, `light`, `dark` or `sun`.
    pub theme: String,
    /// Where keys are kept.
    pub vault: VaultKind,
    /// Link.
    pub network: NetworkView,
    /// Entries that the server has not acknowledged.
    pub unsent: u32,
    /// The phone's clock is wrong by this many seconds (server minus phone); absent when within two minutes.
    pub clock_off_s: Option<f64>,
    /// PIN tries left before a delay, and when the next try is allowed.
    pub tries_left: u32,
    /// See `tries_left`.
    pub wait_until: Option<f64>,
    /// Telephone number of the occupational-health line.
    pub help_phone: String,
    /// The server's address as shown in Help.
    pub server: String,
    /// True where the data is made up for a demonstration; the window says so.
    pub demo: bool,
    /// Version of the app.
    pub version: String,
    /// WebSocket of the pictures of a call: `ws://127.0.0.1:port/secret`. Append `/remote` or `/self`.
    pub frames_url: Option<String>,
    /// Store trouble that a person must know of, if any.
    pub storage: Option<StorageProblem>,
    /// The symptom check that this person is to be asked about again, while one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "bindings", specta(optional))]
    pub recheck: Option<RecheckView>,
}

/// A symptom check that is looked back on after some time: "How are you now?"
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RecheckView {
    /// The check.
    pub check: String,
    /// Its newest result, urgency on the chain.
    pub urgency: String,
    /// When that result was given.
    pub at: f64,
    /// From when on it is asked.
    pub due_at: f64,
    /// It is asked now.
    pub due: bool,
}

/// Trouble with the store; each has its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StorageProblem {
    /// The disk is full: text still saves from a reserve, photos do not.
    Full,
    /// The file was damaged; what was unsent is in the sealed journal and will be delivered; the rest loads again.
    Rebuilt,
    /// The key is gone; as above.
    KeyLost,
}

/// Sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SignInView {
    /// What happens now.
    pub state: SignInState,
    /// Address to open in a browser.
    pub url: Option<String>,
    /// Code to type on another device (device code).
    pub user_code: Option<String>,
    /// Where a browser could not be opened, the person opens the address by hand.
    pub opened_browser: bool,
}

/// State of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SignInState {
    /// None.
    Idle,
    /// Waiting for the browser.
    Waiting,
    /// Done: a PIN follows, or the app is open.
    Done,
    /// Refused or cancelled in the browser.
    Refused,
    /// Took too long.
    Expired,
    /// This account has a place of its own on this phone, or this place is somebody else's: nothing was changed.
    Elsewhere,
    /// No way to the server.
    Offline,
}

/// Answer to a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct UnlockView {
    /// Open now.
    pub open: bool,
    /// Tries left before a delay.
    pub tries_left: u32,
    /// When the next try is allowed.
    pub wait_until: Option<f64>,
    /// Sign in online to go on: too many wrong tries, or the key is gone.
    pub sign_in_needed: bool,
}

/// What a command answers when it fails: a code that the window has words for, and a number for support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CommandError {
    /// Code.
    pub code: ErrorCode,
    /// Number for support; also in the log.
    pub reference: String,
}

/// Failures that the window acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Needs the network, and there is none.
    Offline,
    /// Locked: unlock first.
    Locked,
    /// Not for this role.
    NotAllowed,
    /// Somebody else has it.
    Taken,
    /// Changed meanwhile; shown again.
    Changed,
    /// Something is missing or out of range.
    Invalid,
    /// PIN too short or too simple.
    WeakPin,
    /// The disk is full.
    DiskFull,
    /// The file is too large or not a picture.
    BadFile,
    /// Camera or microphone could not be opened.
    DeviceRefused,
    /// Signed already: only an addendum can follow.
    Signed,
    /// Not found.
    NotFound,
    /// Anything else.
    Internal,
}

/// Bytes of a photo or recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AttachmentBytes {
    /// Media type.
    pub content_type: String,
    /// The bytes.
    pub base64: String,
}
