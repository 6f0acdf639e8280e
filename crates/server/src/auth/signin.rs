//! Checking a name and a password, at the same cost for every outcome.

use super::attempts::Attempts;
use super::password;
use crate::app::App;
use crate::audit::{AuditAction, AuditAgent, AuditEntry};
use crate::db::sqlite::table::user::{self, UserRow};
use crate::db::{DbError, Tx};
use crate::service::gate::Gate;
use hms_model::secret::Secret;
use tokio::sync::Semaphore;

/// Failed sign-ins from one address that cost nothing: a whole site may share one.
const FREE_PER_ADDRESS: u32 = 60;
/// Password hashes computed at once: each takes 19 MiB and tens of milliseconds.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Why a sign-in is refused.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Name or password; which one is not said.
    #[error("name or password is not right")]
    Wrong,
    /// Too many failures.
    #[error("too many attempts")]
    Wait {
        /// Seconds until the next attempt.
        seconds: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Failed sign-ins, by name and by address, and device codes that nobody redeems.
#[derive(Debug)]
pub struct Guards {
    /// Searches for the person of a report that found nobody, by account.
    pub persons: Attempts,
    by_name: Attempts,
    by_address: Attempts,
    /// Device codes begun and not redeemed, by address.
    codes: Attempts,
    /// Device codes begun, over all senders: each is a row until it expires.
    all_codes: Gate,
}

impl Guards {
    /// Admits one more device code for an address, and counts it until [`Self::code_redeemed`].
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn begin_code(&self, address: &str, now_ms: i64) -> Result<(), i64> {
        let wait = self.codes.wait_ms(address, now_ms);
        if wait > 0 {
            return Err((wait + 999) / 1000);
        }
        if !self.all_codes.admit(address, 1, now_ms) {
            return Err(60);
        }
        self.codes.failed(address, now_ms);
        Ok(())
    }

    /// Somebody signed in with a code from this address: it is people who begin them there.
    pub fn code_redeemed(&self, address: &str) {
        self.codes.succeeded(address);
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            persons: Attempts::default(),
            by_name: Attempts::default(),
            by_address: Attempts::with_free(FREE_PER_ADDRESS),
            codes: Attempts::with_free(FREE_PER_ADDRESS),
            all_codes: Gate::default(),
        }
    }
}

/// The account of a name and a password.
///
/// # Errors
/// [`SignInError`]; a disabled account looks like a wrong password.
pub async fn check(
    app: &App,
    username: &str,
    secret: Secret<String>,
    address: &str,
) -> Result<UserRow, SignInError> {
    let username = username.trim().to_lowercase();
    let now = app.clock.now_ms();
    let guards = &app.attempts;
    // Looked at once here, so that a flood does not wait for its turn, and again in its turn: else many guesses at the
    // same moment would all pass before the first of them had failed.
    admitted(guards, &username, address, now)?;
    let permit = HASHING.acquire().await;
    admitted(guards, &username, address, app.clock.now_ms())?;
    let name = username.clone();
    let found = app.db.read(move |read| user::by_name(read.conn(), &name)).await?;
    let stored = found.as_ref().and_then(|(_, hash)| hash.clone());
    let fits = tokio::task::spawn_blocking(move || password::verify(&secret, stored.as_deref()))
        .await
        .unwrap_or(false);
    let outcome = match found {
        Some((account, _)) if fits && !account.disabled => {
            guards.by_name.succeeded(&username);
            Ok(account)
        }
        other => {
            guards.by_name.failed(&username, now);
            guards.by_address.failed(address, now);
            audit_failure(app, other.map(|(account, _)| account))
                .await
                .map_or_else(|error| Err(error.into()), |()| Err(SignInError::Wrong))
        }
    };
    drop(permit);
    outcome
}

fn admitted(guards: &Guards, username: &str, address: &str, now: i64) -> Result<(), SignInError> {
    let wait = guards
        .by_name
        .wait_ms(username, now)
        .max(guards.by_address.wait_ms(address, now));
    if wait > 0 {
        return Err(SignInError::Wait {
            seconds: (wait + 999) / 1000,
        });
    }
    Ok(())
}

/// A failed sign-in is audited by account, never by what was typed: people type passwords into the wrong field.
async fn audit_failure(app: &App, account: Option<UserRow>) -> Result<(), DbError> {
    let agent = AuditAgent {
        reference: account
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |a| a.id.clone()),
        name: account
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |a| a.name.clone()),
        role: account.map(|a| a.role),
        device: None,
    };
    let entry = AuditEntry {
        action: AuditAction::Execute,
        subtype: "sign-in",
        ok: false,
        agent,
        patient: None,
        entity: None,
        count: None,
    };
    app.db.write(move |tx: &mut Tx<'_>| tx.audit(&entry)).await
}

/// The audit event of a sign-in that succeeded, or of a sign-out.
#[must_use]
pub fn event(account: &UserRow, subtype: &'static str, device: Option<&str>) -> AuditEntry {
    AuditEntry {
        action: AuditAction::Execute,
        subtype,
        ok: true,
        agent: AuditAgent {
            reference: account.fhir.clone().unwrap_or_else(|| account.id.clone()),
            name: account.name.clone(),
            role: Some(account.role),
            device: device.map(str::to_owned),
        },
        patient: None,
        entity: None,
        count: None,
    }
}
