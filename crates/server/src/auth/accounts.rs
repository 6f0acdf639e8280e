//! Making and changing accounts, and the one-time links by which a person sets a password.

use super::password::{self, PasswordError};
use super::{tokens, Actor};
use crate::app::App;
use crate::audit::{AuditAction, AuditAgent, AuditEntry};
use crate::db::sqlite::table::device;
use crate::db::sqlite::table::grant::{self, GrantRow};
use crate::db::sqlite::table::token::{self, Of};
use crate::db::sqlite::table::user::{self, UserRow};
use crate::db::{DbError, Tx};
use crate::random;
use hms_model::role::Role;
use hms_model::secret::Secret;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

/// How long a one-time link works.
const LINK_MS: i64 = 24 * 60 * 60 * 1000;

/// Why an account is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The sign-in name, or the person, has an account already.
    #[error("that name or person has an account already")]
    NameTaken,
    /// The sign-in name has characters that are not allowed.
    #[error("a sign-in name has 2 to 60 letters, digits, dots, dashes or underscores")]
    BadName,
    /// No such account.
    #[error("there is no such account")]
    Unknown,
    /// The link was used or is too old.
    #[error("the link no longer works")]
    LinkUsed,
    /// The password is not taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What a one-time link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "kebab-case")]
pub enum LinkPurpose {
    /// Makes the first administrator.
    FirstAdministrator,
    /// Sets the password of an account.
    SetPassword {
        /// Account id.
        user: String,
    },
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Sign-in name.
    pub username: String,
    /// Role.
    pub role: Role,
    /// Name to show.
    pub name: String,
    /// `Patient/…` or `Practitioner/…`.
    pub fhir: Option<String>,
    /// Id of the site's Organization.
    pub site: Option<String>,
    /// Id of the district's Organization.
    pub district: Option<String>,
    /// Scopes of a system account.
    pub scopes: String,
    /// Password hash, made by [`password::hash`]; without one a link must set it.
    pub password_hash: Option<String>,
}

/// Adds an account; returns its id.
///
/// # Errors
/// [`AccountError::NameTaken`], [`AccountError::BadName`], or a failed statement.
pub fn add(tx: &mut Tx<'_>, new: NewAccount, by: &AuditAgent) -> Result<String, AccountError> {
    let username = new.username.trim().to_lowercase();
    let fits = (2..=60).contains(&username.len())
        && username
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if !fits {
        return Err(AccountError::BadName);
    }
    let row = UserRow {
        id: random::id(),
        username,
        role: new.role,
        name: new.name,
        fhir: new.fhir,
        site: new.site,
        district: new.district,
        scopes: new.scopes,
        disabled: false,
    };
    if !user::insert(tx.conn(), &row, new.password_hash.as_deref(), tx.now_ms())? {
        return Err(AccountError::NameTaken);
    }
    tx.audit(&administered("user-add", by, &row.id))?;
    Ok(row.id)
}

/// Keeps an account from signing in and ends its sign-ins; or lets it sign in again.
///
/// # Errors
/// [`AccountError::Unknown`], or a failed statement.
pub fn set_disabled(
    tx: &mut Tx<'_>,
    username: &str,
    disabled: bool,
    by: &AuditAgent,
) -> Result<(), AccountError> {
    let (account, _) =
        user::by_name(tx.conn(), &username.trim().to_lowercase())?.ok_or(AccountError::Unknown)?;
    user::set_disabled(tx.conn(), &account.id, disabled)?;
    if disabled {
        token::revoke(tx.conn(), Of::User(&account.id), tx.now_ms())?;
    }
    tx.audit(&administered(
        if disabled { "user-disable" } else { "user-enable" },
        by,
        &account.id,
    ))?;
    Ok(())
}

