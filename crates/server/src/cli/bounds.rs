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
    set_with(builder, HEAD);
}

fn set_with(builder: &mut Builder<TokioExecutor>, head: Duration) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn server(head: Duration) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("socket");
        let address = listener.local_addr().expect("address");
        let mut server = axum_server::from_tcp(listener).expect("server");
        set_with(server.http_builder(), head);
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
        let task =
            tokio::spawn(async move { server.serve(router.into_make_service()).await.expect("served") });
        (address, task)
    }

    /// What the server says to these bytes until it closes the connection.
    async fn says(address: std::net::SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        // The server may close before all is written.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection stayed open");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_not_waited_for() {
        let (address, task) = server(Duration::from_millis(200)).await;

        says(address, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;

        task.abort();
    }

    #[tokio::test]
    async fn too_many_or_too_large_headers_are_refused() {
        let (address, task) = server(HEAD).await;
        let head = |headers: &str| format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");

        assert!(says(address, head("").as_bytes()).await.ends_with("hello"));
        for headers in [
            "X-A: b\r\n".repeat(100),
            format!("X-A: {}\r\n", "b".repeat(100_000)),
        ] {
            let answer = says(address, head(&headers).as_bytes()).await;
            assert!(answer.is_empty() || answer.contains(" 431 "), "{answer}");
        }
        task.abort();
    }
}
