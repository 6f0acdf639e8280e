//! A tunnel through an HTTP proxy: what is asked for and answered is `hms_core::proxy`, here are the bytes.

use hms_core::proxy::{read_answer, Proxy, Refusal, LONGEST_HEAD};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The proxy's answer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The connection to the proxy broke.
    #[error("the connection to the proxy broke")]
    Broke(#[source] std::io::Error),
}

/// Turns a connection to a proxy into one to a host, which the proxy looks up. Reads nothing of what the host says. Whoever
/// calls it bounds its time; what the proxy answers is bounded here.
///
/// # Errors
/// The proxy refuses, or is none.
pub async fn open_tunnel(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let request = proxy.request(host, port)?;
    stream.write_all(&request).await.map_err(TunnelError::Broke)?;
    stream.flush().await.map_err(TunnelError::Broke)?;
    let mut head = Vec::new();
    while head.len() < LONGEST_HEAD {
        // A byte at a time: what comes after the head is the tunnel's, and a head is short and read once.
        head.push(stream.read_u8().await.map_err(TunnelError::Broke)?);
        if read_answer(&head)?.is_some() {
            return Ok(());
        }
    }
    Err(Refusal::Endless.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(answer: &[u8]) -> (Result<(), TunnelError>, Vec<u8>) {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let proxy = Proxy::parse("proxy.example").expect("an address");
        theirs.write_all(answer).await.expect("room");
        let result = open_tunnel(&mut ours, &proxy, "clinic.example", 443).await;
        theirs.shutdown().await.expect("closes");
        let mut rest = Vec::new();
        ours.read_to_end(&mut rest).await.expect("the rest");
        (result, rest)
    }

    #[tokio::test]
    async fn what_comes_with_the_answer_stays_in_the_tunnel() {
        let (opened, rest) = answered(b"HTTP/1.1 200 OK\r\n\r\nhello\r\n\r\n").await;
        assert!(opened.is_ok());
        assert_eq!(rest, b"hello\r\n\r\n");
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_given_up() {
        let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; 32 * 1024]].concat();
        let (refused, rest) = answered(&endless).await;
        assert!(matches!(refused, Err(TunnelError::Refused(Refusal::Endless))));
        assert!(rest.len() > 16 * 1024, "{} bytes were not read", rest.len());

        let (refused, _) = answered(b"HTTP/1.1 407 Who?\r\n\r\n").await;
        assert!(matches!(refused, Err(TunnelError::Refused(Refusal::Credentials))));
    }

    #[tokio::test]
    async fn a_proxy_that_hangs_up_gives_no_tunnel() {
        let (mut ours, theirs) = tokio::io::duplex(1024);
        drop(theirs);
        let proxy = Proxy::parse("proxy.example").expect("an address");
        let broke = open_tunnel(&mut ours, &proxy, "clinic.example", 443).await;
        assert!(matches!(broke, Err(TunnelError::Broke(_))));
    }
}
