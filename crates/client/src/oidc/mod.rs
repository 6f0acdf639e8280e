//! Sign-in by OpenID Connect: authorization code with PKCE in the system's browser, or a device code.

mod browser;
mod device;
mod id_token;
mod token;

pub(crate) use browser::BrowserSignIn;
pub(crate) use device::DeviceSignIn;
pub(crate) use token::{refresh, RefreshEnd, Tokens};

use std::sync::{Arc, PoisonError, RwLock};

use hms_model::wire::session::Ended;
use serde::Deserialize;

use crate::net::{Fault, Http, Tries};

/// Our name at the issuer. A public client: PKCE stands in for a secret.
pub(crate) const CLIENT_ID: &str = "org.hmsach.client";
const SCOPE: &str = "openid profile offline_access";

/// Why a sign-in did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// The network or the server failed.
    #[error("the sign-in could not reach the issuer")]
    Fault(#[from] Fault),
    /// The issuer, or the person, said no.
    #[error("the sign-in was refused")]
    Refused,
    /// This device, or this account, may not connect any more.
    #[error("the access ended")]
    Ended(Ended),
    /// Nobody came in time.
    #[error("the sign-in took too long")]
    Expired,
    /// The answer is not one that can be trusted.
    #[error("the sign-in's answer is not valid: {0}")]
    NotValid(&'static str),
    /// No local port could be opened for the browser's answer.
    #[error("no local port for the browser's answer")]
    Listen(#[source] std::io::Error),
}

/// Who asks: the issuer lists devices by this. Clones share the id, which changes where the device was emptied, or its
/// data copied to another one.
#[derive(Debug, Clone)]
pub(crate) struct ThisDevice {
    id: Arc<RwLock<String>>,
    pub(crate) name: String,
}

impl ThisDevice {
    pub(crate) fn new(id: &str, name: String) -> Self {
        Self {
            id: Arc::new(RwLock::new(id.to_owned())),
            name,
        }
    }

    /// The id that the server knows this device by.
    pub(crate) fn id(&self) -> String {
        self.id.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on under another id.
    pub(crate) fn change(&self, id: &str) {
        id.clone_into(&mut self.id.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What the issuer says about itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Issuer {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    #[serde(default)]
    pub(crate) device_authorization_endpoint: Option<String>,
    pub(crate) jwks_uri: String,
}

impl Issuer {
    /// Finds the issuer of the server and what it says about itself.
    pub(crate) async fn discover(http: &Http) -> Result<Self, SignInError> {
        #[derive(Deserialize)]
        struct Hello {
            issuer: String,
        }
        let hello: Hello = http.get("/api/hello", None, Tries::Quick).await?;
        let base = hello.issuer.trim_end_matches('/');
        // The server may be reached by another address (a tunnel, an emulator) than the one it calls itself.
        let own = same_origin(base, http.base());
        let address = format!("{base}/.well-known/openid-configuration");
        let path = if own {
            "/.well-known/openid-configuration"
        } else {
            &address
        };
        let found: Self = http.get(path, None, Tries::Quick).await?;
        if found.issuer.trim_end_matches('/') != base {
            return Err(SignInError::NotValid("issuer"));
        }
        Ok(found)
    }
}

fn same_origin(a: &str, b: &str) -> bool {
    match (url::Url::parse(a), url::Url::parse(b)) {
        (Ok(a), Ok(b)) => a.origin() == b.origin(),
        _ => false,
    }
}

/// Random text of 256 bits, safe in addresses.
pub(crate) fn random_text() -> Result<String, SignInError> {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use base64::Engine;
    use ring::rand::SecureRandom;
    let mut bytes = [0_u8; 32];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SignInError::NotValid("randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
