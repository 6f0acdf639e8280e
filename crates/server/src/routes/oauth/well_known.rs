//! OpenID Connect discovery and the public keys.

use crate::app::App;
use axum::extract::State;
use axum::Json;
use serde_json::{json, Value};

pub(super) async fn configuration(State(app): State<App>) -> Json<Value> {
    let base = &app.settings.base_url;
    let pages = app.settings.sign_in_base();
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{pages}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "device_authorization_endpoint": format!("{base}/oauth/device_authorization"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "userinfo_endpoint": format!("{base}/oauth/userinfo"),
        "jwks_uri": format!("{base}/oauth/jwks.json"),
        "scopes_supported": ["openid", "profile", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["sub", "name", "role", "fhirUser"],
        "ui_locales_supported": ["en", "es"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

pub(super) async fn jwks(State(app): State<App>) -> Json<Value> {
    Json(app.keys.jwks())
}
