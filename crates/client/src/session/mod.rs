//! Who is signed in, and the tokens that say so.

mod keeper;

pub(crate) use keeper::{half_from_text, half_to_text, TokenKeeper};

use hms_model::role::Role;
use hms_model::wire::session::WireSession;
use serde::{Deserialize, Serialize};

/// The account of this profile, kept in the encrypted store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Account id.
    pub(crate) user: String,
    /// Role.
    pub(crate) role: Role,
    /// Name to show.
    pub(crate) name: String,
    /// `Patient/…` or `Practitioner/…`.
    pub(crate) fhir: String,
    /// Name of the site or clinic.
    pub(crate) site: Option<String>,
}

impl Identity {
    /// Who the server says we are.
    pub(crate) fn of(wire: &WireSession) -> Self {
        Self {
            user: wire.user.clone(),
            role: wire.role,
            name: wire.name.clone(),
            fhir: wire.fhir.clone(),
            site: wire.site.clone(),
        }
    }

    /// The Patient of a carrier.
    pub(crate) fn patient(&self) -> Option<&str> {
        self.fhir.strip_prefix("Patient/")
    }

    /// The Practitioner of staff; empty for others.
    pub(crate) fn practitioner(&self) -> &str {
        self.fhir.strip_prefix("Practitioner/").unwrap_or_default()
    }

    /// The scope asked for in a sync; the server narrows it.
    pub(crate) fn scope(&self) -> &'static str {
        match self.role {
            Role::Clinician => "queue",
            Role::Nurse => "district",
            Role::Manager => "site",
            Role::Carrier | Role::Hr | Role::Compliance | Role::Administrator | Role::System => "mine",
        }
    }
}
