//! Who a signed-in person is to the service. One account has one role; system clients have their own.

use serde::{Deserialize, Serialize};

/// The role of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Delivers mail; reports injuries and is cared for.
    Carrier,
    /// Sees the queue, holds visits, advises on fitness for duty.
    Clinician,
    /// Watches alerts, call-backs and restrictions of a district.
    Nurse,
    /// Supervises a site; decides on duty; reads nothing clinical.
    Manager,
    /// Receives work status, limits and dates.
    Hr,
    /// Reads the audit.
    Compliance,
    /// Manages accounts and devices; reads no health data.
    Administrator,
    /// Another computer, with the scopes given to it.
    System,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: [Role; 8] = [
        Role::Carrier,
        Role::Clinician,
        Role::Nurse,
        Role::Manager,
        Role::Hr,
        Role::Compliance,
        Role::Administrator,
        Role::System,
    ];

    /// The word used in accounts, tokens and files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Carrier => "carrier",
            Role::Clinician => "clinician",
            Role::Nurse => "nurse",
            Role::Manager => "manager",
            Role::Hr => "hr",
            Role::Compliance => "compliance",
            Role::Administrator => "administrator",
            Role::System => "system",
        }
    }

    /// Reads the word of an account.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_from_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
