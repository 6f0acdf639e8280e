//! Requests to a plain FHIR service, one by one or as a batch.

use hms_core::sync::plain::{read_batch, write_batch, Abilities, Ability, Ask, Method as Verb, Reply};
use hms_model::secret::Secret;
use reqwest::header::{
    HeaderMap, ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION,
    TRANSFER_ENCODING,
};
use reqwest::{Method, RequestBuilder, Version};
use serde_json::Value;

use crate::client::Shared;
use crate::net::{is_html, retry_after, Fault, Http, Stop, Tries};

pub(super) const FHIR_JSON: &str = "application/fhir+json";
/// Requests in one batch: a thin link gets its first answers soon.
const BATCH: usize = 50;
/// More than this is no answer to a page that was asked for.
const ANSWER_AT_MOST: usize = 32 * 1024 * 1024;

/// By whom requests are made.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// By the account that is signed in.
    Account(&'a Shared),
    /// By nobody: a server that asks for no sign-in.
    #[cfg(test)]
    Nobody(&'a Http),
}

/// The way to one FHIR service.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) caller: Caller<'a>,
    /// Address of the service.
    pub(crate) base: &'a str,
}

/// The FHIR service behind a server's address: ours is at `/fhir`; an address with a path of its own is the service.
pub(crate) fn service_of(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    let path = base.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    match path {
        Some((_, path)) if !path.is_empty() => base.to_owned(),
        Some(_) | None => format!("{base}/fhir"),
    }
}

