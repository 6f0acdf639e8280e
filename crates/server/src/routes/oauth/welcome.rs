//! One-time links: the first administrator, and a new password after `user reset-pin`.

use super::authorize::internal;
use super::page::{message, Field, FormPage, Language};
use crate::app::App;
use crate::auth::accounts::{self, AccountError, LinkPurpose};
use crate::auth::password::MIN_CHARS;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hms_model::secret::Secret;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct LinkQuery {
    #[serde(default)]
    token: String,
    #[serde(default)]
    ui_locales: String,
}

pub(super) async fn show(
    State(app): State<App>,
    Query(query): Query<LinkQuery>,
    headers: HeaderMap,
) -> Response {
    let language = Language::wished(&query.ui_locales, &headers);
    let (token, now) = (query.token.clone(), app.clock.now_ms());
    match app
        .db
        .read(move |read| accounts::link(read.conn(), &token, now))
        .await
    {
        Ok(Some(purpose)) => form(language, &query.token, &purpose, "", None, StatusCode::OK),
        Ok(None) => used_up(language),
        Err(error) => internal(language, &error),
    }
}

#[derive(Deserialize)]
pub(super) struct WelcomeForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    ui_locales: String,
}

pub(super) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    Form(data): Form<WelcomeForm>,
) -> Response {
    let language = Language::wished(&data.ui_locales, &headers);
    let (token, now) = (data.token.clone(), app.clock.now_ms());
    let purpose = match app
        .db
        .read(move |read| accounts::link(read.conn(), &token, now))
        .await
    {
        Ok(Some(purpose)) => purpose,
        Ok(None) => return used_up(language),
        Err(error) => return internal(language, &error),
    };
    match accounts::use_link(&app, &data.token, &data.username, Secret::new(data.password)).await {
        Ok(()) => message(
            language,
            StatusCode::OK,
            language.pick("Done", "Listo"),
            language.pick(
                "Your password is set. Sign in with it from now on. This link no longer works.",
                "Su contraseña está lista. Úsela desde ahora para iniciar sesión. Este enlace ya no funciona.",
            ),
        ),
        Err(AccountError::LinkUsed) => used_up(language),
        Err(AccountError::Db(error)) => internal(language, &error),
        Err(AccountError::Password(_)) => {
            let text = language
                .pick("Choose a password of at least {n} characters.", "Elija una contraseña de al menos {n} caracteres.")
                .replace("{n}", &MIN_CHARS.to_string());
            form(language, &data.token, &purpose, &data.username, Some(text), StatusCode::BAD_REQUEST)
        }
        Err(AccountError::NameTaken | AccountError::BadName | AccountError::Unknown) => {
            let text = language.pick(
                "Choose another name: letters, digits, dots and dashes.",
                "Elija otro nombre: letras, números, puntos y guiones.",
            );
            form(language, &data.token, &purpose, "", Some(text.to_owned()), StatusCode::BAD_REQUEST)
        }
    }
}

fn form(
    language: Language,
    token: &str,
    purpose: &LinkPurpose,
    username: &str,
    error: Option<String>,
    status: StatusCode,
) -> Response {
    let name = Field {
        name: "username",
        kind: "text",
        label: language.pick("Name", "Nombre de usuario"),
        autocomplete: "username",
        value: username,
    };
    let password = Field {
        name: "password",
        kind: "password",
        label: language.pick("New password", "Contraseña nueva"),
        autocomplete: "new-password",
        value: "",
    };
    let first = *purpose == LinkPurpose::FirstAdministrator;
    FormPage {
        language,
        heading: if first {
            language.pick("The first administrator", "El primer administrador")
        } else {
            language.pick("Choose a new password", "Elija una contraseña nueva")
        },
        intro: language.pick(
            "At least 10 characters. A sentence is easier to remember than a word with signs.",
            "Al menos 10 caracteres. Una frase se recuerda mejor que una palabra con signos.",
        ),
        error,
        action: "/oauth/welcome",
        hidden: vec![("token", token), ("ui_locales", language.pick("en", "es"))],
        fields: if first {
            vec![name, password]
        } else {
            vec![password]
        },
        button: language.pick("Save", "Guardar"),
        leads_to: None,
    }
    .respond(status)
}

fn used_up(language: Language) -> Response {
    message(
        language,
        StatusCode::GONE,
        language.pick("This link no longer works", "Este enlace ya no funciona"),
        language.pick(
            "It was used already, or it is too old. Ask your administrator for a new one.",
            "Ya se usó o venció. Pida uno nuevo a su administrador.",
        ),
    )
}
