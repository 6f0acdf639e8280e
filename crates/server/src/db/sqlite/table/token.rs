//! `token`: hashes of access and refresh tokens.

use crate::db::{DbError, SqlResult};
use rusqlite::{named_params, params, Connection, OptionalExtension, Row};

/// A token as kept.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// `access` or `refresh`.
    pub kind: String,
    /// The sign-in it comes from.
    pub family: String,
    /// The refresh token it replaced.
    pub parent: Option<[u8; 32]>,
    /// Account.
    pub user_id: String,
    /// Device.
    pub device_id: Option<String>,
    /// OAuth client.
    pub client: String,
    /// Scopes.
    pub scope: String,
    /// Unix ms.
    pub issued_ms: i64,
    /// Unix ms.
    pub expires_ms: i64,
    /// When a refresh token was exchanged, or an access token first used.
    pub used_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

const COLUMNS: &str =
    "hash, kind, family, parent, user_id, device_id, client, scope, issued_ms, expires_ms, used_ms, revoked_ms";

fn token(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        hash: row.get("hash")?,
        kind: row.get("kind")?,
        family: row.get("family")?,
        parent: row.get("parent")?,
        user_id: row.get("user_id")?,
        device_id: row.get("device_id")?,
        client: row.get("client")?,
        scope: row.get("scope")?,
        issued_ms: row.get("issued_ms")?,
        expires_ms: row.get("expires_ms")?,
        used_ms: row.get("used_ms")?,
        revoked_ms: row.get("revoked_ms")?,
    })
}

/// Keeps a token's hash.
///
/// # Errors
/// A failed statement.
pub fn insert(conn: &Connection, row: &TokenRow) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO token (hash, kind, family, parent, user_id, device_id, client, scope, issued_ms, expires_ms)
         VALUES (:hash, :kind, :family, :parent, :user, :device, :client, :scope, :issued, :expires)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":hash": &row.hash[..], ":kind": row.kind, ":family": row.family,
            ":parent": row.parent.as_ref().map(|p| &p[..]), ":user": row.user_id, ":device": row.device_id,
            ":client": row.client, ":scope": row.scope, ":issued": row.issued_ms, ":expires": row.expires_ms,
        })
    })
    .doing("keep a token")
    .map(drop)
}

/// A token by its hash.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, hash: &[u8; 32]) -> Result<Option<TokenRow>, DbError> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM token WHERE hash = ?1"))
        .and_then(|mut s| s.query_row([&hash[..]], token).optional())
        .doing("read a token")
}

/// Whether a refresh token's successor was itself exchanged already.
///
/// # Errors
/// A failed statement.
pub fn successor_exchanged(conn: &Connection, parent: &[u8; 32]) -> Result<bool, DbError> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM token WHERE parent = ?1 AND used_ms IS NOT NULL AND kind = 'refresh')",
    )
    .and_then(|mut s| s.query_row([&parent[..]], |r| r.get(0)))
    .doing("read a token's successor")
}

/// Whether anything that was given for a refresh token was used.
///
/// # Errors
/// A failed statement.
pub fn successor_used(conn: &Connection, parent: &[u8; 32]) -> Result<bool, DbError> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM token WHERE parent = ?1 AND used_ms IS NOT NULL)")
        .and_then(|mut s| s.query_row([&parent[..]], |r| r.get(0)))
        .doing("read a token's successor")
}

/// Notes that a refresh token was exchanged; the first time counts.
///
/// # Errors
/// A failed statement.
pub fn mark_used(conn: &Connection, hash: &[u8; 32], now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE token SET used_ms = coalesce(used_ms, ?2) WHERE hash = ?1")
        .and_then(|mut s| s.execute(params![&hash[..], now_ms]))
        .doing("mark a token as used")
        .map(drop)
}

