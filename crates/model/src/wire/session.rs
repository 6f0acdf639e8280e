//! `GET /api/session`: who I am to the server, and the keys to pin. `POST /api/sealed`: reports made without sign-in.

use crate::role::Role;
use serde::{Deserialize, Serialize};

/// Answer of `GET /api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireSession {
    /// Account id.
    pub user: String,
    /// Role.
    pub role: Role,
    /// Name to show.
    pub name: String,
    /// `Patient/…` or `Practitioner/…`.
    pub fhir: String,
    /// Name of the site or clinic.
    #[serde(default)]
    pub site: Option<String>,
    /// Base64 of the server's X25519 public key (HPKE) to which unsent entries are sealed.
    pub hpke_public_key: String,
    /// Server time: FHIR instant.
    pub now: String,
    /// Days that a device may show its records without having reached the server; absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_days: Option<u32>,
}

/// Field of the token endpoint's refusal that says why the access ended for good, beside OAuth's `invalid_grant`.
pub const ENDED_FIELD: &str = "hms_ended";

/// Why a device's access ended for good: it hands in what is unsent, and empties itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Somebody took this device's access away.
    DeviceRevoked,
    /// The account was disabled.
    AccountDisabled,
}

impl Ended {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeviceRevoked => "device_revoked",
            Self::AccountDisabled => "account_disabled",
        }
    }

    /// Reads the word; `None` for others.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::DeviceRevoked, Self::AccountDisabled]
            .into_iter()
            .find(|why| why.as_str() == word)
    }
}

/// `GET /api/hello`, no sign-in: what a phone that nobody signed in on needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireHello {
    /// Base64 of the server's X25519 public key.
    pub hpke_public_key: String,
    /// Issuer for sign-in.
    pub issuer: String,
    /// Server time: FHIR instant.
    pub now: String,
    /// Telephone number of the occupational-health line.
    pub help_phone: String,
    /// The data is made up for a demonstration: whoever shows it says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
}

/// One sealed entry of `POST /api/sealed` (JSON array of these). HPKE base mode,
/// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; `info` = `hms-ach sealed entry v1`; `aad` = the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireSealed {
    /// Client id of the entry (the report's id): sending twice stores once.
    pub id: String,
    /// Base64 of the encapsulated key.
    pub enc: String,
    /// Base64 of the ciphertext: JSON [`SealedEntry`].
    pub ciphertext: String,
}

/// `info` of the HPKE context.
pub const SEAL_INFO: &[u8] = b"hms-ach sealed entry v1";

/// What is inside a sealed entry.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// `Type/id` of each resource, as they would have been pushed.
    pub resources: Vec<serde_json::Value>,
    /// Device that sealed it.
    pub device: String,
    /// The account if one was known; else claimed at the next sign-in on this device.
    #[serde(default)]
    pub user: Option<String>,
    /// True for a form that was not finished; replaced by the finished one of the same id.
    #[serde(default)]
    pub draft: bool,
}

/// Answer of `POST /api/sealed`, one per entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireSealedResult {
    /// Entry.
    pub id: String,
    /// 200 or 201 kept, 4xx refused.
    pub status: u16,
    /// Receipt, once it is a report with a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<super::sync::WireReceipt>,
}
