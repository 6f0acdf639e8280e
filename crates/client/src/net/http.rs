//! Requests to the server. Every answer feeds the link's figures; every failure becomes a [`Fault`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_core::proxy::Proxies;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
#[cfg(test)]
use reqwest::header::HeaderValue;
use reqwest::header::{HeaderMap, HeaderName, CONTENT_TYPE, DATE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::meter::{self, Meter};
use super::{proxy, tls, Fault, LinkWatch, TlsSetupError};
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
    pub(crate) fn timeout(self) -> Duration {
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
    proxies: Proxies,
    link: LinkWatch,
    meter: Meter,
    clock: Arc<dyn Clock>,
}

impl Http {
    pub(crate) fn new(server: &Provisioning, clock: Arc<dyn Clock>) -> Result<Self, TlsSetupError> {
        Self::with(reqwest::Client::builder(), server, clock)
    }

    /// With something of its own: a test's names and addresses.
    pub(super) fn with(
        builder: reqwest::ClientBuilder,
        server: &Provisioning,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsSetupError> {
        let ca = server.ca_file.as_deref();
        let proxies = proxy::of(server);
        // HTTP/1.1: the streamed answers of a sync are many small frames, which HTTP/2 clients take for an attack
        // (h2 ends the connection with "too_many_data_frames").
        let builder = match proxy::for_requests(&proxies).map_err(TlsSetupError::Http)? {
            Some(proxy) => builder.no_proxy().proxy(proxy),
            None => builder.no_proxy(),
        };
        let client = builder
            .tls_backend_preconfigured(tls::config(ca, &[b"http/1.1"])?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(concat!("HMS-ACH/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(TlsSetupError::Http)?;
        Ok(Self {
            client,
            base: server.base_url.as_str().into(),
            socket_tls: Arc::new(tls::config(ca, &[b"http/1.1"])?),
            proxies,
            link: LinkWatch::default(),
            meter: Meter::new(Arc::clone(&clock)),
            clock,
        })
    }

    /// The link's figures.
    pub(crate) fn link(&self) -> &LinkWatch {
        &self.link
    }

    /// Bytes to and from the server.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The server's address, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// TLS settings for the signalling socket.
    pub(crate) fn socket_tls(&self) -> Arc<rustls::ClientConfig> {
        Arc::clone(&self.socket_tls)
    }

    /// Which hosts are reached through a proxy.
    pub(crate) fn proxies(&self) -> &Proxies {
        &self.proxies
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
        self.begin(request).await.map_err(|stop| stop.fault)
    }

    /// As [`Self::start`], and says how long the server asked to wait.
    pub(crate) async fn begin(&self, request: RequestBuilder) -> Result<Response, Stop> {
        let response = self.raw(request).await?;
        match Fault::of_status(response.status().as_u16(), is_html(response.headers())) {
            Some(fault) => Err(Stop {
                fault,
                retry_after_ms: fault
                    .asks_to_wait()
                    .then(|| retry_after(response.headers()))
                    .flatten(),
            }),
            None => Ok(response),
        }
    }

    /// Sends a request and gives the answer also where it is a refusal in JSON (OAuth errors are).
    pub(crate) async fn raw(&self, request: RequestBuilder) -> Result<Response, Fault> {
        let began = Instant::now();
        let (client, request) = request.build_split();
        let request = request.map_err(|error| Fault::of(&error))?;
        let (kind, sent) = (meter::kind_of(&request), meter::bytes_of(&request));
        match client.execute(request).await {
            Ok(response) => {
                self.meter.add(kind, sent, 0);
                let response = self.meter.counted(kind, response);
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
                if !error.is_connect() {
                    self.meter.add(kind, sent, 0);
                }
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

/// A request that did not end well, and what the server asked for then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) fault: Fault,
    /// Milliseconds as the server named them: whoever waits bounds them.
    pub(crate) retry_after_ms: Option<i64>,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            retry_after_ms: None,
        }
    }
}

/// The JSON of an answer.
pub(crate) async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, Fault> {
    let bytes = response.bytes().await.map_err(|error| Fault::of(&error))?;
    serde_json::from_slice(&bytes).map_err(|_| Fault::Unreadable)
}

pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.starts_with("text/html")
}

fn server_date(headers: &HeaderMap) -> Option<Timestamp> {
    date_in(headers, &DATE)
}

fn date_in(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(Timestamp(date.timestamp_millis()))
}

/// What the server asks to wait, in milliseconds. A date counts from the answer's own: this phone's clock may be wrong.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<i64>() {
        Ok(seconds) => Some(seconds.saturating_mul(1000)),
        Err(_) => Some(date_in(headers, &RETRY_AFTER)?.since_ms(server_date(headers)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[(HeaderName, &'static str)]) -> Option<i64> {
        let lines = lines.iter().cloned();
        retry_after(
            &lines
                .map(|(name, value)| (name, HeaderValue::from_static(value)))
                .collect(),
        )
    }

    #[test]
    fn what_the_server_asks_to_wait_never_depends_on_this_phones_clock() {
        let date = (DATE, "Sat, 21 Nov 2026 12:00:00 GMT");
        let later = (RETRY_AFTER, "Sat, 21 Nov 2026 12:02:00 GMT");
        assert_eq!(asked(&[(RETRY_AFTER, "120")]), Some(120_000));
        assert_eq!(asked(&[date, later.clone()]), Some(120_000));
        assert_eq!(asked(&[later]), None);
        assert_eq!(asked(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(asked(&[]), None);
    }
}
