//! The signed-in person or program behind a request.

use crate::audit::AuditAgent;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::StatusCode;
use hms_model::ids::{DeviceId, PatientId, PractitionerId, UserId};
use hms_model::role::Role;

/// Who makes a request. Put into the request by the guard of each route; handlers take it as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Account.
    pub user: UserId,
    /// Name to show.
    pub name: String,
    /// Role.
    pub role: Role,
    /// `Patient/…` or `Practitioner/…`.
    pub fhir: Option<String>,
    /// Id of the Organization that is the site of a carrier or manager.
    pub site: Option<String>,
    /// Id of the Organization that is the district of a nurse or clinician.
    pub district: Option<String>,
    /// Device that the token was given to.
    pub device: Option<DeviceId>,
    /// Scopes: `system/Observation.rs` and the like; they bind system accounts.
    pub scopes: Vec<String>,
    /// The sign-in that the token comes from; empty where that was at an external issuer.
    pub family: String,
}

impl Actor {
    /// Whether the sign-in is one at an external issuer: those have no tokens here, and so no device.
    #[must_use]
    pub fn from_external_issuer(&self) -> bool {
        self.family.is_empty()
    }

    /// The Patient that the person is.
    #[must_use]
    pub fn patient(&self) -> Option<PatientId> {
        PatientId::parse(self.fhir.as_deref()?.strip_prefix("Patient/")?).ok()
    }

    /// The Practitioner that the person is.
    #[must_use]
    pub fn practitioner(&self) -> Option<PractitionerId> {
        PractitionerId::parse(self.fhir.as_deref()?.strip_prefix("Practitioner/")?).ok()
    }

    /// How the audit names them.
    #[must_use]
    pub fn audit_agent(&self) -> AuditAgent {
        AuditAgent {
            reference: self.fhir.clone().unwrap_or_else(|| self.user.to_string()),
            name: self.name.clone(),
            role: Some(self.role),
            device: self.device.as_ref().map(ToString::to_string),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        // Absent only on a route that is marked public and asks for an actor all the same.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}
