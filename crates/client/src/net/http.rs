//! Requests to the server. Every answer feeds the link's figures; every failure becomes a [`Fault`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use reqwest::header::{HeaderMap, CONTENT_TYPE, DATE};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::{tls, Fault, LinkWatch, TlsSetupError};
use crate::config::{Clock, Provisioning};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the answer may be silent once it began.
const SILENCE: Duration = Duration::from_secs(30);

/// How patient a request is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tries {
    /// A person waits for the answer.
    Quick,
    /// Background work.
    Patient,
}

impl Tries {
    fn timeout(self) -> Duration {
        match self {
            Self::Quick => Duration::from_secs(15),
            Self::Patient => Duration::from_secs(60),
        }
    }
}

/// The HTTP client of a profile.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Arc<str>,
    socket_tls: Arc<rustls::ClientConfig>,
    link: LinkWatch,
    clock: Arc<dyn Clock>,
}

impl Http {
    pub(crate) fn new(server: &Provisioning, clock: Arc<dyn Clock>) -> Result<Self, TlsSetupError> {
        let ca = server.ca_file.as_deref();
        // HTTP/1.1: the streamed answers of a sync are many small frames, which HTTP/2 clients take for an attack
        // (h2 ends the connection with "too_many_data_frames").
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(ca, &[b"http/1.1"])?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .no_proxy()
            .user_agent(concat!("HMS-ACH/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(TlsSetupError::Http)?;
        Ok(Self {
            client,
            base: server.base_url.as_str().into(),
            socket_tls: Arc::new(tls::config(ca, &[b"http/1.1"])?),
            link: LinkWatch::default(),
            clock,
        })
    }

    /// The link's figures.
    pub(crate) fn link(&self) -> &LinkWatch {
        &self.link
    }

    /// The server's address, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// TLS settings for the signalling socket.
    pub(crate) fn socket_tls(&self) -> Arc<rustls::ClientConfig> {
        Arc::clone(&self.socket_tls)
    }

    /// A request to a path of the server, or to a whole address.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret<String>>,
    ) -> RequestBuilder {
        let whole = path.starts_with("https://") || path.starts_with("http://");
        let url = if whole {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let request = self.client.request(method, url);
        match token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// Sends a request whose body is small and whose answer comes at once.
    pub(crate) async fn send(&self, request: RequestBuilder, tries: Tries) -> Result<Response, Fault> {
        self.start(request.timeout(tries.timeout())).await
    }

    /// Sends a request whose answer may stream for long; silence ends it, not its length.
    pub(crate) async fn start(&self, request: RequestBuilder) -> Result<Response, Fault> {
        let response = self.raw(request).await?;
        match Fault::of_status(response.status().as_u16(), is_html(response.headers())) {
            Some(fault) => Err(fault),
            None => Ok(response),
        }
    }

    /// Sends a request and gives the answer also where it is a refusal in JSON (OAuth errors are).
    pub(crate) async fn raw(&self, request: RequestBuilder) -> Result<Response, Fault> {
        let began = Instant::now();
        match request.send().await {
            Ok(response) => {
                let rtt = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
                let html = is_html(response.headers());
                // The date of a public network's gateway says nothing about our server.
                let date = if html {
                    None
                } else {
                    server_date(response.headers())
                };
                self.link.answered(rtt, date, self.clock.now());
                Ok(response)
            }
            Err(error) => {
                let fault = Fault::of(&error);
                tracing::debug!(%fault, "A request failed");
                self.link.lost();
                Err(fault)
            }
        }
    }

    /// GET of JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&Secret<String>>,
        tries: Tries,
    ) -> Result<T, Fault> {
        let response = self.send(self.request(Method::GET, path, token), tries).await?;
        read_json(response).await
    }
}

/// The JSON of an answer.
pub(crate) async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, Fault> {
    let bytes = response.bytes().await.map_err(|error| Fault::of(&error))?;
    serde_json::from_slice(&bytes).map_err(|_| Fault::Unreadable)
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.starts_with("text/html")
}

fn server_date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(Timestamp(date.timestamp_millis()))
}
