//! Signing a pack: for clinicians, on their own machine.

use ed25519_dalek::{Signer, SigningKey};

use super::AuthorError;
use crate::shelf::{recall_message, Recall};
use crate::signing::{from_hex, hash, message, to_hex, PackSignature};
use crate::text::Text;

/// The secret half of a clinician's key. It is not printed and not stored here.
pub struct SigningSeed(SigningKey);

impl SigningSeed {
    /// A key from 32 bytes of good randomness.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> SigningSeed {
        SigningSeed(SigningKey::from_bytes(seed))
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// [`AuthorError::Row`] when it is not 64 lower-case hex digits.
    pub fn read(text: &str) -> Result<SigningSeed, AuthorError> {
        let seed = from_hex(text.trim()).ok_or_else(|| AuthorError::Row {
            row: "key file".to_owned(),
            what: "is not 64 lower-case hex digits".to_owned(),
        })?;
        Ok(SigningSeed::new(&seed))
    }

    /// The text of a key file. Whoever has it can sign.
    #[must_use]
    pub fn secret_text(&self) -> String {
        format!("{}\n", to_hex(self.0.as_bytes()))
    }

    /// The public half, for the list of those who may sign.
    #[must_use]
    pub fn public(&self) -> String {
        to_hex(self.0.verifying_key().as_bytes())
    }
}

/// Signs a pack.
///
/// # Errors
/// [`AuthorError::Row`] when name or day is empty or has a line break, which would let it say something else.
pub fn sign(pack: &[u8], seed: &SigningSeed, name: &str, date: &str) -> Result<PackSignature, AuthorError> {
    one_line([("name", name), ("date", date)])?;
    let hash = hash(pack);
    let made = seed.0.sign(message(&hash, name, date).as_bytes());
    Ok(PackSignature {
        pack: hash,
        name: name.to_owned(),
        date: date.to_owned(),
        key: seed.public(),
        signature: to_hex(&made.to_bytes()),
    })
}

/// Recalls a pack, by its hash. `why` is read by those who used it.
///
/// # Errors
/// [`AuthorError::Row`] as for [`sign`], for a hash that is none, and for a reason missing in one language.
pub fn recall(
    pack: &str,
    why: &Text,
    seed: &SigningSeed,
    name: &str,
    date: &str,
) -> Result<Recall, AuthorError> {
    one_line([
        ("name", name),
        ("date", date),
        ("why in English", &why.en),
        ("why in Spanish", &why.es),
    ])?;
    if from_hex::<32>(pack).is_none() {
        return Err(AuthorError::Row {
            row: "pack".to_owned(),
            what: "is not a hash of 64 lower-case hex digits".to_owned(),
        });
    }
    let made = seed.0.sign(recall_message(pack, why, name, date).as_bytes());
    Ok(Recall {
        pack: pack.to_owned(),
        why: why.clone(),
        name: name.to_owned(),
        date: date.to_owned(),
        key: seed.public(),
        signature: to_hex(&made.to_bytes()),
    })
}

/// A line break would let a signed text say something else.
fn one_line<const N: usize>(texts: [(&str, &str); N]) -> Result<(), AuthorError> {
    for (row, text) in texts {
        if text.trim().is_empty() || text.contains(char::is_control) {
            return Err(AuthorError::Row {
                row: row.to_owned(),
                what: "must be one line of text".to_owned(),
            });
        }
    }
    Ok(())
}
