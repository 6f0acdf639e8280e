//! Addresses of the code systems, questionnaires and extensions of HMS-ACH.

use crate::CANONICAL;

/// A code system of ours: `body-part`, `what-happened`, `task`, `work-status`, `limit`, `urgency`, `note`, …
#[must_use]
pub fn codes(name: &str) -> String {
    format!("{CANONICAL}/CodeSystem/{name}")
}

/// An extension of ours.
#[must_use]
pub fn extension(name: &str) -> String {
    format!("{CANONICAL}/StructureDefinition/{name}")
}

/// The injury report's questionnaire with its version.
#[must_use]
pub fn injury_report() -> String {
    format!("{CANONICAL}/Questionnaire/injury-report|1")
}

/// The questionnaire of what a carrier adds after sending.
#[must_use]
pub fn report_addition() -> String {
    format!("{CANONICAL}/Questionnaire/report-addition|1")
}

/// The symptom checker's answers; the pack's hash is its version.
#[must_use]
pub fn symptom_check(pack: &str) -> String {
    format!("{CANONICAL}/Questionnaire/symptom-check|{pack}")
}

/// System of receipt numbers ("HMS-4821").
#[must_use]
pub fn receipt() -> String {
    format!("{CANONICAL}/NamingSystem/receipt")
}
