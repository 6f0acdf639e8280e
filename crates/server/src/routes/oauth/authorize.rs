//! `/oauth/authorize`: the page on which a person signs in, and the code that the client gets for it.

use super::page::{message, Field, FormPage, Language};
use super::Address;
use crate::app::App;
use crate::auth::oidc::{AuthorizeFault, AuthorizeRequest};
use crate::auth::signin::{self, SignInError};
use crate::auth::tokens;
use crate::db::sqlite::table::grant::{self, GrantRow};
use crate::db::sqlite::table::user::UserRow;
use crate::db::{DbError, Tx};
use crate::random;
use axum::extract::{Form, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hms_model::secret::Secret;
use serde::Deserialize;

/// How long a code may be exchanged.
const CODE_MS: i64 = 2 * 60 * 1000;

#[derive(Deserialize)]
pub(super) struct SignInForm {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(flatten)]
    request: AuthorizeRequest,
}

pub(super) async fn show(
    State(app): State<App>,
    Query(request): Query<AuthorizeRequest>,
    headers: HeaderMap,
) -> Response {
    let language = Language::wished(&request.ui_locales, &headers);
    if let Err(fault) = request.check(app.staff_redirect().as_deref()) {
        return refuse(language, &request, fault);
    }
    form(language, &request, "", None, StatusCode::OK)
}

pub(super) async fn submit(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    Form(form_data): Form<SignInForm>,
) -> Response {
    let request = form_data.request;
    let language = Language::wished(&request.ui_locales, &headers);
    if let Err(fault) = request.check(app.staff_redirect().as_deref()) {
        return refuse(language, &request, fault);
    }
    match signin::check(
        &app,
        &form_data.username,
        Secret::new(form_data.password),
        &address,
    )
    .await
    {
        Ok(account) => match give_code(&app, &request, account).await {
            // 303: the browser must not send the password on to the client.
            Ok(code) => redirect(&request.redirect_with(&[("code", &code), ("iss", &app.settings.base_url)])),
            Err(error) => internal(language, &error),
        },
        Err(SignInError::Db(error)) => internal(language, &error),
        Err(error) => {
            let text = explain(language, &error);
            form(
                language,
                &request,
                &form_data.username,
                Some(text),
                StatusCode::UNAUTHORIZED,
            )
        }
    }
}

/// What a person reads when a sign-in is refused.
pub(super) fn explain(language: Language, error: &SignInError) -> String {
    match error {
        SignInError::Wait { seconds } => {
            let text = language.pick(
                "Too many attempts. Try again in {s} seconds.",
                "Demasiados intentos. Vuelva a intentarlo en {s} segundos.",
            );
            text.replace("{s}", &seconds.to_string())
        }
        SignInError::Wrong | SignInError::Db(_) => language
            .pick(
                "The name or the password is not right. Check both and try again.",
                "El nombre o la contraseña no son correctos. Revise ambos e inténtelo de nuevo.",
            )
            .to_owned(),
    }
}

/// The page for a failure of the server.
pub(super) fn internal(language: Language, error: &DbError) -> Response {
    tracing::error!(%error, "Sign-in failed");
    message(
        language,
        StatusCode::INTERNAL_SERVER_ERROR,
        language.pick("Not possible right now", "No es posible en este momento"),
        language.pick(
            "The server failed. Try again in a minute.",
            "El servidor falló. Inténtelo de nuevo en un minuto.",
        ),
    )
}

fn form(
    language: Language,
    request: &AuthorizeRequest,
    username: &str,
    error: Option<String>,
    status: StatusCode,
) -> Response {
    FormPage {
        language,
        heading: language.pick("Sign in", "Iniciar sesión"),
        intro: language.pick(
            "Use the name and password of your HMS-ACH account.",
            "Use el nombre y la contraseña de su cuenta de HMS-ACH.",
        ),
        error,
        action: "/oauth/authorize",
        hidden: vec![
            ("response_type", request.response_type.as_str()),
            ("client_id", &request.client_id),
            ("redirect_uri", &request.redirect_uri),
            ("scope", &request.scope),
            ("state", &request.state),
            ("nonce", &request.nonce),
            ("code_challenge", &request.code_challenge),
            ("code_challenge_method", &request.code_challenge_method),
            ("ui_locales", &request.ui_locales),
        ],
        fields: vec![
            Field {
                name: "username",
                kind: "text",
                label: language.pick("Name", "Nombre de usuario"),
                autocomplete: "username",
                value: username,
            },
            Field {
                name: "password",
                kind: "password",
                label: language.pick("Password", "Contraseña"),
                autocomplete: "current-password",
                value: "",
            },
        ],
        button: language.pick("Sign in", "Iniciar sesión"),
        leads_to: Some(request.form_action_source()),
    }
    .respond(status)
}

async fn give_code(app: &App, request: &AuthorizeRequest, account: UserRow) -> Result<String, DbError> {
    let code = random::token("hms_ac_");
    let row = GrantRow {
        hash: tokens::hash(&code),
        kind: "code".to_owned(),
        user_code: None,
        user_id: Some(account.id),
        detail: serde_json::to_string(request).map_err(DbError::Body)?,
        expires_ms: app.clock.now_ms() + CODE_MS,
        polled_ms: None,
        used_ms: None,
        family: None,
    };
    app.db
        .write(move |tx: &mut Tx<'_>| grant::insert(tx.conn(), &row))
        .await?;
    Ok(code)
}

fn refuse(language: Language, request: &AuthorizeRequest, fault: AuthorizeFault) -> Response {
    match fault {
        AuthorizeFault::Redirect(error) => redirect(&request.redirect_with(&[("error", error)])),
        AuthorizeFault::Show(_) => message(
            language,
            StatusCode::BAD_REQUEST,
            language.pick("This link does not work", "Este enlace no funciona"),
            language.pick(
                "The program that sent you here asked for something that is not allowed. Open the app again and sign in from there.",
                "El programa que lo envió aquí pidió algo que no está permitido. Abra la aplicación de nuevo e inicie sesión desde allí.",
            ),
        ),
    }
}

fn redirect(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_owned())]).into_response()
}
