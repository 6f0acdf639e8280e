//! The end of the chain with the server's signature: kept elsewhere, it shows a chain that was cut or written anew.

use super::chain::Head;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::time::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair, UnparsedPublicKey, ED25519};
use serde::{Deserialize, Serialize};

/// A signed end of the chain, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// Events so far.
    pub count: i64,
    /// Hash of the last one, in hexadecimal.
    pub hash: String,
    /// When it was signed: FHIR instant.
    pub at: String,
    /// Public key, Ed25519, base64.
    pub key: String,
    /// Signature over the other parts, base64.
    pub signature: String,
}

/// Why a signed head proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not one JSON object a line with these parts.
    #[error("line {line} is not a signed head")]
    Form {
        /// Line, from 1.
        line: usize,
    },
    /// Signed by another key than this server's, or changed since.
    #[error("the head of {count} events was not signed by this server's key, or was changed since")]
    Signature {
        /// What it says.
        count: i64,
    },
}

impl SignedHead {
    /// Signs the end of the chain.
    #[must_use]
    pub fn sign(head: Head, at: Timestamp, key: &Ed25519KeyPair) -> Self {
        let text = head.to_string();
        let hash = text.split_once(' ').map_or("", |(_, hash)| hash);
        let mut signed = Self {
            count: head.count,
            hash: hash.to_owned(),
            at: at.to_instant(),
            key: STANDARD.encode(key.public_key()),
            signature: String::new(),
        };
        signed.signature = STANDARD.encode(key.sign(signed.message().as_bytes()));
        signed
    }

    /// The end that it vouches for, where this key signed it.
    ///
    /// # Errors
    /// [`HeadError::Signature`].
    pub fn check(&self, public_key: &[u8]) -> Result<Head, HeadError> {
        let wrong = HeadError::Signature { count: self.count };
        let mark = STANDARD.decode(&self.signature).map_err(|_| wrong)?;
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(self.message().as_bytes(), &mark)
            .map_err(|_| wrong)?;
        Head::parse(&format!("{} {}", self.count, self.hash)).ok_or(wrong)
    }

    fn message(&self) -> String {
        format!(
            "hms-ach audit head v1\n{}\n{}\n{}\n",
            self.count, self.hash, self.at
        )
    }
}

/// Reads the lines of a file of heads, and checks each signature.
///
/// # Errors
/// [`HeadError`] for the first line that is not a head signed by this key.
pub fn read_heads(text: &str, public_key: &[u8]) -> Result<Vec<Head>, HeadError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let signed: SignedHead =
                serde_json::from_str(line).map_err(|_| HeadError::Form { line: index + 1 })?;
            signed.check(public_key)
        })
        .collect()
}
