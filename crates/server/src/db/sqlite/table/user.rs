//! `user`: accounts.

use crate::db::{DbError, SqlResult};
use hms_model::role::Role;
use rusqlite::{named_params, params, Connection, OptionalExtension, Row};

/// An account.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Account id.
    pub id: String,
    /// Sign-in name, lower case.
    pub username: String,
    /// Role.
    pub role: Role,
    /// Name to show.
    pub name: String,
    /// `Patient/…` or `Practitioner/…`.
    pub fhir: Option<String>,
    /// Id of the Location of a carrier or manager.
    pub site: Option<String>,
    /// Id of the Organization of a nurse or clinician.
    pub district: Option<String>,
    /// Scopes of a system account.
    pub scopes: String,
    /// Whether it may not sign in.
    pub disabled: bool,
}

fn user(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    let role: String = row.get("role")?;
    Ok(UserRow {
        id: row.get("id")?,
        username: row.get("username")?,
        role: Role::parse(&role).ok_or(rusqlite::Error::InvalidQuery)?,
        name: row.get("name")?,
        fhir: row.get("fhir")?,
        site: row.get("site")?,
        district: row.get("district")?,
        scopes: row.get("scopes")?,
        disabled: row.get("disabled")?,
    })
}

/// Adds an account; `false` where the name or the FHIR resource has one already.
///
/// # Errors
/// A failed statement.
pub fn insert(
    conn: &Connection,
    row: &UserRow,
    password_hash: Option<&str>,
    now_ms: i64,
) -> Result<bool, DbError> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO user (id, username, password_hash, role, name, fhir, site, district, scopes, disabled, created_ms)
         VALUES (:id, :username, :hash, :role, :name, :fhir, :site, :district, :scopes, :disabled, :now)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":id": row.id, ":username": row.username, ":hash": password_hash, ":role": row.role.as_str(),
            ":name": row.name, ":fhir": row.fhir, ":site": row.site, ":district": row.district,
            ":scopes": row.scopes, ":disabled": row.disabled, ":now": now_ms,
        })
    })
    .doing("add an account")
    .map(|n| n == 1)
}

/// An account by id.
///
/// # Errors
/// A failed statement.
pub fn by_id(conn: &Connection, id: &str) -> Result<Option<UserRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, username, role, name, fhir, site, district, scopes, disabled FROM user WHERE id = ?1",
    )
    .and_then(|mut s| s.query_row([id], user).optional())
    .doing("read an account")
}

/// An account by its sign-in name, with its password hash.
///
/// # Errors
/// A failed statement.
pub fn by_name(conn: &Connection, username: &str) -> Result<Option<(UserRow, Option<String>)>, DbError> {
    conn.prepare_cached(
        "SELECT id, username, role, name, fhir, site, district, scopes, disabled, password_hash
           FROM user WHERE username = ?1",
    )
    .and_then(|mut s| {
        s.query_row([username], |r| Ok((user(r)?, r.get("password_hash")?)))
            .optional()
    })
    .doing("read an account by name")
}

/// The account of a person's FHIR resource.
///
/// # Errors
/// A failed statement.
pub fn by_fhir(conn: &Connection, fhir: &str) -> Result<Option<UserRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, username, role, name, fhir, site, district, scopes, disabled FROM user WHERE fhir = ?1",
    )
    .and_then(|mut s| s.query_row([fhir], user).optional())
    .doing("read an account by person")
}

/// All accounts, by name.
///
/// # Errors
/// A failed statement.
pub fn all(conn: &Connection) -> Result<Vec<UserRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, username, role, name, fhir, site, district, scopes, disabled FROM user ORDER BY username",
    )
    .and_then(|mut s| s.query_map([], user)?.collect())
    .doing("list accounts")
}

/// Sets or clears the mark that keeps an account from signing in.
///
/// # Errors
/// A failed statement.
pub fn set_disabled(conn: &Connection, id: &str, disabled: bool) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE user SET disabled = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, disabled]))
        .doing("disable an account")
        .map(drop)
}

/// Replaces the password hash.
///
/// # Errors
/// A failed statement.
pub fn set_password(conn: &Connection, id: &str, hash: &str) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE user SET password_hash = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute([id, hash]))
        .doing("store a password hash")
        .map(drop)
}
