//! The client's side of tus 1.0: <https://tus.io/protocols/resumable-upload>.

use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, Response};
use url::Url;

use crate::client::Shared;
use crate::net::{Fault, Http, Tries};

/// Where a server of ours takes uploads.
const ENDPOINT: &str = "/api/uploads";
const VERSION: &str = "1.0.0";

/// By whom requests are made.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// By the account that is signed in.
    Account(&'a Shared),
    /// By nobody: a server that asks for no sign-in.
    #[cfg(test)]
    Nobody(&'a Http),
}

/// Where an upload stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its path on the server.
    pub(crate) path: String,
    /// Bytes that the server has.
    pub(crate) offset: u64,
}

/// A server that takes uploads in pieces.
#[derive(Clone, Copy)]
pub(crate) struct Tus<'a>(pub(crate) Caller<'a>);

impl Tus<'_> {
    /// Whether the server speaks it.
    ///
    /// # Errors
    /// The server was not asked.
    pub(crate) async fn is_offered(self) -> Result<bool, Fault> {
        match self.send(Method::OPTIONS, ENDPOINT, |request| request).await {
            Ok(response) => {
                let lists = |name: &str, wanted: &str| {
                    header(&response, name)
                        .is_some_and(|list| list.split(',').any(|one| one.trim() == wanted))
                };
                Ok(lists("tus-version", VERSION) && lists("tus-extension", "creation"))
            }
            // 501: the method is not known there at all.
            Err(Fault::Refused(_) | Fault::Server(501)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// A fault; [`Fault::Unreadable`] where the server sends elsewhere: the token goes nowhere else.
    pub(crate) async fn create(self, size: u64, metadata: &[(&str, &str)]) -> Result<Place, Fault> {
        let metadata: Vec<String> = metadata
            .iter()
            .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
            .collect();
        let metadata = metadata.join(",");
        let made = self
            .send(Method::POST, ENDPOINT, |request| {
                request
                    .header("upload-length", size)
                    .header("upload-metadata", &metadata)
            })
            .await?;
        let at = header(&made, LOCATION.as_str()).ok_or(Fault::Unreadable)?;
        Ok(Place {
            path: self.path_of(at)?,
            // Not named by every server: then it is a new one.
            offset: number(&made, "upload-offset").unwrap_or(0),
        })
    }

    /// Asks how much the server has.
    ///
    /// # Errors
    /// A fault; 404 and 410 where it knows nothing of the upload any more.
    pub(crate) async fn offset(self, path: &str) -> Result<u64, Fault> {
        let seen = self.send(Method::HEAD, path, |request| request).await?;
        number(&seen, "upload-offset").ok_or(Fault::Unreadable)
    }

    /// Adds bytes; gives how much the server has then.
    ///
    /// # Errors
    /// A fault; 409 where the upload stands elsewhere.
    pub(crate) async fn append(self, path: &str, offset: u64, bytes: Vec<u8>) -> Result<u64, Fault> {
        let end = offset.saturating_add(bytes.len() as u64);
        // Shared, not copied: the request may be made twice.
        let bytes = Bytes::from(bytes);
        let sent = self
            .send(Method::PATCH, path, |request| {
                request
                    .header("upload-offset", offset)
                    .header(CONTENT_TYPE, "application/offset+octet-stream")
                    .body(bytes.clone())
            })
            .await?;
        let now = number(&sent, "upload-offset").ok_or(Fault::Unreadable)?;
        if (offset..=end).contains(&now) {
            Ok(now)
        } else {
            Err(Fault::Unreadable)
        }
    }

    async fn send(
        self,
        method: Method,
        path: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, Fault> {
        match self.0 {
            Caller::Account(shared) => {
                let make = |token: &_| with(tus(&shared.http, &method, path, Some(token)));
                shared.authorized(make, Tries::Patient).await
            }
            #[cfg(test)]
            Caller::Nobody(http) => {
                http.send(with(tus(http, &method, path, None)), Tries::Patient)
                    .await
            }
        }
    }

    /// The path of an address that the server named, where it is on the same server.
    fn path_of(self, named: &str) -> Result<String, Fault> {
        let base = match self.0 {
            Caller::Account(shared) => shared.http.base(),
            #[cfg(test)]
            Caller::Nobody(http) => http.base(),
        };
        path_on(base, named).ok_or(Fault::Unreadable)
    }
}

fn tus(
    http: &Http,
    method: &Method,
    path: &str,
    token: Option<&hms_model::secret::Secret<String>>,
) -> RequestBuilder {
    // A server may have its uploads elsewhere than under the path of its base.
    let whole = Url::parse(http.base()).and_then(|base| base.join(path));
    let address = match whole {
        Ok(whole) if path != ENDPOINT => whole.to_string(),
        _ => path.to_owned(),
    };
    http.request(method.clone(), &address, token)
        .header("tus-resumable", VERSION)
}

fn path_on(base: &str, named: &str) -> Option<String> {
    let endpoint = Url::parse(&format!("{base}{ENDPOINT}")).ok()?;
    let at = endpoint.join(named).ok()?;
    let query = at.query().map(|query| format!("?{query}")).unwrap_or_default();
    (at.origin() == endpoint.origin()).then(|| format!("{}{query}", at.path()))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn number(response: &Response, name: &str) -> Option<u64> {
    header(response, name)?.trim().parse().ok()
}

/// How long to wait before a request that another one got in the way of is made again.
pub(crate) const IN_THE_WAY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_only_ever_followed_on_the_same_server() {
        let base = "https://ach.example:8443";
        for (named, path) in [
            ("/api/uploads/1", Some("/api/uploads/1")),
            ("https://ach.example:8443/files/1?key=2", Some("/files/1?key=2")),
            ("uploads/1", Some("/api/uploads/1")),
            ("https://other.example:8443/files/1", None),
            ("http://ach.example:8443/files/1", None),
            ("//other.example/1", None),
        ] {
            assert_eq!(path_on(base, named).as_deref(), path, "{named}");
        }
    }
}
