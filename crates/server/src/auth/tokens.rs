//! Access and refresh tokens: opaque, kept as hashes, revocable at once.

use super::actor::Actor;
use crate::db::sqlite::table::token::{Of, TokenRow};
use crate::db::sqlite::table::user::UserRow;
use crate::db::sqlite::table::{device, token, user};
use crate::db::{DbError, Tx};
use crate::random;
use hms_model::ids::{DeviceId, UserId};
use hms_model::wire::session::Ended;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// How long an access token lives.
pub const ACCESS_MS: i64 = 15 * 60 * 1000;
/// How long a refresh token lives without use.
pub const REFRESH_MS: i64 = 60 * 24 * 60 * 60 * 1000;
/// How long an exchanged refresh token may be sent again by whoever has its successor as well: two processes at once, a
/// request that the network delivers late.
pub const GRACE_MS: i64 = 2 * 60 * 1000;
/// How long it may be sent again where nothing that was given for it was ever used: the answer was lost, and then there
/// was no signal. Shorter than access tokens are remembered, whose use tells the two apart.
pub const LOST_MS: i64 = 24 * 60 * 60 * 1000;

/// SHA-256 of a token: all that is kept of it.
#[must_use]
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Who a sign-in is for, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Account.
    pub user_id: String,
    /// Device.
    pub device_id: Option<String>,
    /// OAuth client.
    pub client: String,
    /// Scopes.
    pub scope: String,
    /// Links all tokens of the sign-in.
    pub family: String,
}

/// A pair of fresh tokens, in clear; they are not kept.
#[derive(Debug)]
pub struct Issued {
    /// Access token.
    pub access: String,
    /// Refresh token.
    pub refresh: String,
    /// Who they are for.
    pub sign_in: SignIn,
}

/// Why a refresh token is not exchanged.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Unknown, expired or revoked.
    #[error("the refresh token is not valid")]
    Invalid,
    /// An exchanged token came back after its grace: it is in two hands, so the whole sign-in was revoked.
    #[error("the refresh token was used before; the sign-in is revoked")]
    Reused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Issues a pair of tokens. `replaced` is the refresh token that they follow.
///
/// # Errors
/// A failed statement.
pub fn issue(tx: &mut Tx<'_>, sign_in: SignIn, replaced: Option<[u8; 32]>) -> Result<Issued, DbError> {
    let now = tx.now_ms();
    let (access, refresh) = (random::token("hms_at_"), random::token("hms_rt_"));
    for (text, kind, life) in [(&access, "access", ACCESS_MS), (&refresh, "refresh", REFRESH_MS)] {
        token::insert(tx.conn(), &row(&sign_in, hash(text), kind, replaced, now, life))?;
    }
    Ok(Issued {
        access,
        refresh,
        sign_in,
    })
}

/// Issues a single long-lived access token, for demonstrations and system accounts.
///
/// # Errors
/// A failed statement.
pub fn issue_access(tx: &mut Tx<'_>, sign_in: &SignIn, life_ms: i64) -> Result<String, DbError> {
    let access = random::token("hms_at_");
    token::insert(
        tx.conn(),
        &row(sign_in, hash(&access), "access", None, tx.now_ms(), life_ms),
    )?;
    Ok(access)
}

fn row(
    sign_in: &SignIn,
    hash: [u8; 32],
    kind: &str,
    parent: Option<[u8; 32]>,
    now: i64,
    life_ms: i64,
) -> TokenRow {
    TokenRow {
        hash,
        kind: kind.to_owned(),
        family: sign_in.family.clone(),
        parent,
        user_id: sign_in.user_id.clone(),
        device_id: sign_in.device_id.clone(),
        client: sign_in.client.clone(),
        scope: sign_in.scope.clone(),
        issued_ms: now,
        expires_ms: now + life_ms,
        used_ms: None,
        revoked_ms: None,
    }
}

/// Exchanges a refresh token for a new pair.
///
/// A token that was exchanged already is taken again within [`GRACE_MS`] as long as its successor was not exchanged, and
/// within [`LOST_MS`] as long as nothing that was given for it was used at all: then the answer was lost, not the token
/// stolen.
///
/// # Errors
/// [`RefreshError`]. On [`RefreshError::Reused`] the caller must commit the revocation itself with [`revoke_family`].
pub fn refresh(tx: &mut Tx<'_>, presented: &str, client: &str) -> Result<Issued, RefreshError> {
    let now = tx.now_ms();
    let old = token::get(tx.conn(), &hash(presented))?
        .filter(|t| t.kind == "refresh" && t.client == client && t.revoked_ms.is_none() && t.expires_ms > now)
        .ok_or(RefreshError::Invalid)?;
    if account(tx.conn(), &old)?.is_none() {
        return Err(RefreshError::Invalid);
    }
    if let Some(used) = old.used_ms {
        let again = token::successor_exchanged(tx.conn(), &old.hash)?;
        let lost = !again && !token::successor_used(tx.conn(), &old.hash)?;
        let passed = now - used;
        if again || passed > LOST_MS || (passed > GRACE_MS && !lost) {
            return Err(RefreshError::Reused);
        }
    }
    token::mark_used(tx.conn(), &old.hash, now)?;
    if let Some(id) = &old.device_id {
        device::seen(tx.conn(), id, now)?;
    }
    let sign_in = SignIn {
        user_id: old.user_id,
        device_id: old.device_id,
        client: old.client,
        scope: old.scope,
        family: old.family,
    };
    Ok(issue(tx, sign_in, Some(old.hash))?)
}

