//! Bodies of the exchange with devices, packed: `dcz` with the sync dictionary (RFC 9842), zstd, gzip, or as they are.
//!
//! Both ways in one stream with a flush at every checkpoint, so that a cut costs one checkpoint at most. Answers to
//! devices hold no credential, and no browser adds one to a request by itself: see [`super::compress`].

use super::{route, Access, Route};
use crate::fhir::Problem;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::BoxError;
use futures_util::{stream, StreamExt};
use hms_wire::dictionary::{self, AVAILABLE_DICTIONARY, USE, USE_AS_DICTIONARY};
use hms_wire::{Coding, Packer, Unpacker, PIECE};

/// What bodies may be packed with.
const TAKEN: HeaderValue = HeaderValue::from_static("dcz, zstd, gzip");
/// What an answer depends on, beside what was asked.
const VARIES: HeaderValue = HeaderValue::from_static("accept-encoding, available-dictionary");

/// Below this, in bytes, a packed body with its headers is longer than a plain one with its length.
const LITTLE: usize = 256;

/// The row that hands out the dictionary. It holds made-up words only.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![route(
        Method::GET,
        dictionary::PATH,
        Access::Public,
        get(hand_out),
    )]
}

async fn hand_out() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (HeaderName::from_static(USE_AS_DICTIONARY), USE),
    ];
    (headers, Bytes::from_static(dictionary::BYTES))
}

/// How the body of a request is packed, and how its answer will be.
#[derive(Debug, Clone, Copy)]
pub struct Codings {
    body: Coding,
    answer: Coding,
    /// Whether the request would have gained by the dictionary.
    tell: bool,
}

impl Codings {
    /// What the headers of a request ask for.
    ///
    /// # Errors
    /// A coding or a charset that is not taken here.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let strange = headers.contains_key(CONTENT_ENCODING) && text(CONTENT_ENCODING).is_none();
        let body = Coding::of_body(text(CONTENT_ENCODING))
            .filter(|_| !strange)
            .ok_or(Problem::Media("the body's coding is none of dcz, zstd and gzip"))?;
        if !is_unicode(text(CONTENT_TYPE).unwrap_or_default()) {
            return Err(Problem::Media("the body's charset is not utf-8"));
        }
        let available = text(HeaderName::from_static(AVAILABLE_DICTIONARY));
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        Ok(Self {
            body,
            tell: body != Coding::Dcz && length.is_none_or(|length| length > LITTLE),
            answer: Coding::best_for(text(ACCEPT_ENCODING), available),
        })
    }

    /// The body as it was before it was packed. One that is not what it says, or that unpacks to more than `most`
    /// bytes, ends with an error in its middle.
    pub fn unpack(self, body: Body, most: usize) -> Body {
        if self.body == Coding::Identity {
            return body;
        }
        // The reader counts for itself: it is to find the bound before this does.
        let most = u64::try_from(most.saturating_add(PIECE)).unwrap_or(u64::MAX);
        let frames = body.into_data_stream();
        let first = (Unpacker::new(self.body, most), frames);
        Body::from_stream(stream::try_unfold(first, |(reader, mut frames)| async move {
            let mut reader = reader?;
            loop {
                if let Some(piece) = reader.pull()? {
                    return Ok(Some((Bytes::from(piece), (Ok(reader), frames))));
                }
                match frames.next().await {
                    Some(Ok(bytes)) => reader.feed(&bytes),
                    Some(Err(error)) => return Err(BoxError::from(error)),
                    None => return reader.end().map(|()| None).map_err(BoxError::from),
                }
            }
        }))
    }

    /// The answer, packed as the request asks for; refusals and what is very small stay as they are. Where the
    /// request would have gained by the dictionary, says that it may be packed with it.
    pub async fn pack(self, mut answer: Response) -> Response {
        if self.tell {
            let headers = answer.headers_mut();
            headers.insert(ACCEPT_ENCODING, TAKEN);
            if let Ok(ours) = HeaderValue::from_str(dictionary::available()) {
                headers.insert(HeaderName::from_static(AVAILABLE_DICTIONARY), ours);
            }
        }
        if answer.status() != StatusCode::OK {
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        let mut frames = body.into_data_stream();
        // What is there before it is known to be more than little.
        let (mut little, mut ended) = (Vec::new(), false);
        while little.len() <= LITTLE && !ended {
            match frames.next().await {
                Some(Ok(bytes)) => little.extend_from_slice(&bytes),
                // The reader finds that the last line is missing.
                Some(Err(_)) | None => ended = true,
            }
        }
        if ended && little.len() <= LITTLE {
            return Response::from_parts(parts, Body::from(little));
        }
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(VARY, VARIES);
        let frames = stream::once(async { Ok(Bytes::from(little)) })
            .chain(frames)
            .boxed();
        if self.answer == Coding::Identity {
            return Response::from_parts(parts, Body::from_stream(frames));
        }
        let name = HeaderValue::from_static(self.answer.name());
        parts.headers.insert(CONTENT_ENCODING, name);
        let first = (Some(Packer::new(self.answer)), frames);
        let packed = stream::try_unfold(first, |(packer, mut frames)| async move {
            let Some(packer) = packer else {
                return Ok::<_, BoxError>(None);
            };
            let mut packer = packer?;
            loop {
                let bytes = match frames.next().await {
                    // A flush of nothing costs bytes.
                    Some(Ok(bytes)) if bytes.is_empty() => continue,
                    Some(bytes) => bytes?,
                    None => return Ok(Some((Bytes::from(packer.finish()?), (None, frames)))),
                };
                let piece = Bytes::from(packer.piece(&bytes)?);
                return Ok(Some((piece, (Some(Ok(packer)), frames))));
            }
        });
        Response::from_parts(parts, Body::from_stream(packed))
    }
}

/// Whether a media type names no other charset than that of JSON.
fn is_unicode(media: &str) -> bool {
    let charset = media
        .split(';')
        .skip(1)
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, set)| {
        let set = set.trim().trim_matches('"');
        set.eq_ignore_ascii_case("utf-8") || set.eq_ignore_ascii_case("us-ascii")
    })
}
