//! `ach-server hr-receiver`: a small HTTP endpoint that writes each message it gets to a file. It stands for HR's own
//! system in demonstrations and tests, and keeps the bytes exactly as they came.

use super::sign::SigningSecret;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::Router;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

/// The largest message taken: a Condition is about 1 kB.
const LARGEST: usize = 256 * 1024;

/// Settings of a receiver.
#[derive(Debug, Clone)]
pub struct Receiver {
    dir: PathBuf,
    secret: Option<SigningSecret>,
}

impl Receiver {
    /// Writes to this folder. With a secret, messages without a good signature are refused.
    #[must_use]
    pub fn new(dir: &Path, secret: Option<SigningSecret>) -> Self {
        Self {
            dir: dir.to_owned(),
            secret,
        }
    }

    /// The receiver's one route: `POST /`, any path.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", post(take))
            .route("/{*path}", post(take))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(Arc::new(self))
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// Where the folder or the connection cannot be used.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        tokio::fs::create_dir_all(&self.dir).await?;
        axum::serve(listener, self.router()).await
    }

    fn signed(&self, headers: &HeaderMap, body: &Bytes) -> bool {
        let Some(secret) = &self.secret else { return true };
        let header = |name| headers.get(name).and_then(|v| v.to_str().ok());
        let now_s = crate::clock::Clock::System.now_ms().div_euclid(1000);
        match (
            header("webhook-id"),
            header("webhook-timestamp").and_then(|t| t.parse().ok()),
            header("webhook-signature"),
            std::str::from_utf8(body),
        ) {
            (Some(id), Some(at), Some(signatures), Ok(text)) => {
                secret.verify(id, at, text, signatures, now_s)
            }
            _ => false,
        }
    }
}

async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !receiver.signed(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    // The message's id names the file, so a repeated message is one file.
    let id = headers
        .get("webhook-id")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let id: String = id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(64)
        .collect();
    if id.is_empty() {
        return StatusCode::BAD_REQUEST;
    }
    match write(&receiver.dir, &id, &body).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            tracing::error!(%error, "A message to HR could not be written");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// Writes the whole file or none: a reader of the folder never sees half a message.
async fn write(dir: &Path, id: &str, body: &[u8]) -> std::io::Result<()> {
    let part = dir.join(format!("{id}.part"));
    tokio::fs::write(&part, body).await?;
    tokio::fs::rename(&part, dir.join(format!("{id}.json"))).await
}
