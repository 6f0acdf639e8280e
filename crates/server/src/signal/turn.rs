//! Relay credentials for one account in one call: an HMAC over expiry, account and call.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::signal::WireTurn;
use ring::hmac;

/// How long a credential opens the relay at most, however long the call; it ends with the call.
pub const VALID_FOR_S: i64 = 4 * 3600;

/// Makes relay credentials.
#[derive(Debug, Clone)]
pub struct TurnIssuer {
    urls: Vec<String>,
    secret: Secret<Vec<u8>>,
}

impl TurnIssuer {
    /// For relays at these addresses (`turn:host:port?transport=udp`) that share this secret.
    #[must_use]
    pub fn new(urls: Vec<String>, secret: Secret<Vec<u8>>) -> Self {
        Self { urls, secret }
    }

    /// No relay: calls are direct.
    #[must_use]
    pub fn none() -> Self {
        Self {
            urls: Vec::new(),
            secret: Secret::new(Vec::new()),
        }
    }

    /// Credentials for one account in one call.
    #[must_use]
    pub fn issue(&self, account: &str, visit: &str, now: Timestamp) -> Vec<WireTurn> {
        let ends = now.0.div_euclid(1000) + VALID_FOR_S;
        let username = format!("{ends}:{account}:{visit}");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.expose());
        let credential = STANDARD.encode(hmac::sign(&key, username.as_bytes()));
        self.urls
            .iter()
            .map(|url| WireTurn {
                url: url.clone(),
                username: username.clone(),
                credential: credential.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_the_hmac_of_expiry_account_and_call() {
        let issuer = TurnIssuer::new(
            vec!["turn:relay:3478?transport=udp".into()],
            Secret::new(b"north".to_vec()),
        );

        let turns = issuer.issue("dana", "v1", Timestamp(999_999));

        let turn = turns.first().expect("one");
        assert_eq!(turn.username, "15399:dana:v1");
        // printf 15399:dana:v1 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(turn.credential, EXPECTED);
    }

    const EXPECTED: &str = "c3t5Llr4gVqjCC9+NjEEJwmZsRg=";
}