/// Whose tokens to revoke.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// One token.
    Hash(&'a [u8; 32]),
    /// One sign-in.
    Family(&'a str),
    /// An account.
    User(&'a str),
    /// A device.
    Device(&'a str),
    /// An account on a device.
    UserOnDevice(&'a str, &'a str),
}

/// Revokes tokens.
///
/// # Errors
/// A failed statement.
pub fn revoke(conn: &Connection, of: Of<'_>, now_ms: i64) -> Result<(), DbError> {
    let done = match of {
        Of::Hash(hash) => conn
            .prepare_cached("UPDATE token SET revoked_ms = ?2 WHERE hash = ?1 AND revoked_ms IS NULL")
            .and_then(|mut s| s.execute(params![&hash[..], now_ms])),
        Of::Family(family) => conn
            .prepare_cached("UPDATE token SET revoked_ms = ?2 WHERE family = ?1 AND revoked_ms IS NULL")
            .and_then(|mut s| s.execute(params![family, now_ms])),
        Of::User(user) => conn
            .prepare_cached("UPDATE token SET revoked_ms = ?2 WHERE user_id = ?1 AND revoked_ms IS NULL")
            .and_then(|mut s| s.execute(params![user, now_ms])),
        Of::Device(device) => conn
            .prepare_cached("UPDATE token SET revoked_ms = ?2 WHERE device_id = ?1 AND revoked_ms IS NULL")
            .and_then(|mut s| s.execute(params![device, now_ms])),
        Of::UserOnDevice(user, device) => conn
            .prepare_cached(
                "UPDATE token SET revoked_ms = ?3 WHERE user_id = ?1 AND device_id = ?2 AND revoked_ms IS NULL",
            )
            .and_then(|mut s| s.execute(params![user, device, now_ms])),
    };
    done.doing("revoke tokens")?;
    crate::auth::revoked::count(conn)
}

/// Whether a sign-in still has a token that was not revoked.
///
/// # Errors
/// A failed statement.
pub fn family_lives(conn: &Connection, family: &str) -> Result<bool, DbError> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM token WHERE family = ?1 AND revoked_ms IS NULL)")
        .and_then(|mut s| s.query_row([family], |r| r.get(0)))
        .doing("read a sign-in")
}

/// Whether another account has a sign-in on a device.
///
/// # Errors
/// A failed statement.
pub fn shared(conn: &Connection, device: &str, user: &str, now_ms: i64) -> Result<bool, DbError> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM token WHERE device_id = ?1 AND user_id <> ?2 AND revoked_ms IS NULL
                           AND expires_ms > ?3)",
    )
    .and_then(|mut s| s.query_row(params![device, user, now_ms], |r| r.get(0)))
    .doing("read who signed in on a device")
}

/// Whether an account has a sign-in on a device that is still good.
///
/// # Errors
/// A failed statement.
pub fn lives_on(conn: &Connection, device: &str, user: &str, now_ms: i64) -> Result<bool, DbError> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM token WHERE device_id = ?1 AND user_id = ?2 AND revoked_ms IS NULL
                           AND expires_ms > ?3)",
    )
    .and_then(|mut s| s.query_row(params![device, user, now_ms], |r| r.get(0)))
    .doing("read whether an account is signed in on a device")
}

/// Forgets tokens that expired before a moment.
///
/// # Errors
/// A failed statement.
pub fn forget_expired(conn: &Connection, before_ms: i64) -> Result<usize, DbError> {
    conn.prepare_cached("DELETE FROM token WHERE expires_ms < ?1")
        .and_then(|mut s| s.execute([before_ms]))
        .doing("forget expired tokens")
}

/// When a sign-in began, Unix ms: its first token that is still known.
///
/// # Errors
/// A failed statement.
pub fn family_began(conn: &Connection, family: &str) -> Result<Option<i64>, DbError> {
    conn.prepare_cached("SELECT min(issued_ms) FROM token WHERE family = ?1")
        .and_then(|mut s| s.query_row([family], |r| r.get(0)))
        .doing("read when a sign-in began")
}
