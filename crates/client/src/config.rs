//! What a profile is started with: where it lives, which server it trusts, which devices it may use.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hms_model::report::Position;
use hms_model::time::{Stamp, Timestamp};
use hms_model::view::VaultKind;
use serde::{Deserialize, Serialize};

/// Everything that a client is started with.
pub struct ProfileConfig {
    /// Folder of the profile: database, journal, settings, sealed secrets. Made if missing.
    pub dir: PathBuf,
    /// The server. `DIR/server.json` wins over this where the file is there.
    pub server: Provisioning,
    /// Where keys and tokens are kept.
    pub vault: VaultChoice,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Opens an address (`https:` in the browser, `tel:` in the telephone). False where nothing could.
    pub opener: Opener,
    /// Where the phone is.
    pub position: PositionSource,
    /// Camera and microphone of calls.
    pub media: MediaChoice,
    /// The window is a desk of staff even before sign-in.
    pub staff: bool,
    /// `en` or `es`, until the person chooses.
    pub locale: String,
    /// Where a file for the person goes that they carry elsewhere.
    pub downloads: PathBuf,
}

/// Opens an address outside the app; see [`ProfileConfig::opener`].
pub type Opener = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// What a phone must know of its server before anybody signs in. Holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioning {
    /// `https://host:port`, without a slash at the end.
    pub base_url: String,
    /// PEM file of the authority that the server's certificate must come from; the system's list if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Base64 of the server's X25519 public key, to which unsent entries are sealed.
    #[serde(default)]
    pub hpke_public_key: Option<String>,
    /// Telephone number of the occupational-health line.
    #[serde(default)]
    pub help_phone: String,
    /// The data behind this server is made up.
    #[serde(default)]
    pub demo: bool,
    /// `http://HOST:PORT` of the HTTP proxy to the server and its relay, or `direct` for none. Wins over the environment's
    /// `HTTPS_PROXY` and `ALL_PROXY`; what `NO_PROXY` names is reached directly all the same. Not for passwords: those
    /// belong in the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Clinicians whose signatures make a newer pack of the symptom checker one that is used. Not from the server: who
    /// takes it over must not change what an emergency is. None: the build's own pack alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_trust: Option<hms_triage::signing::Trust>,
}

/// A provisioning file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// The file cannot be read or written.
    #[error("cannot {what} the server settings")]
    File {
        /// The operation.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not the JSON that is expected.
    #[error("the server settings cannot be understood")]
    Parse(#[source] serde_json::Error),
    /// An element that must be there is not.
    #[error("the server settings lack {0}")]
    Lacks(&'static str),
}

impl Provisioning {
    /// Settings from a server's `demo.json`. A relative CA path is taken from the file's folder.
    ///
    /// # Errors
    /// Where the file is not a `demo.json`.
    pub fn from_demo_json(path: &Path) -> Result<Self, ProvisioningError> {
        let text = std::fs::read(path).map_err(|source| ProvisioningError::File { what: "read", source })?;
        let demo: serde_json::Value = serde_json::from_slice(&text).map_err(ProvisioningError::Parse)?;
        let word = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| demo.get(*name)?.as_str().map(str::to_owned))
        };
        let base = word(&["base_url", "baseUrl", "base"]).ok_or(ProvisioningError::Lacks("base_url"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(Self {
            base_url: base.trim_end_matches('/').to_owned(),
            ca_file: word(&["ca_file", "caFile", "ca"]).map(|file| folder.join(file)),
            hpke_public_key: word(&["hpke_public_key", "hpkePublicKey"]),
            help_phone: word(&["help_phone", "helpPhone"]).unwrap_or_default(),
            demo: true,
            proxy: word(&["proxy"]),
            pack_trust: match demo.get("pack_trust") {
                Some(trust) => Some(serde_json::from_value(trust.clone()).map_err(ProvisioningError::Parse)?),
                None => None,
            },
        })
    }

    /// Settings from a `server.json` (or, where it lacks what that has, a `demo.json`).
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(path: &Path) -> Result<Self, ProvisioningError> {
        let text = std::fs::read(path).map_err(|source| ProvisioningError::File { what: "read", source })?;
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(ProvisioningError::Parse)?;
        if value.get("users").is_some() || value.get("accounts").is_some() {
            return Self::from_demo_json(path);
        }
        let mut settings: Self = serde_json::from_value(value).map_err(ProvisioningError::Parse)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        settings.ca_file = settings.ca_file.map(|file| folder.join(file));
        settings.base_url = settings.base_url.trim_end_matches('/').to_owned();
        Ok(settings)
    }

    /// Writes `DIR/server.json`, completely or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), ProvisioningError> {
        let file = |what| move |source| ProvisioningError::File { what, source };
        std::fs::create_dir_all(dir).map_err(file("write"))?;
        let text = serde_json::to_vec_pretty(self).map_err(ProvisioningError::Parse)?;
        let part = dir.join("server.json.part");
        std::fs::write(&part, text).map_err(file("write"))?;
        std::fs::rename(&part, dir.join("server.json")).map_err(file("write"))
    }
}

/// Where keys and tokens are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultChoice {
    /// The system's keychain if it works, else the sealed file.
    Best,
    /// The sealed file, also where there is a keychain: demonstrations with several profiles.
    SealedFile,
    /// Memory only: forgotten when the client ends.
    Memory,
}

