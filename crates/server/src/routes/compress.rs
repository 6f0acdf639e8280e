//! Which answers are compressed: records and the exchange with devices, and nothing that holds a credential.
//!
//! The length of a compressed body tells about its content to somebody who can put words into it and watch the line
//! (BREACH). Under `/oauth`, `/api` and `/signal` answers carry tokens, links, keys and relay credentials next to what
//! the request said, so they are never compressed. Under `/fhir` no answer carries a credential, and no browser adds
//! one to a request by itself: each needs the bearer token. What is under `/staff` is the same for everybody.

use axum::http::header::CONTENT_TYPE;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Below this, in bytes, gzip's own frame eats what it saves.
const WORTH_IT: u16 = 1024;

/// Whether answers of a route may be compressed.
pub(super) fn may_be(path: &str) -> bool {
    path == "/fhir" || path.starts_with("/fhir/") || path.starts_with("/staff")
}

/// Compresses an answer for those who accept it.
pub(super) fn layer() -> CompressionLayer<And<SizeAbove, Records>> {
    CompressionLayer::new()
        .gzip(true)
        // Two processors serve a district: half the ratio for a fifth of the time.
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(WORTH_IT).and(Records))
}

/// Answers that are records, or programs of a page; photos are compressed already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records;

impl Predicate for Records {
    fn should_compress<B>(&self, response: &axum::http::Response<B>) -> bool
    where
        B: axum::body::HttpBody,
    {
        let media = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split(';').next())
            .unwrap_or_default();
        matches!(
            media,
            "application/fhir+json"
                | "application/json"
                | "application/x-ndjson"
                | "application/ndjson"
                | "text/javascript"
                | "text/css"
                | "application/wasm"
        )
    }
}
