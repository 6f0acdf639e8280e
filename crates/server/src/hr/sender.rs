//! Sends what waits in the outbox: stored with the change that caused it, tried until the receiver has it.

use super::sign::SigningSecret;
use super::HR_TARGET;
use crate::app::App;
use crate::db::sqlite::table;
use crate::db::sqlite::table::outbox_out::OutboxOutRow;
use crate::db::DbError;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};
use std::time::Duration;

/// Attempts before a person has to look: about four days with the growing pauses.
const ATTEMPTS: i64 = 25;
/// The longest pause between two attempts.
const LONGEST_PAUSE_MS: i64 = 6 * 3600 * 1000;
/// How long the receiver may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Messages in one round.
const ROUND: i64 = 50;
/// The name in `kv` of the secret that is shared with HR's endpoint.
const SECRET: &str = "hr.secret";

/// Sends messages to HR's endpoint.
#[derive(Debug, Clone)]
pub struct Sender {
    app: App,
    client: Client,
    url: String,
    secret: SigningSecret,
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver has it.
    Sent,
    /// To be tried again, after what the receiver asked for.
    Later {
        /// Seconds from `Retry-After`.
        asked_s: Option<i64>,
    },
    /// The receiver is gone for good (410).
    Gone,
}

/// Why sending cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// No HTTP client.
    #[error("failed to set up the connection to HR's endpoint")]
    Client(#[source] reqwest::Error),
    /// No secret.
    #[error("failed to read the secret shared with HR's endpoint")]
    Secret(#[source] DbError),
}

impl Sender {
    /// A sender, where HR's endpoint is configured.
    ///
    /// # Errors
    /// [`SenderError`].
    pub async fn new(app: &App) -> Result<Option<Self>, SenderError> {
        let Some(url) = app.settings.hr_url.clone() else {
            return Ok(None);
        };
        // The first caller in the process sets it; the others find it set.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(SenderError::Client)?;
        let secret = secret(app).await.map_err(SenderError::Secret)?;
        Ok(Some(Self {
            app: app.clone(),
            client,
            url,
            secret,
        }))
    }

    /// Sends everything that is due; returns how many the receiver took.
    ///
    /// # Errors
    /// A failure of the database; a failure of the receiver is no error here.
    pub async fn send_due(&self) -> Result<usize, DbError> {
        let now = self.app.clock.now_ms();
        let due = self
            .app
            .db
            .read(move |r| table::outbox_out::due(r.conn(), now, ROUND))
            .await?;
        let mut sent = 0;
        for row in due.into_iter().filter(|row| row.target == HR_TARGET) {
            let attempt = self.post(&row).await;
            sent += usize::from(attempt == Attempt::Sent);
            self.note(&row, attempt).await?;
        }
        Ok(sent)
    }

    async fn post(&self, row: &OutboxOutRow) -> Attempt {
        let timestamp_s = self.app.clock.now_ms().div_euclid(1000);
        let answer = self
            .client
            .post(&self.url)
            .header("content-type", "application/fhir+json")
            .header("webhook-id", &row.message_id)
            .header("webhook-timestamp", timestamp_s.to_string())
            .header(
                "webhook-signature",
                self.secret.sign(&row.message_id, timestamp_s, &row.body),
            )
            .body(row.body.clone())
            .send()
            .await;
        match answer {
            Ok(answer) if answer.status().is_success() => Attempt::Sent,
            Ok(answer) if answer.status() == StatusCode::GONE => Attempt::Gone,
            Ok(answer) => {
                let asked = answer
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|v| v.to_str().ok()?.parse().ok());
                tracing::warn!(
                    status = answer.status().as_u16(),
                    "HR's endpoint did not take a message"
                );
                Attempt::Later { asked_s: asked }
            }
            Err(error) => {
                tracing::warn!(timeout = error.is_timeout(), "HR's endpoint was not reached");
                Attempt::Later { asked_s: None }
            }
        }
    }

    async fn note(&self, row: &OutboxOutRow, attempt: Attempt) -> Result<(), DbError> {
        let (id, tries) = (row.id, row.attempt + 1);
        let now = self.app.clock.now_ms();
        let seed = u64::from_le_bytes(crate::random::bytes());
        self.app
            .db
            .write(move |tx| match attempt {
                Attempt::Sent => table::outbox_out::sent(tx.conn(), id, now),
                Attempt::Gone => {
                    table::outbox_out::stuck(tx.conn(), id, "the receiver says that it is gone (410)")
                }
                Attempt::Later { .. } if tries >= ATTEMPTS => {
                    table::outbox_out::stuck(tx.conn(), id, "the receiver did not take it in 25 attempts")
                }
                Attempt::Later { asked_s } => table::outbox_out::put_off(
                    tx.conn(),
                    id,
                    now.saturating_add(pause_ms(tries, asked_s, seed)),
                ),
            })
            .await
    }
}

/// The pause after an attempt: from 2 s doubling to 6 h, with up to a quarter of chance from `seed`, and never
/// shorter than what the receiver asked for (which counts up to a day).
#[must_use]
pub fn pause_ms(tries: i64, asked_s: Option<i64>, seed: u64) -> i64 {
    let doublings = u32::try_from(tries.clamp(1, 20) - 1).unwrap_or_default();
    let base = (2_000_i64 << doublings).min(LONGEST_PAUSE_MS);
    let chance = i64::try_from(seed % 1000).unwrap_or_default() * base / 4_000;
    let asked = asked_s.unwrap_or_default().clamp(0, 86_400) * 1000;
    (base + chance).max(asked)
}

/// The secret that is shared with HR's endpoint, made at first.
///
/// # Errors
/// A failure of the database.
pub async fn secret(app: &App) -> Result<SigningSecret, DbError> {
    app.db
        .write(|tx| {
            let known = table::kv::get(tx.conn(), SECRET)?;
            if let Some(secret) = known.as_deref().and_then(SigningSecret::parse) {
                return Ok(secret);
            }
            let secret = SigningSecret::generate();
            table::kv::set(tx.conn(), SECRET, &secret.to_text())?;
            Ok(secret)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_six_hours_and_respect_the_receiver() {
        let pauses: Vec<i64> = (1..=20).map(|n| pause_ms(n, None, 0)).collect();

        assert_eq!(pauses.first(), Some(&2_000));
        assert!(pauses.windows(2).all(|w| matches!(w, [a, b] if a <= b)));
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE_MS));
        assert_eq!(pause_ms(1, Some(120), 999), 120_000);
        assert_eq!(pause_ms(1, Some(-5), 0), 2_000);
        assert!(pause_ms(i64::MAX, Some(i64::MAX), u64::MAX) <= 86_400_000);
    }
}
