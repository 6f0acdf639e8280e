//! Devices of an account, and accounts for administrators.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::accounts::{self, AccountError, LinkPurpose, NewAccount};
use crate::auth::Actor;
use crate::db::sqlite::table::device::{self, DeviceRow};
use crate::db::sqlite::table::{token, user};
use crate::db::{DbError, Tx};
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::Json;
use hms_model::role::Role;
use hms_model::time::Timestamp;
use serde::Deserialize;
use serde_json::{json, Value};

const ADMINISTRATORS: Access = Access::Roles(&[Role::Administrator]);

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "/api/devices", Access::SignedIn, get(own_devices)),
        route(
            Method::DELETE,
            "/api/devices/{id}",
            Access::SignedIn,
            delete(revoke_device),
        ),
        route(Method::GET, "/api/users", ADMINISTRATORS, get(users)),
        route(Method::POST, "/api/users", ADMINISTRATORS, post(add_user)),
        route(
            Method::GET,
            "/api/users/{username}/devices",
            ADMINISTRATORS,
            get(devices_of),
        ),
        route(
            Method::POST,
            "/api/users/{username}/disable",
            ADMINISTRATORS,
            post(disable),
        ),
        route(
            Method::POST,
            "/api/users/{username}/enable",
            ADMINISTRATORS,
            post(enable),
        ),
        route(
            Method::POST,
            "/api/users/{username}/reset-pin",
            ADMINISTRATORS,
            post(reset_pin),
        ),
    ]
}

impl IntoResponse for AccountError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NameTaken => (StatusCode::CONFLICT, "name-taken"),
            Self::BadName => (StatusCode::BAD_REQUEST, "bad-name"),
            Self::Unknown => (StatusCode::NOT_FOUND, "not-found"),
            Self::LinkUsed => (StatusCode::GONE, "link-used"),
            Self::Password(_) => (StatusCode::BAD_REQUEST, "password"),
            Self::Db(error) => {
                tracing::error!(%error, "An account could not be changed");
                return Refusal::Internal.respond(false);
            }
        };
        (status, Json(json!({"error": code, "message": self.to_string()}))).into_response()
    }
}

fn device_view(row: &DeviceRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "since": Timestamp(row.created_ms).to_instant(),
        "seen": Timestamp(row.seen_ms).to_instant(),
        "revoked": row.revoked_ms.map(|ms| Timestamp(ms).to_instant()),
    })
}

async fn own_devices(State(app): State<App>, actor: Actor) -> Result<Json<Value>, AccountError> {
    let user_id = actor.user.to_string();
    let rows = app
        .db
        .read(move |read| device::list(read.conn(), Some(&user_id)))
        .await?;
    Ok(Json(
        json!({"devices": rows.iter().map(device_view).collect::<Vec<_>>()}),
    ))
}

async fn devices_of(
    State(app): State<App>,
    Path(username): Path<String>,
) -> Result<Json<Value>, AccountError> {
    let rows = app
        .db
        .read(move |read| -> Result<Vec<DeviceRow>, AccountError> {
            let (account, _) =
                user::by_name(read.conn(), &username.to_lowercase())?.ok_or(AccountError::Unknown)?;
            Ok(device::list(read.conn(), Some(&account.id))?)
        })
        .await?;
    Ok(Json(
        json!({"devices": rows.iter().map(device_view).collect::<Vec<_>>()}),
    ))
}

/// A person revokes their own devices; an administrator any. On a device that others sign in on too a person ends
/// their own sign-in only: whoever signs in on somebody's device must not be able to take it away from them.
async fn revoke_device(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, AccountError> {
    app.db
        .write(move |tx: &mut Tx<'_>| {
            let owner = device::get(tx.conn(), &id)?.map(|d| d.user_id);
            let may = actor.role == Role::Administrator || owner.as_deref() == Some(actor.user.as_str());
            let own = actor.role != Role::Administrator;
            if may && own && token::shared(tx.conn(), &id, actor.user.as_str(), tx.now_ms())? {
                accounts::leave_device(tx, &actor, &id)?;
                return Ok(StatusCode::NO_CONTENT);
            }
            // Somebody else's device is answered like one that is not there.
            if !may || !accounts::revoke_device(tx, &id, &actor.audit_agent())? {
                return Err(AccountError::Unknown);
            }
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

async fn users(State(app): State<App>) -> Result<Json<Value>, AccountError> {
    let rows = app
        .db
        .read(|read| -> Result<_, DbError> { user::all(read.conn()) })
        .await?;
    let list: Vec<Value> = rows
        .iter()
        .map(|u| {
            json!({
                "id": u.id, "username": u.username, "role": u.role.as_str(), "name": u.name, "fhir": u.fhir,
                "site": u.site, "district": u.district, "disabled": u.disabled,
            })
        })
        .collect();
    Ok(Json(json!({ "users": list })))
}

#[derive(Deserialize)]
struct UserForm {
    username: String,
    role: Role,
    name: String,
    #[serde(default)]
    fhir: Option<String>,
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    district: Option<String>,
    #[serde(default)]
    scopes: String,
}

async fn add_user(
    State(app): State<App>,
    actor: Actor,
    Json(form): Json<UserForm>,
) -> Result<Response, AccountError> {
    let base = app.settings.base_url.clone();
    let (id, link) = app
        .db
        .write(move |tx: &mut Tx<'_>| -> Result<(String, String), AccountError> {
            let new = NewAccount {
                username: form.username,
                role: form.role,
                name: form.name,
                fhir: form.fhir,
                site: form.site,
                district: form.district,
                scopes: form.scopes,
                password_hash: None,
            };
            let id = accounts::add(tx, new, &actor.audit_agent())?;
            let link = accounts::make_link(tx, &LinkPurpose::SetPassword { user: id.clone() })?;
            Ok((id, link))
        })
        .await?;
    let body = json!({"id": id, "link": format!("{base}/oauth/welcome?token={link}")});
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

async fn disable(app: State<App>, actor: Actor, name: Path<String>) -> Result<StatusCode, AccountError> {
    set_disabled(app, actor, name, true).await
}

async fn enable(app: State<App>, actor: Actor, name: Path<String>) -> Result<StatusCode, AccountError> {
    set_disabled(app, actor, name, false).await
}

async fn set_disabled(
    State(app): State<App>,
    actor: Actor,
    Path(username): Path<String>,
    disabled: bool,
) -> Result<StatusCode, AccountError> {
    app.db
        .write(move |tx: &mut Tx<'_>| accounts::set_disabled(tx, &username, disabled, &actor.audit_agent()))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reset_pin(
    State(app): State<App>,
    actor: Actor,
    Path(username): Path<String>,
) -> Result<Json<Value>, AccountError> {
    let base = app.settings.base_url.clone();
    let link = app
        .db
        .write(move |tx: &mut Tx<'_>| accounts::reset_pin(tx, &username, &actor.audit_agent()))
        .await?;
    Ok(Json(
        json!({"link": format!("{base}/oauth/welcome?token={link}")}),
    ))
}