/// Ends the sign-ins of an account and gives a link for a new password. Its devices then need an online
/// sign-in, after which each asks for a new PIN.
///
/// # Errors
/// [`AccountError::Unknown`], or a failed statement.
pub fn reset_pin(tx: &mut Tx<'_>, username: &str, by: &AuditAgent) -> Result<String, AccountError> {
    let (account, _) =
        user::by_name(tx.conn(), &username.trim().to_lowercase())?.ok_or(AccountError::Unknown)?;
    token::revoke(tx.conn(), Of::User(&account.id), tx.now_ms())?;
    tx.audit(&administered("user-reset-pin", by, &account.id))?;
    Ok(make_link(tx, &LinkPurpose::SetPassword { user: account.id })?)
}

/// Takes a device's access away and ends its sign-ins; `false` where there is no such device.
///
/// # Errors
/// A failed statement.
pub fn revoke_device(tx: &mut Tx<'_>, id: &str, by: &AuditAgent) -> Result<bool, DbError> {
    let known = device::revoke(tx.conn(), id, tx.now_ms())?;
    if known {
        token::revoke(tx.conn(), Of::Device(id), tx.now_ms())?;
        tx.audit(&administered("device-revoke", by, id))?;
    }
    Ok(known)
}

/// Ends the sign-ins of one account on a device that others use too.
///
/// # Errors
/// A failed statement.
pub fn leave_device(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<(), DbError> {
    token::revoke(tx.conn(), Of::UserOnDevice(actor.user.as_str(), id), tx.now_ms())?;
    tx.audit(&administered("device-leave", &actor.audit_agent(), id))
}

/// Makes a one-time link; returns its token.
///
/// # Errors
/// A failed statement.
pub fn make_link(tx: &mut Tx<'_>, purpose: &LinkPurpose) -> Result<String, DbError> {
    let link = random::token("hms_ln_");
    let row = GrantRow {
        hash: tokens::hash(&link),
        kind: "link".to_owned(),
        user_code: None,
        user_id: None,
        detail: serde_json::to_string(purpose).map_err(DbError::Body)?,
        expires_ms: tx.now_ms() + LINK_MS,
        polled_ms: None,
        used_ms: None,
        family: None,
    };
    grant::insert(tx.conn(), &row)?;
    Ok(link)
}

/// What a link is for; `None` where it no longer works.
///
/// # Errors
/// A failed statement.
pub fn link(conn: &Connection, link: &str, now_ms: i64) -> Result<Option<LinkPurpose>, DbError> {
    grant::get(conn, "link", &tokens::hash(link))?
        .filter(|g| g.used_ms.is_none() && g.expires_ms > now_ms)
        .map(|g| serde_json::from_str(&g.detail).map_err(DbError::Body))
        .transpose()
}

/// Uses a link up: makes the first administrator, or sets a password.
///
/// # Errors
/// [`AccountError`].
pub async fn use_link(
    app: &App,
    token: &str,
    username: &str,
    secret: Secret<String>,
) -> Result<(), AccountError> {
    let hashed = tokio::task::spawn_blocking(move || password::hash(&secret))
        .await
        .map_err(|_| AccountError::Password(PasswordError::Hash))??;
    let (token, username) = (token.to_owned(), username.to_owned());
    app.db
        .write(move |tx: &mut Tx<'_>| {
            let purpose = link(tx.conn(), &token, tx.now_ms())?.ok_or(AccountError::LinkUsed)?;
            if !grant::take(tx.conn(), &tokens::hash(&token), "", tx.now_ms())? {
                return Err(AccountError::LinkUsed);
            }
            match purpose {
                LinkPurpose::SetPassword { user } => user::set_password(tx.conn(), &user, &hashed)?,
                LinkPurpose::FirstAdministrator => {
                    let new = NewAccount {
                        name: username.clone(),
                        username,
                        role: Role::Administrator,
                        fhir: None,
                        site: None,
                        district: None,
                        scopes: String::new(),
                        password_hash: Some(hashed),
                    };
                    add(tx, new, &AuditAgent::service())?;
                }
            }
            Ok(())
        })
        .await
}

/// The audit event of an administrative act on an account or device.
fn administered(subtype: &'static str, by: &AuditAgent, on: &str) -> AuditEntry {
    AuditEntry {
        action: AuditAction::Execute,
        subtype,
        ok: true,
        agent: by.clone(),
        patient: None,
        entity: Some(on.to_owned()),
        count: None,
    }
}
