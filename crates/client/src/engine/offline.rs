//! How long records may be read here without the server having been reached: its policy, kept in the encrypted store.
//! After that only an online sign-in opens them; a new report is taken all the same, sealed.

use hms_model::time::Timestamp;
use hms_store::Store;

use super::Engine;
use crate::error::ClientError;
use crate::event::Tag;

/// Days, as the server said at the last sign-in.
const DAYS: &str = "offline-days";
/// When the server last knew this device.
const LAST_ONLINE: &str = "last-online";
/// The latest moment that was ever seen here: a clock that is set back wins no time.
const LATEST: &str = "latest-seen";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The latest moment is noted this often.
const NOTE_EVERY_MS: i64 = 60 * 60 * 1000;

impl Engine {
    /// The bound in days, where it is over. The phone's clock counts, put right by what is known of it.
    pub(crate) async fn offline_too_long(&self, store: &Store) -> Result<Option<u32>, ClientError> {
        let Some(days) = number(store, DAYS).await? else {
            return Ok(None);
        };
        let latest = number(store, LATEST).await?.unwrap_or(i64::MIN);
        let now = self.true_now().0.max(latest);
        if now.saturating_sub(latest) > NOTE_EVERY_MS {
            store.meta_put(LATEST, Some(now.to_string())).await?;
        }
        let Some(last) = number(store, LAST_ONLINE).await? else {
            return Ok(None);
        };
        let over = Timestamp(now).since_ms(Timestamp(last)) > days.saturating_mul(DAY_MS);
        Ok(over.then(|| u32::try_from(days).unwrap_or(u32::MAX)))
    }

    /// The server knows this device now.
    pub(crate) async fn was_online(&mut self, store: &Store) {
        let now = self.true_now().0.to_string();
        for name in [LAST_ONLINE, LATEST] {
            if let Err(error) = store.meta_put(name, Some(now.clone())).await {
                tracing::warn!(%error, "That the server was reached could not be noted");
            }
        }
        self.offline_too_long = None;
    }

    /// Keeps what the server said at a sign-in.
    pub(crate) async fn keep_offline_days(&mut self, store: &Store, days: Option<u32>) {
        let days = days.map(|days| days.to_string());
        if let Err(error) = store.meta_put(DAYS, days).await {
            tracing::warn!(%error, "How long records may be read offline could not be kept");
        }
        self.was_online(store).await;
    }

    /// Locks an app that is open for too long without the server: a desk does not lock by itself.
    pub(crate) async fn lock_if_offline_too_long(&mut self) {
        let Some(store) = self.store.clone() else { return };
        if let Ok(Some(days)) = self.offline_too_long(&store).await {
            tracing::info!(days, "The server was not reached for too long; the app locks");
            self.offline_too_long = Some(days);
            self.lock_app().await;
            self.changed(Tag::App);
        }
    }
}

async fn number(store: &Store, name: &str) -> Result<Option<i64>, ClientError> {
    Ok(store.meta_get(name).await?.and_then(|text| text.parse().ok()))
}
