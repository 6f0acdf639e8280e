//! What one connection may take: time for its headers, their number and size, streams.

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::time::Duration;

/// How long a client may take for the head of a request; a connection that says nothing for so long is closed.
const HEAD: Duration = Duration::from_secs(15);
/// Headers of a request at most.
const HEADERS: usize = 64;
/// Bytes of a request's head at most; a token is a few hundred, an address a few thousand.
const HEAD_BYTES: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 64;
/// How often a quiet HTTP/2 connection is asked whether somebody is there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

/// Sets the bounds.
pub(super) fn set(builder: &mut Builder<TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
}