impl VaultChoice {
    /// The choice as the view names it, before the keychain was tried.
    #[must_use]
    pub fn kind(self) -> VaultKind {
        match self {
            Self::Best => VaultKind::Keychain,
            Self::SealedFile => VaultKind::SealedFile,
            Self::Memory => VaultKind::Memory,
        }
    }
}

/// Tells the time and the zone of the phone.
pub trait Clock: Send + Sync {
    /// Now, as this phone believes.
    fn now(&self) -> Timestamp;
    /// Minutes east of UTC on this phone's wall at that moment.
    fn offset_minutes(&self, at: Timestamp) -> i32;
    /// Now with the zone.
    fn stamp(&self) -> Stamp {
        let at = self.now();
        Stamp {
            at,
            offset_minutes: self.offset_minutes(at),
        }
    }
}

/// The machine's clock and zone.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(chrono::Utc::now().timestamp_millis())
    }

    fn offset_minutes(&self, at: Timestamp) -> i32 {
        at.utc().with_timezone(&chrono::Local).offset().local_minus_utc() / 60
    }
}

/// A place that the phone knows itself to be in.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Position.
    pub position: Position,
    /// Route or address in words, where known.
    pub label: Option<String>,
}

/// Where the phone is; the platform sets it as it moves.
#[derive(Debug, Clone, Default)]
pub struct PositionSource(Arc<Mutex<Option<Place>>>);

impl PositionSource {
    /// A phone that never moves: demonstrations and tests.
    #[must_use]
    pub fn fixed(latitude: f64, longitude: f64, label: Option<&str>) -> Self {
        let source = Self::default();
        source.set(Some(Place {
            position: Position {
                latitude,
                longitude,
                accuracy_m: Some(12.0),
            },
            label: label.map(str::to_owned),
        }));
        source
    }

    /// Sets or clears the place.
    pub fn set(&self, place: Option<Place>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// The newest place.
    #[must_use]
    pub fn get(&self) -> Option<Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Camera and microphone of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaChoice {
    /// A test picture and a spoken phrase stand in; the screen says so.
    Synthetic {
        /// Which phrase is spoken.
        side: SyntheticSide,
    },
    /// The machine's devices; a stand-in where one is missing.
    Devices,
    /// A Y4M file, with a WAV file of the same name beside it.
    File(PathBuf),
}

/// Which phrase a synthetic microphone speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntheticSide {
    /// The carrier's phrase.
    Carrier,
    /// The clinician's phrase.
    Clinician,
}
