//! Sign-in with a code that is typed on another device (RFC 8628).

use std::time::Duration;

use hms_model::time::Timestamp;
use reqwest::Method;
use serde::Deserialize;

use super::token::{self, Answer};
use super::{Issuer, SignInError, ThisDevice, Tokens, CLIENT_ID, SCOPE};
use crate::net::{Http, Tries};

/// A sign-in that waits for another device.
#[derive(Debug, Deserialize)]
struct WireDevice {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// A sign-in that waits for another device.
pub(crate) struct DeviceSignIn {
    issuer: Issuer,
    wire: WireDevice,
}

impl DeviceSignIn {
    /// Asks the issuer for a code.
    pub(crate) async fn prepare(http: &Http, issuer: Issuer) -> Result<Self, SignInError> {
        let endpoint = issuer
            .device_authorization_endpoint
            .clone()
            .ok_or(SignInError::NotValid("no device authorization endpoint"))?;
        let form = [("client_id", CLIENT_ID), ("scope", SCOPE)];
        let request = http.request(Method::POST, &endpoint, None).form(&form);
        let response = http.send(request, Tries::Quick).await?;
        let wire = crate::net::read_json(response).await?;
        Ok(Self { issuer, wire })
    }

    /// Code to type on the other device.
    pub(crate) fn user_code(&self) -> &str {
        &self.wire.user_code
    }

    /// Address to open on the other device.
    pub(crate) fn url(&self) -> &str {
        self.wire
            .verification_uri_complete
            .as_deref()
            .unwrap_or(&self.wire.verification_uri)
    }

    /// Asks until the person has approved, or time is up.
    pub(crate) async fn finish(
        self,
        http: &Http,
        device: &ThisDevice,
        now: impl Fn() -> Timestamp,
    ) -> Result<Tokens, SignInError> {
        let until = tokio::time::Instant::now() + Duration::from_secs(self.wire.expires_in.min(3600));
        let mut interval = Duration::from_secs(self.wire.interval.unwrap_or(5).clamp(1, 60));
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", self.wire.device_code.as_str()),
        ];
        while tokio::time::Instant::now() < until {
            tokio::time::sleep(interval).await;
            match token::ask(http, &self.issuer.token_endpoint, &form, device, now()).await {
                Ok(Answer::Tokens(granted)) => {
                    return token::accept(http, &self.issuer, *granted, None, now()).await;
                }
                Ok(Answer::Ended(why)) => return Err(SignInError::Ended(why)),
                Ok(Answer::Error(code)) => match code.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval += Duration::from_secs(5),
                    "expired_token" => return Err(SignInError::Expired),
                    _ => return Err(SignInError::Refused),
                },
                // The link may come back before the code ends.
                Err(_) => {}
            }
        }
        Err(SignInError::Expired)
    }
}
