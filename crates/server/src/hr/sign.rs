//! Signatures of messages to other systems, in the form of the Standard Webhooks specification: HMAC-SHA256 over
//! `id.timestamp.body`.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::secret::Secret;
use ring::hmac;

/// How far a message's time may be from the receiver's clock.
pub const TOLERANCE_S: i64 = 300;

/// The secret that sender and receiver share, written `whsec_…`.
#[derive(Debug, Clone)]
pub struct SigningSecret(Secret<Vec<u8>>);

impl SigningSecret {
    /// A new secret.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::new(crate::random::bytes::<32>().to_vec()))
    }

    /// Reads the written form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim().strip_prefix("whsec_")?).ok()?;
        (bytes.len() >= 24).then(|| Self(Secret::new(bytes)))
    }

    /// The written form, to be given to the receiver.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0.expose()))
    }

    /// The value of `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        let tag = hmac::sign(&self.key(), signed(id, timestamp_s, body).as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }

    /// Whether one of the signatures in `webhook-signature` is good and recent.
    #[must_use]
    pub fn verify(&self, id: &str, timestamp_s: i64, body: &str, signatures: &str, now_s: i64) -> bool {
        let text = signed(id, timestamp_s, body);
        (now_s - timestamp_s).abs() <= TOLERANCE_S
            && signatures
                .split(' ')
                .filter_map(|s| STANDARD.decode(s.strip_prefix("v1,")?).ok())
                .any(|tag| hmac::verify(&self.key(), text.as_bytes(), &tag).is_ok())
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose())
    }
}

fn signed(id: &str, timestamp_s: i64, body: &str) -> String {
    format!("{id}.{timestamp_s}.{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");

        let signature = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );

        // The example of the specification's reference implementation.
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_changed_or_old_message_is_refused() {
        let secret = SigningSecret::generate();
        let signature = secret.sign("a", 1000, "{}");

        assert!(secret.verify("a", 1000, "{}", &format!("v1,AAAA {signature}"), 1200));
        assert!(!secret.verify("a", 1000, "{ }", &signature, 1200));
        assert!(!secret.verify("b", 1000, "{}", &signature, 1200));
        assert!(!secret.verify("a", 1000, "{}", &signature, 1301));
    }
}
