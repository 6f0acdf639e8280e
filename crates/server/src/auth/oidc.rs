//! OpenID Connect: what a client may ask for, checked before anything is shown or redirected.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The client id of the HMS-ACH programs. They are public clients: PKCE stands in for a secret.
pub const CLIENT_ID: &str = "org.hmsach.client";
/// The client id of the staff page in a browser, a public client too: its only redirect is this server's own page.
pub const STAFF_PAGE_ID: &str = "org.hmsach.staff-page";
/// The redirect of a program that has registered its scheme.
pub const CUSTOM_REDIRECT: &str = "org.hmsach.client:/callback";

/// An authorization request, as it came in the query or in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizeRequest {
    /// Must be `code`.
    pub response_type: String,
    /// [`CLIENT_ID`], or [`STAFF_PAGE_ID`] where this server has that page.
    pub client_id: String,
    /// Where the browser goes afterwards.
    pub redirect_uri: String,
    /// Scopes.
    pub scope: String,
    /// Given back as it came.
    pub state: String,
    /// Put into the id token.
    pub nonce: String,
    /// BASE64URL(SHA-256(verifier)).
    pub code_challenge: String,
    /// Must be `S256`.
    pub code_challenge_method: String,
    /// Languages that the person prefers.
    pub ui_locales: String,
}

/// What is wrong with an authorization request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizeFault {
    /// The redirect cannot be trusted, so the error is shown here and nobody is redirected.
    Show(&'static str),
    /// The client is told by a redirect with this `error`.
    Redirect(&'static str),
}

impl AuthorizeRequest {
    /// Checks the request. `staff_page` is where the staff page is, if this server has one.
    ///
    /// # Errors
    /// [`AuthorizeFault`].
    pub fn check(&self, staff_page: Option<&str>) -> Result<(), AuthorizeFault> {
        let fits = match self.client_id.as_str() {
            CLIENT_ID => is_native_redirect(&self.redirect_uri),
            STAFF_PAGE_ID if staff_page.is_some() => staff_page == Some(self.redirect_uri.as_str()),
            _ => return Err(AuthorizeFault::Show("unknown client")),
        };
        if !fits {
            return Err(AuthorizeFault::Show("redirect address not allowed"));
        }
        if self.response_type != "code" {
            return Err(AuthorizeFault::Redirect("unsupported_response_type"));
        }
        if self.code_challenge_method != "S256" || self.code_challenge.len() != 43 {
            return Err(AuthorizeFault::Redirect("invalid_request"));
        }
        Ok(())
    }

    /// The redirect with these parameters and the state.
    #[must_use]
    pub fn redirect_with(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = self.redirect_uri.clone();
        let mut separator = if url.contains('?') { '&' } else { '?' };
        let state = (!self.state.is_empty()).then_some(("state", self.state.as_str()));
        for (name, value) in parameters.iter().copied().chain(state) {
            url.push(separator);
            url.push_str(name);
            url.push('=');
            url.push_str(&percent_encode(value));
            separator = '&';
        }
        url
    }

    /// What a Content-Security-Policy must name for the form's redirect to be followed.
    #[must_use]
    pub fn form_action_source(&self) -> String {
        if self.redirect_uri == CUSTOM_REDIRECT {
            return "org.hmsach.client:".to_owned();
        }
        // scheme://host:port of a loopback address or of this server, checked before.
        self.redirect_uri
            .splitn(4, '/')
            .take(3)
            .collect::<Vec<_>>()
            .join("/")
    }
}

/// RFC 8252: the registered scheme, or a loopback address with any port.
fn is_native_redirect(uri: &str) -> bool {
    if uri == CUSTOM_REDIRECT {
        return true;
    }
    let Some(rest) = ["http://127.0.0.1", "http://[::1]", "http://localhost"]
        .iter()
        .find_map(|p| uri.strip_prefix(p))
    else {
        return false;
    };
    let (port, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let port_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
    port_fine
        && path
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\' | b';' | b'\''))
}

/// Whether a verifier belongs to a challenge.
#[must_use]
pub fn pkce_fits(verifier: &str, challenge: &str) -> bool {
    let length_fine = (43..=128).contains(&verifier.len());
    length_fine && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge
}

/// Percent-encodes everything but unreserved characters.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(redirect: &str) -> AuthorizeRequest {
        AuthorizeRequest {
            response_type: "code".to_owned(),
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: redirect.to_owned(),
            code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            code_challenge_method: "S256".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn only_loopback_with_any_port_and_the_own_scheme_are_redirects() {
        for good in [
            "http://127.0.0.1:49152/callback",
            "http://[::1]:1/cb",
            "http://127.0.0.1/cb",
            CUSTOM_REDIRECT,
        ] {
            assert_eq!(request(good).check(None), Ok(()), "{good}");
        }
        for bad in [
            "https://evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1:99999/cb",
            "org.hmsach.client:/other",
            "",
            "http://127.0.0.1:1/#x",
        ] {
            assert!(
                matches!(request(bad).check(None), Err(AuthorizeFault::Show(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_staff_page_comes_back_to_itself_alone() {
        let page = "https://care.example.gov/staff";
        let of = |client: &str, redirect: &str| {
            let mut asked = request(redirect);
            asked.client_id = client.to_owned();
            asked
        };
        assert_eq!(of(STAFF_PAGE_ID, page).check(Some(page)), Ok(()));
        for (client, redirect, there) in [
            (STAFF_PAGE_ID, page, None),
            (
                STAFF_PAGE_ID,
                "https://care.example.gov/staff/../oauth",
                Some(page),
            ),
            (STAFF_PAGE_ID, "https://evil.example/staff", Some(page)),
            (STAFF_PAGE_ID, "http://127.0.0.1:5/cb", Some(page)),
            (CLIENT_ID, page, Some(page)),
        ] {
            let said = of(client, redirect).check(there);
            assert!(
                matches!(said, Err(AuthorizeFault::Show(_))),
                "{client} {redirect}"
            );
        }
        assert_eq!(
            of(STAFF_PAGE_ID, page).form_action_source(),
            "https://care.example.gov"
        );
    }

    #[test]
    fn pkce_is_s256_only() {
        let mut plain = request(CUSTOM_REDIRECT);
        plain.code_challenge_method = "plain".to_owned();
        assert_eq!(
            plain.check(None),
            Err(AuthorizeFault::Redirect("invalid_request"))
        );
        // The example of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(pkce_fits(verifier, &request(CUSTOM_REDIRECT).code_challenge));
        assert!(!pkce_fits("short", &request(CUSTOM_REDIRECT).code_challenge));
    }

    #[test]
    fn a_state_with_any_character_comes_back_whole() {
        let mut r = request("http://127.0.0.1:5/cb");
        r.state = "a&b=c d".to_owned();
        assert_eq!(
            r.redirect_with(&[("code", "x")]),
            "http://127.0.0.1:5/cb?code=x&state=a%26b%3Dc%20d"
        );
        assert_eq!(r.form_action_source(), "http://127.0.0.1:5");
    }
}