impl Line<'_> {
    /// GET of what stands behind the service's address.
    pub(crate) async fn get(self, url: &str) -> Result<Reply, Stop> {
        self.one(&Ask::get(url.to_owned())).await
    }

    /// Asks for several things; the answers come in the order of the questions.
    ///
    /// A batch that is refused as a whole is halved until the one stands alone because of which it is, and that one is
    /// asked for by itself: it holds up no other.
    pub(crate) async fn all(self, asks: &[Ask], abilities: &mut Abilities) -> Result<Vec<Reply>, Stop> {
        let replies = self.each(asks, abilities).await?;
        // Where nothing at all may be done, that is no word on any of it: the account is closed there, or the server is.
        if let (Some(first), true) = (asks.first(), replies.iter().all(|reply| reply.status == 403)) {
            let kind = first.url.split(['/', '?']).next().unwrap_or_default();
            if self.get(&format!("{kind}?_count=1")).await?.status == 403 {
                return Err(Fault::Unreadable.into());
            }
        }
        Ok(replies)
    }

    async fn each(self, asks: &[Ask], abilities: &mut Abilities) -> Result<Vec<Reply>, Stop> {
        let mut replies = Vec::with_capacity(asks.len());
        let mut parts: Vec<&[Ask]> = asks.chunks(BATCH).rev().collect();
        while let Some(part) = parts.pop() {
            if abilities.batch == Ability::No {
                for ask in part {
                    replies.push(self.one(ask).await?);
                }
                continue;
            }
            match self.batch(part, abilities).await? {
                Some(answers) => replies.extend(answers),
                // Not at all in a batch: what is known of conditions was seen in batches.
                None if abilities.batch == Ability::No => parts.push(part),
                None => match part {
                    [one] => replies.push(self.one(one).await?),
                    more => {
                        let (first, second) = more.split_at(more.len() / 2);
                        parts.extend([second, first]);
                    }
                },
            }
        }
        Ok(replies)
    }

    /// One batch; `None` where it was refused as a whole.
    async fn batch(self, asks: &[Ask], abilities: &mut Abilities) -> Result<Option<Vec<Reply>>, Stop> {
        let body = write_batch(asks);
        let Heard { reply, whole } = self
            .send(&|request| json(request, &body), Method::POST, "")
            .await?;
        match reply.status {
            // Nothing was said of batches: the line broke before the first word.
            200..=299 if reply.body.is_none() && !whole => Err(Fault::Cut.into()),
            200..=299 => {
                let answers = reply.body.as_ref().map(|bundle| read_batch(asks.len(), bundle));
                if let Some(Ok(answers)) = answers {
                    abilities.batch = Ability::Yes;
                    return Ok(Some(answers));
                }
                // Nothing in it is believed, and the next time everything goes by itself.
                tracing::warn!(asked = asks.len(), "A batch was answered with something else");
                no_batches(abilities);
                Err(Fault::Unreadable.into())
            }
            404 | 405 | 501 => {
                no_batches(abilities);
                Ok(None)
            }
            400..=500 => Ok(None),
            status => Err(Fault::Server(status).into()),
        }
    }

    async fn one(self, ask: &Ask) -> Result<Reply, Stop> {
        let method = match ask.method {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Delete => Method::DELETE,
        };
        let dress = |mut request: RequestBuilder| {
            if let Some(tag) = &ask.if_match {
                request = request.header(IF_MATCH, tag);
            }
            if ask.if_none_match {
                request = request.header(IF_NONE_MATCH, "*");
            }
            if let Some(search) = &ask.if_none_exist {
                request = request.header("if-none-exist", search);
            }
            if let Some(body) = &ask.body {
                request = json(request, body);
            }
            request
        };
        Ok(self.send(&dress, method, &ask.url).await?.reply)
    }

    /// The answer, whatever it says; a stop where it is none, or where the server asks to be left alone.
    async fn send(
        self,
        dress: &(dyn Fn(RequestBuilder) -> RequestBuilder + Sync),
        method: Method,
        url: &str,
    ) -> Result<Heard, Stop> {
        let slash = if url.is_empty() || url.starts_with('?') {
            ""
        } else {
            "/"
        };
        let url = format!("{}{slash}{url}", self.base);
        let make = |http: &Http, token: Option<&Secret<String>>| {
            let request = dress(http.request(method.clone(), &url, token));
            request
                .header(ACCEPT, FHIR_JSON)
                .timeout(Tries::Patient.timeout())
        };
        let response = match self.caller {
            #[cfg(test)]
            Caller::Nobody(http) => http.raw(make(http, None)).await?,
            Caller::Account(shared) => {
                let token = shared.tokens.access(None).await?;
                let first = shared.http.raw(make(&shared.http, Some(&token))).await?;
                if first.status().as_u16() == 401 {
                    let token = shared.tokens.access(Some(token)).await?;
                    shared.http.raw(make(&shared.http, Some(&token))).await?
                } else {
                    first
                }
            }
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let whole = response.version() >= Version::HTTP_2
            || headers.contains_key(CONTENT_LENGTH)
            || headers.contains_key(TRANSFER_ENCODING);
        if status != 304 {
            match Fault::of_status(status, is_html(&headers)) {
                Some(fault @ (Fault::NotOurServer | Fault::SignInNeeded)) => return Err(fault.into()),
                Some(fault @ (Fault::Refused(408 | 425 | 429) | Fault::Server(502..=504))) => {
                    return Err(Stop {
                        fault,
                        retry_after_ms: retry_after(&headers),
                    })
                }
                Some(_) | None => (),
            }
        }
        let body = response.bytes().await.map_err(|error| Fault::of(&error))?;
        if body.len() > ANSWER_AT_MOST {
            return Err(Fault::Unreadable.into());
        }
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        if json.is_none() && !body.is_empty() && (200..300).contains(&status) {
            return Err(Fault::Unreadable.into());
        }
        let text = |name| text_of(&headers, name);
        let reply = Reply {
            status,
            etag: text(ETAG.as_str()),
            location: text(LOCATION.as_str()).or(text("content-location")),
            body: json,
        };
        Ok(Heard { reply, whole })
    }
}

/// An answer as it came.
struct Heard {
    reply: Reply,
    /// It says itself where it ends. One that ends with its connection may be one that broke off.
    whole: bool,
}

fn json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("prefer", "return=representation")
        .header(CONTENT_TYPE, FHIR_JSON)
        .body(body.to_string())
}

fn no_batches(abilities: &mut Abilities) {
    abilities.batch = Ability::No;
    abilities.if_match = Ability::Unknown;
    abilities.if_none_match = Ability::Unknown;
    if abilities.if_none_exist == Ability::Yes {
        abilities.if_none_exist = Ability::Unknown;
    }
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
