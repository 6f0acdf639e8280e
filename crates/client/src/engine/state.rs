//! Parts of the state.

use hms_model::time::Timestamp;
use hms_model::view::{NetworkProblem, NetworkState, NetworkView, RecordsCheckView, SignInState, SignInView};
use hms_store::keys::Key32;
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use crate::oidc::Tokens;
use crate::session::Identity;

/// What is known of the link to the server.
#[derive(Debug, Default)]
pub(crate) struct NetworkNow {
    /// `None` before the first try.
    pub(crate) reached: Option<bool>,
    pub(crate) trying: bool,
    pub(crate) last_sync_at: Option<Timestamp>,
    pub(crate) problem: Option<NetworkProblem>,
    /// The newest comparison of all records with the server.
    pub(crate) checked: Option<RecordsCheckView>,
    /// Until when the server asked not to be offered sealed entries.
    pub(crate) sealed_after: Option<std::time::Instant>,
    /// Whether bytes cost money on this link, as the system says.
    pub(crate) said_to_cost: Option<bool>,
}

impl NetworkNow {
    /// The link as shown.
    pub(crate) fn view(&self, rtt_ms: Option<u32>) -> NetworkView {
        let state = match (self.reached, self.trying) {
            (Some(true), _) => NetworkState::Online,
            (_, true) => NetworkState::Trying,
            (None | Some(false), false) => NetworkState::Offline,
        };
        NetworkView {
            state,
            last_sync_at: self.last_sync_at.map(Timestamp::as_f64),
            rtt_ms,
            problem: self.problem,
            checked: self.checked,
        }
    }
}

/// The sign-in under way.
#[derive(Debug)]
pub(crate) struct SignInNow {
    pub(crate) state: SignInState,
    pub(crate) url: Option<String>,
    pub(crate) user_code: Option<String>,
    pub(crate) opened_browser: bool,
    /// The person forgot the PIN: the key comes back from the server.
    pub(crate) recover: bool,
    pub(crate) task: Option<AbortHandle>,
    /// Counts sign-ins, so that the end of an earlier one is not taken for this one's.
    pub(crate) number: u64,
}

impl Default for SignInNow {
    fn default() -> Self {
        Self {
            state: SignInState::Idle,
            url: None,
            user_code: None,
            opened_browser: false,
            recover: false,
            task: None,
            number: 0,
        }
    }
}

impl SignInNow {
    /// The sign-in as shown.
    pub(crate) fn view(&self) -> SignInView {
        SignInView {
            state: self.state,
            url: self.url.clone(),
            user_code: self.user_code.clone(),
            opened_browser: self.opened_browser,
        }
    }
}

/// A sign-in that is done and waits for its PIN.
pub(crate) struct SignedIn {
    pub(crate) tokens: Tokens,
    pub(crate) identity: Identity,
    pub(crate) server_key: String,
    /// Days that records may be read here without reaching the server.
    pub(crate) offline_days: Option<u32>,
    /// The database key, as the server gave it back to its account.
    pub(crate) recovered: Option<Key32>,
}

/// A symptom check under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Check {
    /// Report that it belongs to.
    pub(crate) report: Option<String>,
    /// Answers so far.
    pub(crate) session: hms_triage::Session,
    /// Question that the person went back to.
    #[serde(default)]
    pub(crate) going_back: Option<String>,
    /// Results saved so far: each has its own id, and the answers of the last one.
    #[serde(default)]
    pub(crate) saved: u32,
    #[serde(default)]
    pub(crate) saved_answers: Option<String>,
    /// The newest result: when it was given, and its urgency.
    #[serde(default)]
    pub(crate) result: Option<(Timestamp, hms_triage::Urgency)>,
    /// The person is not asked about it again: they are better, a clinician has it, or nobody answered.
    #[serde(default)]
    pub(crate) followed: bool,
    /// That nobody answered was counted.
    #[serde(default)]
    pub(crate) silent: bool,
    /// Made for somebody else than the person of this phone.
    #[serde(default)]
    pub(crate) colleague: bool,
}
