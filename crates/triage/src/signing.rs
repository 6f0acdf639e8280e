//! Whether clinicians have signed a pack. Only their signatures make it "approved"; what a pack says of itself does not.
//!
//! A signature (Ed25519) covers the hash of the pack, the name of the signer and the day, so none of the three can be
//! changed afterwards. Who may sign is a list of keys that is kept apart from packs.

use std::collections::BTreeMap;
use std::fmt;

use ed25519_dalek::{Signature as Ed25519, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One clinician's signature of one pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSignature {
    /// SHA-256 of the pack, lower-case hex.
    pub pack: String,
    /// Who signed, as the trusted key names them.
    pub name: String,
    /// The day, `2026-11-22`.
    pub date: String,
    /// The signer's public key, hex.
    pub key: String,
    /// The signature, hex.
    pub signature: String,
}

/// A key that may sign, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The clinician, with licence.
    pub name: String,
    /// The public key, hex.
    pub key: String,
}

/// Who may approve a pack, and how many of them must. By default nobody may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// How many different clinicians must have signed; 0 counts as 1.
    pub needed: usize,
    /// Their keys.
    pub keys: Vec<TrustedKey>,
}

/// What a pack may call itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not signed, signed wrongly, or not by enough clinicians.
    DraftUnsigned,
    /// Signed by these clinicians.
    Approved {
        /// Their names, sorted.
        by: Vec<String>,
    },
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::DraftUnsigned => f.write_str("draft, unsigned"),
            Status::Approved { by } => write!(f, "approved by {}", by.join(", ")),
        }
    }
}

/// What signatures make of a pack. Those that are wrong, of another pack, or by nobody trusted do not count.
#[must_use]
pub fn verify(pack: &[u8], signatures: &[PackSignature], trust: &Trust) -> Status {
    let hash = hash(pack);
    // By key: who signs twice, or under two names with one key, counts once.
    let mut by: BTreeMap<&str, &str> = BTreeMap::new();
    for signature in signatures.iter().filter(|s| s.pack == hash) {
        let trusted = trust
            .keys
            .iter()
            .find(|k| k.key == signature.key && k.name == signature.name);
        let said = message(&signature.pack, &signature.name, &signature.date);
        if let Some(key) = trusted.filter(|key| holds(&said, &signature.signature, key)) {
            by.insert(&key.key, &key.name);
        }
    }
    let mut by: Vec<String> = by.into_values().map(str::to_owned).collect();
    by.sort();
    by.dedup();
    match by.len() >= trust.needed.max(1) {
        true => Status::Approved { by },
        false => Status::DraftUnsigned,
    }
}

/// Whether a key signed these words.
pub(crate) fn holds(said: &str, signature: &str, key: &TrustedKey) -> bool {
    let checked = || {
        let key = VerifyingKey::from_bytes(&from_hex::<32>(&key.key)?).ok()?;
        let made = Ed25519::from_bytes(&from_hex::<64>(signature)?);
        key.verify_strict(said.as_bytes(), &made).ok()
    };
    checked().is_some()
}

/// SHA-256 of a pack, as [`crate::Pack::hash`] gives it.
#[must_use]
pub fn hash(pack: &[u8]) -> String {
    to_hex(&Sha256::digest(pack))
}

/// What is signed. The first line keeps a signature of this kind from being taken for one of another.
pub(crate) fn message(pack: &str, name: &str, date: &str) -> String {
    format!("HMS-ACH symptom checker, approval of a pack, 1\n{pack}\n{name}\n{date}\n")
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    // Lower case alone, so that one key has one spelling.
    let value = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(out)
}
