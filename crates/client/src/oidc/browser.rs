//! Sign-in in the system's browser, which comes back to a loopback port (RFC 8252).

use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use hms_model::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{random_text, token, Issuer, SignInError, ThisDevice, Tokens, CLIENT_ID, SCOPE};
use crate::net::Http;

/// How long a person has.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// A browser's request line and headers fit into this.
const REQUEST_AT_MOST: usize = 16 * 1024;

/// A sign-in that waits for the browser.
pub(crate) struct BrowserSignIn {
    issuer: Issuer,
    listener: TcpListener,
    redirect: String,
    state: String,
    nonce: String,
    verifier: String,
    /// Address to open.
    pub(crate) url: String,
}

impl BrowserSignIn {
    /// Opens a local port and makes the address for the browser.
    pub(crate) async fn prepare(issuer: Issuer, language: &str) -> Result<Self, SignInError> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(SignInError::Listen)?;
        let port = listener.local_addr().map_err(SignInError::Listen)?.port();
        let redirect = format!("http://127.0.0.1:{port}/callback");
        let (state, nonce, verifier) = (random_text()?, random_text()?, random_text()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut url = Url::parse(&issuer.authorization_endpoint)
            .map_err(|_| SignInError::NotValid("authorization endpoint"))?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", &redirect),
            ("scope", SCOPE),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("ui_locales", language),
        ]);
        Ok(Self {
            issuer,
            listener,
            redirect,
            state,
            nonce,
            verifier,
            url: url.into(),
        })
    }

    /// Waits for the browser and exchanges its code for tokens.
    pub(crate) async fn finish(
        self,
        http: &Http,
        device: &ThisDevice,
        now: impl Fn() -> Timestamp,
    ) -> Result<Tokens, SignInError> {
        let code = tokio::time::timeout(PATIENCE, self.code())
            .await
            .map_err(|_| SignInError::Expired)??;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", &self.verifier),
        ];
        token::redeem(http, &self.issuer, &form, device, now(), Some(&self.nonce)).await
    }

    /// Answers requests to the port until one carries our state.
    async fn code(&self) -> Result<String, SignInError> {
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else {
                continue;
            };
            let Ok(Some(target)) = tokio::time::timeout(Duration::from_secs(5), target(&mut stream)).await
            else {
                continue;
            };
            match self.judge(&target) {
                Some(answer) => {
                    page(&mut stream, "200 OK", &done_page(answer.is_ok())).await;
                    return answer;
                }
                None => page(&mut stream, "404 Not Found", "").await,
            }
        }
    }

    /// What a request to the port means; `None` where it is not the answer to this sign-in.
    fn judge(&self, target: &str) -> Option<Result<String, SignInError>> {
        let url = Url::parse("http://127.0.0.1")
            .and_then(|base| base.join(target))
            .ok()?;
        if url.path() != "/callback" {
            return None;
        }
        let value = |name: &str| {
            url.query_pairs()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.into_owned())
        };
        if value("state").as_deref() != Some(&self.state) {
            return None;
        }
        if let Some(issuer) = value("iss") {
            // RFC 9207: an answer of another issuer was mixed in.
            if issuer.trim_end_matches('/') != self.issuer.issuer.trim_end_matches('/') {
                return Some(Err(SignInError::NotValid("issuer")));
            }
        }
        Some(value("code").ok_or(SignInError::Refused))
    }
}

/// The path and query of the request line.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0_u8; 1024];
    while !bytes.windows(4).any(|w| w == b"\r\n\r\n") && bytes.len() < REQUEST_AT_MOST {
        let read = stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
        bytes.extend(part.get(..read)?);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut words = text.lines().next()?.split(' ');
    (words.next()? == "GET").then(|| words.next().map(str::to_owned))?
}

async fn page(stream: &mut TcpStream, status: &str, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The last page in the browser. Both languages: the browser's is not known to be the person's.
fn done_page(well: bool) -> String {
    let (en, es) = if well {
        (
            "Signed in. Go back to HMS-ACH.",
            "Sesión iniciada. Vuelva a HMS-ACH.",
        )
    } else {
        (
            "Not signed in. Go back to HMS-ACH and try again.",
            "Sesión no iniciada. Vuelva a HMS-ACH e inténtelo de nuevo.",
        )
    };
    format!(
        "<!doctype html><html lang=\"en\"><title>HMS-ACH</title><p>{en}</p><p lang=\"es\">{es}</p></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn waiting() -> BrowserSignIn {
        let issuer = Issuer {
            issuer: "https://a".into(),
            authorization_endpoint: "https://a/authorize".into(),
            token_endpoint: "https://a/token".into(),
            device_authorization_endpoint: None,
            jwks_uri: "https://a/jwks".into(),
        };
        BrowserSignIn::prepare(issuer, "es").await.expect("a port")
    }

    #[tokio::test]
    async fn only_an_answer_with_our_state_and_issuer_counts() {
        let sign_in = waiting().await;
        let state = sign_in.state.clone();

        assert!(sign_in.judge("/favicon.ico").is_none());
        assert!(sign_in.judge("/callback?code=x&state=other").is_none());
        assert!(
            matches!(sign_in.judge(&format!("/callback?code=x&state={state}")), Some(Ok(code)) if code == "x")
        );
        let refused = sign_in.judge(&format!("/callback?error=access_denied&state={state}"));
        assert!(matches!(refused, Some(Err(SignInError::Refused))));
        let mixed = sign_in.judge(&format!("/callback?code=x&state={state}&iss=https%3A%2F%2Fb"));
        assert!(matches!(mixed, Some(Err(SignInError::NotValid(_)))));
    }

    #[tokio::test]
    async fn the_address_asks_for_s256_and_a_loopback_port() {
        let sign_in = waiting().await;
        assert!(sign_in.url.contains("code_challenge_method=S256"));
        assert!(sign_in.redirect.starts_with("http://127.0.0.1:"));
        assert!(!sign_in.url.contains(&sign_in.verifier));
    }
}
