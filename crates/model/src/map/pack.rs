//! A pack of the symptom checker on its way to the devices: a Questionnaire that carries the pack's bytes and what
//! clinicians signed. `Questionnaire.version` is the hash that each answer's `questionnaire` names.

use super::{system, text_at};
use serde_json::{json, Value};

const FILE: &str = "triage-pack-file";
const SIGNATURES: &str = "triage-pack-signatures";
const RECALL: &str = "triage-pack-recall";

/// A pack, a recall of one, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackRelease {
    /// SHA-256 of the pack, lower-case hex.
    pub hash: String,
    /// The pack, compressed with zstd, in base64; `None` where it is only recalled.
    pub file: Option<String>,
    /// Signatures, as JSON.
    pub signatures: Option<String>,
    /// The signed recall, as JSON.
    pub recall: Option<String>,
}

/// The resource of a release. A recall is a resource of its own, one for each who signed it: neither the pack put there
/// again nor somebody else's recall takes its place.
#[must_use]
pub fn to_fhir(release: &PackRelease) -> Value {
    let mut extensions = Vec::new();
    if let Some(file) = &release.file {
        extensions.push(json!({ "url": system::extension(FILE), "valueBase64Binary": file }));
    }
    for (name, text) in [(SIGNATURES, &release.signatures), (RECALL, &release.recall)] {
        if let Some(text) = text {
            extensions.push(json!({ "url": system::extension(name), "valueString": text }));
        }
    }
    let url = system::symptom_check(&release.hash);
    json!({
        "resourceType": "Questionnaire",
        "id": release.recall.as_deref().map_or_else(|| id(&release.hash), |recall| recall_id(&release.hash, recall)),
        "extension": extensions,
        "url": url.split('|').next().unwrap_or_default(),
        "version": release.hash,
        "title": "Symptom check",
        "status": if release.recall.is_some() { "retired" } else { "active" },
    })
}

/// The release in a resource; `None` where it is none.
#[must_use]
pub fn from_fhir(resource: &Value) -> Option<PackRelease> {
    if !is_release(resource) {
        return None;
    }
    let text = |name: &str, element: &str| {
        let found = super::extension(resource, name)?.get(element)?.as_str()?;
        Some(found.to_owned())
    };
    Some(PackRelease {
        hash: text_at(resource, &["version"])?.to_owned(),
        file: text(FILE, "valueBase64Binary"),
        signatures: text(SIGNATURES, "valueString"),
        recall: text(RECALL, "valueString"),
    })
}

/// Whether a resource carries a pack or a recall.
#[must_use]
pub fn is_release(resource: &Value) -> bool {
    text_at(resource, &["resourceType"]) == Some("Questionnaire")
        && [FILE, RECALL]
            .into_iter()
            .any(|name| super::extension(resource, name).is_some())
}

/// The id of a pack's resource. An id has room for half of the hash.
#[must_use]
pub fn id(hash: &str) -> String {
    format!("pack-{}", hash.get(..32).unwrap_or(hash))
}

fn recall_id(hash: &str, recall: &str) -> String {
    let signed: Value = serde_json::from_str(recall).unwrap_or_default();
    let key = text_at(&signed, &["key"]).unwrap_or("unsigned");
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    format!("recall-{}-{plain}", hash.get(..32).unwrap_or(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_reads_back_and_is_fhir() {
        let release = PackRelease {
            hash: "ab".repeat(32),
            file: Some("AAAA".into()),
            signatures: Some("[]".into()),
            recall: None,
        };
        let resource = to_fhir(&release);
        assert_eq!(from_fhir(&resource), Some(release.clone()));
        assert_eq!(hms_fhir::validate(&resource), Ok(()));

        let recalled = PackRelease {
            recall: Some(r#"{"key":"0123456789abcdef0123"}"#.into()),
            ..release
        };
        let resource = to_fhir(&recalled);
        assert_eq!(text_at(&resource, &["status"]), Some("retired"));
        let id = "recall-abababababababababababababababab-0123456789abcdef";
        assert_eq!(text_at(&resource, &["id"]), Some(id));
        assert_eq!(hms_fhir::validate(&resource), Ok(()));
        assert_eq!(from_fhir(&resource), Some(recalled));
        assert_eq!(
            from_fhir(&json!({ "resourceType": "Questionnaire", "version": "1" })),
            None
        );
    }
}