/// Revokes the sign-in that a token belongs to.
///
/// # Errors
/// A failed statement.
pub fn revoke_family(tx: &mut Tx<'_>, presented: &str) -> Result<(), DbError> {
    match token::get(tx.conn(), &hash(presented))? {
        Some(found) => token::revoke(tx.conn(), Of::Family(&found.family), tx.now_ms()),
        None => Ok(()),
    }
}

/// The actor behind an access token, `None` where it is not, or no longer, good.
///
/// # Errors
/// A failed statement.
pub fn authenticate(conn: &Connection, presented: &str, now_ms: i64) -> Result<Option<Actor>, DbError> {
    let found = token::get(conn, &hash(presented))?
        .filter(|t| t.kind == "access" && t.revoked_ms.is_none() && t.expires_ms > now_ms);
    let Some(found) = found else { return Ok(None) };
    let Some(account) = account(conn, &found)? else {
        return Ok(None);
    };
    let Ok(user_id) = UserId::parse(&account.id) else {
        return Ok(None);
    };
    Ok(Some(Actor {
        user: user_id,
        name: account.name,
        role: account.role,
        fhir: account.fhir,
        site: account.site,
        district: account.district,
        device: found.device_id.as_deref().and_then(|d| DeviceId::parse(d).ok()),
        scopes: account.scopes.split_whitespace().map(str::to_owned).collect(),
        family: found.family,
    }))
}

/// Why a token is no good any more for ever, where its device or its account may not connect: told only to who holds a
/// token that was given out.
///
/// # Errors
/// A failed statement.
pub fn why_ended(conn: &Connection, presented: &str) -> Result<Option<Ended>, DbError> {
    let Some(found) = token::get(conn, &hash(presented))? else {
        return Ok(None);
    };
    if let Some(id) = &found.device_id {
        if device::get(conn, id)?.is_some_and(|d| d.revoked_ms.is_some()) {
            return Ok(Some(Ended::DeviceRevoked));
        }
    }
    let disabled = user::by_id(conn, &found.user_id)?.is_none_or(|u| u.disabled);
    Ok(disabled.then_some(Ended::AccountDisabled))
}

/// Whether an access token that a refresh gave is used for the first time: its refresh arrived.
///
/// # Errors
/// A failed statement.
pub fn is_first_use(conn: &Connection, presented: &str) -> Result<bool, DbError> {
    let found = token::get(conn, &hash(presented))?;
    Ok(found.is_some_and(|token| token.parent.is_some() && token.used_ms.is_none()))
}

/// Notes that a token was used.
///
/// # Errors
/// A failed statement.
pub fn note_use(tx: &mut Tx<'_>, presented: &str) -> Result<(), DbError> {
    token::mark_used(tx.conn(), &hash(presented), tx.now_ms())
}

/// Whether an actor's sign-in is still good: for what stays open longer than one request.
///
/// # Errors
/// A failed statement.
pub fn still_good(conn: &Connection, actor: &Actor) -> Result<bool, DbError> {
    if let Some(id) = &actor.device {
        if device::get(conn, id.as_str())?.is_some_and(|d| d.revoked_ms.is_some()) {
            return Ok(false);
        }
    }
    // A sign-in at an external issuer has no tokens here; the account decides.
    if !actor.from_external_issuer() && !token::family_lives(conn, &actor.family)? {
        return Ok(false);
    }
    Ok(user::by_id(conn, actor.user.as_str())?.is_some_and(|u| !u.disabled))
}

/// The account of a token, unless it is disabled or its device is revoked.
fn account(conn: &Connection, of: &TokenRow) -> Result<Option<UserRow>, DbError> {
    if let Some(id) = &of.device_id {
        if device::get(conn, id)?.is_some_and(|d| d.revoked_ms.is_some()) {
            return Ok(None);
        }
    }
    Ok(user::by_id(conn, &of.user_id)?.filter(|u| !u.disabled))
}
