//! Typed ids. Every FHIR id here is made by the client that creates the resource (a UUID), so that
//! sending twice creates once.

use serde::{Deserialize, Serialize};

/// An id that is not a FHIR id: empty, over 64 characters, or with other characters than `A-Za-z0-9.-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct IdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// [`IdError`] where the text is not a FHIR id.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let fits = !text.is_empty()
                    && text.len() <= 64
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
                if fits { Ok(Self(text.to_owned())) } else { Err(IdError) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A person who is cared for: FHIR Patient.
    PatientId,
    /// A clinician, nurse or manager: FHIR Practitioner.
    PractitionerId,
    /// An injury report: FHIR QuestionnaireResponse.
    ReportId,
    /// An entry of the queue, a notice or a decision: FHIR Task.
    TaskId,
    /// A visit: FHIR Encounter.
    VisitId,
    /// A result of the symptom checker: FHIR RiskAssessment.
    TriageId,
    /// A photo or recording: FHIR DocumentReference; its bytes are the Binary of the same id.
    AttachmentId,
    /// A note or a signed advice: FHIR Composition.
    NoteId,
    /// A phone or desktop that has signed in.
    DeviceId,
    /// An account.
    UserId,
    /// A form that is being filled in on this device.
    DraftId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_a_slash_or_over_64_characters_is_refused() {
        assert!(PatientId::parse("a-1.B").is_ok());
        for bad in ["", "a/b", "a b", &"x".repeat(65)] {
            assert_eq!(PatientId::parse(bad), Err(IdError));
        }
    }
}
