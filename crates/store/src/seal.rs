//! Sealing to the server's public key: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! AES-256-GCM. Only the server can open what is sealed, not the phone that sealed it.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::wire::session::{SealedEntry, WireSealed, SEAL_INFO};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};

/// Something could not be sealed or opened. Says nothing about what was inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The public or private key is not 32 bytes of base64, or not a key.
    #[error("not a usable key")]
    BadKey,
    /// The entry could not be turned into text, or the text into an entry.
    #[error("not a sealed entry")]
    BadEntry,
    /// Sealing failed.
    #[error("failed to seal")]
    Seal,
    /// Opening failed: other key, other id, or changed on the way.
    #[error("failed to open")]
    Open,
}

/// Seals an entry under its id. `public_key` is base64, as `/api/hello` gives it.
///
/// # Errors
/// The key is unusable.
pub fn seal(public_key: &str, id: &str, entry: &SealedEntry) -> Result<WireSealed, SealError> {
    let text = serde_json::to_vec(entry).map_err(|_| SealError::BadEntry)?;
    let (enc, ciphertext) = seal_bytes(public_key, SEAL_INFO, id.as_bytes(), &text)?;
    Ok(WireSealed {
        id: id.to_owned(),
        enc,
        ciphertext,
    })
}

/// Opens an entry with the server's private key (base64).
///
/// # Errors
/// The key does not fit, or the entry or its id was changed.
pub fn open(private_key: &str, sealed: &WireSealed) -> Result<SealedEntry, SealError> {
    let text = open_bytes(
        private_key,
        SEAL_INFO,
        sealed.id.as_bytes(),
        &sealed.enc,
        &sealed.ciphertext,
    )?;
    serde_json::from_slice(&text).map_err(|_| SealError::BadEntry)
}

/// A new key pair, private and public, in base64.
#[must_use]
pub fn key_pair() -> (String, String) {
    let (private, public) = X25519HkdfSha256::gen_keypair();
    (
        STANDARD.encode(private.to_bytes()),
        STANDARD.encode(public.to_bytes()),
    )
}

/// Encapsulated key and ciphertext, both base64.
pub(crate) fn seal_bytes(
    public_key: &str,
    info: &[u8],
    aad: &[u8],
    text: &[u8],
) -> Result<(String, String), SealError> {
    let key = STANDARD.decode(public_key).map_err(|_| SealError::BadKey)?;
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&key).map_err(|_| SealError::BadKey)?;
    let (enc, ciphertext) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        text,
        aad,
    )
    .map_err(|_| SealError::Seal)?;
    Ok((STANDARD.encode(enc.to_bytes()), STANDARD.encode(ciphertext)))
}

pub(crate) fn open_bytes(
    private_key: &str,
    info: &[u8],
    aad: &[u8],
    enc: &str,
    ciphertext: &str,
) -> Result<Vec<u8>, SealError> {
    let key = STANDARD.decode(private_key).map_err(|_| SealError::BadKey)?;
    let key = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&key).map_err(|_| SealError::BadKey)?;
    let enc = STANDARD.decode(enc).map_err(|_| SealError::BadEntry)?;
    let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&enc).map_err(|_| SealError::BadEntry)?;
    let ciphertext = STANDARD.decode(ciphertext).map_err(|_| SealError::BadEntry)?;
    hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key,
        &enc,
        info,
        &ciphertext,
        aad,
    )
    .map_err(|_| SealError::Open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry() -> SealedEntry {
        SealedEntry {
            resources: vec![json!({ "resourceType": "QuestionnaireResponse", "id": "r1" })],
            device: "d1".into(),
            user: None,
            draft: false,
        }
    }

    #[test]
    fn only_the_servers_key_opens_and_only_under_the_same_id() {
        let (private, public) = key_pair();

        let sealed = seal(&public, "r1", &entry()).expect("seals");

        assert!(open(&private, &sealed).expect("opens") == entry());
        assert_eq!(open(&key_pair().0, &sealed).err(), Some(SealError::Open));
        let moved = WireSealed {
            id: "r2".into(),
            ..sealed.clone()
        };
        assert_eq!(open(&private, &moved).err(), Some(SealError::Open));
        assert!(!sealed.ciphertext.contains("Questionnaire"));
    }

    #[test]
    fn a_bad_public_key_is_refused() {
        for key in ["", "not base64!", "AAAA"] {
            assert_eq!(seal(key, "r1", &entry()).err(), Some(SealError::BadKey));
        }
    }
}
