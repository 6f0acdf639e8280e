//! Signing in at a FHIR service that is not ours: with a token that its operator gave, from a file of the profile.

use std::path::Path;

use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::view::{SignInState, SignInView};
use serde::Deserialize;

use crate::client::Client;
use crate::engine::{Engine, SignedIn};
use crate::error::ClientError;
use crate::oidc::Tokens;
use crate::session::Identity;

/// The file, in the profile's folder. It goes once its token is in the vault.
const FILE: &str = "account.json";

/// Who signs in, and by which token.
#[derive(Deserialize)]
struct AccountFile {
    role: Role,
    name: String,
    /// `Patient/…` or `Practitioner/…` at that server.
    fhir: String,
    token: String,
}

fn read(dir: &Path) -> Option<AccountFile> {
    let text = std::fs::read(dir.join(FILE)).ok()?;
    let parsed = serde_json::from_slice(&text);
    if parsed.is_err() {
        tracing::warn!("The account's file cannot be understood");
    }
    parsed.ok()
}

impl Client {
    /// The sign-in with a token from a file; `None` where the server is one of ours, which asks the person.
    pub(super) async fn sign_in_by_file(&self) -> Result<Option<SignInView>, ClientError> {
        if !crate::sync::is_service(&self.shared.http) {
            return Ok(None);
        }
        let dir = self.shared.config.dir.clone();
        let file = tokio::task::spawn_blocking(move || read(&dir))
            .await
            .map_err(ClientError::internal)?;
        let view = self
            .ask(async move |engine: &mut Engine| {
                let end = file.map(signed_in).ok_or(SignInState::Refused);
                engine.sign_in_ended(end).await;
                Ok(engine.sign_in.view())
            })
            .await?;
        Ok(Some(view))
    }
}

fn signed_in(file: AccountFile) -> SignedIn {
    SignedIn {
        tokens: Tokens {
            access: Secret::new(file.token),
            refresh: None,
            // Its end is the server's to say.
            expires: Timestamp(i64::MAX),
        },
        identity: Identity {
            user: file.fhir.clone(),
            role: file.role,
            name: file.name,
            fhir: file.fhir,
            site: None,
        },
        server_key: String::new(),
        recovered: None,
        // A server that is not ours has no such rule.
        offline_days: None,
    }
}

impl Engine {
    /// The token is in the vault: the file that brought it goes.
    pub(crate) fn forget_account_file(&self) {
        let file = self.shared.config.dir.join(FILE);
        if file.exists() {
            if let Err(error) = std::fs::remove_file(&file) {
                tracing::warn!(%error, "The account's file could not be removed: it holds a token");
            }
        }
    }
}
