//! The server's own keys: HPKE for sealed entries, ES256 for id tokens, Ed25519 for the audit's ends. Private parts stay in `DATA/keys`.

use crate::audit::chain::Head;
use crate::audit::SignedHead;
use crate::data_dir::{DataDir, DataDirError};
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::Engine;
use hms_model::time::Timestamp;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable};
use ring::rand::SystemRandom;
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, ECDSA_P256_SHA256_FIXED_SIGNING};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A key file cannot be read or written.
    #[error(transparent)]
    File(#[from] DataDirError),
    /// A key file is damaged.
    #[error("the key {name} is damaged; restore it from a backup")]
    Damaged {
        /// File name.
        name: &'static str,
    },
    /// A sealed entry does not open with this key.
    #[error("the sealed entry does not open with this server's key")]
    Unsealable,
}

/// The keys of a running server.
pub struct Keys {
    hpke_private: PrivateKey,
    hpke_public: Vec<u8>,
    signing: EcdsaKeyPair,
    key_id: String,
    audit: Ed25519KeyPair,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the keys, making those that do not exist yet.
    ///
    /// # Errors
    /// Where a file cannot be read, written or understood.
    pub fn open(dir: &DataDir) -> Result<Self, KeysError> {
        let hpke = dir.key_or_make("hpke.key", || {
            X25519HkdfSha256::gen_keypair().0.to_bytes().to_vec()
        })?;
        let private = PrivateKey::from_bytes(&hpke).map_err(|_| KeysError::Damaged { name: "hpke.key" })?;
        let public = X25519HkdfSha256::sk_to_pk(&private).to_bytes().to_vec();
        let random = SystemRandom::new();
        let pkcs8 = dir.key_or_make("signing.key", || {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map(|document| document.as_ref().to_vec())
                .unwrap_or_default()
        })?;
        let signing = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|_| KeysError::Damaged { name: "signing.key" })?;
        let key_id = URL_SAFE_NO_PAD.encode(&Sha256::digest(signing.public_key().as_ref())[..9]);
        let pkcs8 = dir.key_or_make("audit.key", || {
            Ed25519KeyPair::generate_pkcs8(&random)
                .map(|document| document.as_ref().to_vec())
                .unwrap_or_default()
        })?;
        let audit =
            Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| KeysError::Damaged { name: "audit.key" })?;
        Ok(Self {
            hpke_private: private,
            hpke_public: public,
            signing,
            key_id,
            audit,
        })
    }

    /// Signs an end of the audit's chain.
    #[must_use]
    pub fn sign_head(&self, head: Head, at: Timestamp) -> SignedHead {
        SignedHead::sign(head, at, &self.audit)
    }

    /// The public key by which signed ends are checked.
    #[must_use]
    pub fn audit_public_key(&self) -> &[u8] {
        self.audit.public_key().as_ref()
    }

    /// Base64 of the X25519 public key to which clients seal.
    #[must_use]
    pub fn hpke_public_key(&self) -> String {
        STANDARD.encode(&self.hpke_public)
    }

    /// Opens a sealed entry; see [`hms_model::wire::session::WireSealed`].
    ///
    /// # Errors
    /// [`KeysError::Unsealable`] where it was not sealed to this key, or was changed.
    pub fn unseal(&self, id: &str, enc: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, KeysError> {
        self.unseal_for(
            hms_model::wire::session::SEAL_INFO,
            id.as_bytes(),
            enc,
            ciphertext,
        )
    }

    /// Opens what was sealed to this server's key for a purpose (`info`), bound to `aad`.
    ///
    /// # Errors
    /// [`KeysError::Unsealable`] where it was not sealed to this key for this purpose, or was changed.
    pub fn unseal_for(
        &self,
        info: &[u8],
        aad: &[u8],
        enc: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, KeysError> {
        let enc =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(enc).map_err(|_| KeysError::Unsealable)?;
        let mut context = hpke::setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.hpke_private,
            &enc,
            info,
        )
        .map_err(|_| KeysError::Unsealable)?;
        context.open(ciphertext, aad).map_err(|_| KeysError::Unsealable)
    }

    /// The public signing key as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        // Uncompressed point: 0x04, 32 bytes of x, 32 bytes of y.
        let point = self.signing.public_key().as_ref();
        let part = |from: usize, to: usize| URL_SAFE_NO_PAD.encode(point.get(from..to).unwrap_or_default());
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "kid": self.key_id, "x": part(1, 33), "y": part(33, 65),
        }]})
    }

    /// Signs claims as a compact JWT, ES256. `None` where the machine has no randomness to give.
    #[must_use]
    pub fn sign_jwt(&self, claims: &Value) -> Option<String> {
        self.sign_jwt_as("JWT", claims)
    }

    /// [`Keys::sign_jwt`] with another `typ`, so that one kind of token is not taken for another.
    #[must_use]
    pub fn sign_jwt_as(&self, kind: &str, claims: &Value) -> Option<String> {
        let header = json!({"alg": "ES256", "typ": kind, "kid": self.key_id});
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = self.signing.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}
