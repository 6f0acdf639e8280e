//! Own reports with everything that belongs to them.

use hms_model::map::{self, report as words, triage};
use hms_model::report::{InjuryReport, ReportDraft, Reporter};
use hms_model::time::Timestamp;
use hms_model::view::{AdditionView, AttachmentView, CheckView, DraftView, ReportView};
use serde_json::Value;

use super::{moment, reference_id, text, Progress, Records};

/// Types that these views are computed from.
pub const KINDS: &[&str] = &[
    "QuestionnaireResponse",
    "RiskAssessment",
    "DocumentReference",
    "AuditEvent",
];

/// All reports, newest first.
#[must_use]
pub fn reports(records: &Records, sending: &dyn Progress) -> Vec<ReportView> {
    let mut all: Vec<ReportView> = records
        .all("QuestionnaireResponse")
        .filter(|resource| words::is_report(resource))
        .filter_map(|resource| report(resource, records, sending))
        .collect();
    all.sort_by(|a, b| b.authored_at.total_cmp(&a.authored_at));
    all
}

/// One report; `None` where the resource is no report.
#[must_use]
pub fn report(resource: &Value, records: &Records, sending: &dyn Progress) -> Option<ReportView> {
    let report = words::from_fhir(resource).ok()?;
    let id = format!("QuestionnaireResponse/{}", report.id);
    let readers = sending.readers(&id);
    let send = sending.state(&id, Some(resource), &readers);
    let mut view = plain(&report, send);
    view.attachments = attachments(&report.id.to_string(), records, sending);
    view.additions = additions(report.id.as_str(), records, sending);
    view.checks = checks(report.id.as_str(), records);
    view.readers = readers;
    Some(view)
}

/// A report alone: what a locked phone can show of what was just entered.
#[must_use]
pub fn plain(report: &InjuryReport, send: hms_model::view::SendState) -> ReportView {
    ReportView {
        id: report.id.to_string(),
        colleague: match &report.reporter {
            Reporter::Myself => None,
            Reporter::Colleague { hurt_name } => Some(hurt_name.clone()),
        },
        safe: report.safe,
        what: report.what,
        places: report.places.clone(),
        happened_at: report.happened.at.as_f64(),
        authored_at: report.authored.at.as_f64(),
        true_time: report.true_time.map(Timestamp::as_f64),
        position: report.position,
        place_text: report.place_text.clone(),
        witness: report.witness.clone(),
        note: report.note.clone(),
        attachments: Vec::new(),
        send,
        additions: Vec::new(),
        checks: Vec::new(),
        readers: Vec::new(),
    }
}

/// What was added after sending, oldest first.
pub(crate) fn additions(report: &str, records: &Records, sending: &dyn Progress) -> Vec<AdditionView> {
    let mut found: Vec<AdditionView> = records
        .all("QuestionnaireResponse")
        .filter(|resource| words::is_addition(resource))
        .filter_map(|resource| {
            let (to, kind, words) = words::addition_of(resource)?;
            (to.as_str() == report).then(|| AdditionView {
                kind: kind.code().to_owned(),
                text: words,
                at: moment(resource, &["authored"]).unwrap_or_default().as_f64(),
                send: sending.state(&id_of(resource), Some(resource), &[]),
            })
        })
        .collect();
    found.sort_by(|a, b| a.at.total_cmp(&b.at));
    found
}

/// Symptom checks of a report, newest first.
pub(crate) fn checks(report: &str, records: &Records) -> Vec<CheckView> {
    let mut found: Vec<CheckView> = records
        .all("RiskAssessment")
        .filter(|assessment| is_of_report(assessment, report))
        .filter_map(check)
        .collect();
    found.sort_by(newest_first);
    found
}

/// Results by their time; those of one second, as of one check, by their number.
pub(crate) fn newest_first(a: &CheckView, b: &CheckView) -> std::cmp::Ordering {
    let number = |check: &CheckView| -> u32 {
        // The first result of a check has its id, a UUID; later ones a number behind it.
        let behind = check.id.get(36..).and_then(|rest| rest.strip_prefix('-'));
        behind.and_then(|number| number.parse().ok()).unwrap_or(1)
    };
    b.at.total_cmp(&a.at).then_with(|| number(b).cmp(&number(a)))
}

/// Whether a symptom check belongs to a report.
pub(crate) fn is_of_report(assessment: &Value, report: &str) -> bool {
    let basis = assessment
        .get("basis")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    basis
        .into_iter()
        .any(|b| reference_id(b, "QuestionnaireResponse") == Some(report))
}

/// One symptom check.
pub(crate) fn check(assessment: &Value) -> Option<CheckView> {
    Some(CheckView {
        id: text(assessment, &["id"])?.to_owned(),
        urgency: triage::urgency(assessment)?.to_owned(),
        reasons: triage::reasons(assessment),
        advice: text(assessment, &["mitigation"])
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect(),
        at: moment(assessment, &["occurrenceDateTime"])
            .unwrap_or_default()
            .as_f64(),
    })
}

fn attachments(report: &str, records: &Records, sending: &dyn Progress) -> Vec<AttachmentView> {
    documents(report, records)
        .filter_map(|document| {
            let attachment = document.get("content")?.get(0)?.get("attachment")?;
            Some(AttachmentView {
                id: text(document, &["id"])?.to_owned(),
                content_type: text(attachment, &["contentType"])?.to_owned(),
                size: attachment
                    .get("size")
                    .and_then(Value::as_u64)
                    .and_then(|n| u32::try_from(n).ok())?,
                send: sending.state(&id_of(document), Some(document), &[]),
            })
        })
        .collect()
}

/// Photos and recordings of a report.
pub(crate) fn documents<'a>(report: &'a str, records: &'a Records) -> impl Iterator<Item = &'a Value> {
    records.all("DocumentReference").filter(move |document| {
        let related = document
            .get("context")
            .and_then(|c| c.get("related"))
            .and_then(Value::as_array);
        related
            .into_iter()
            .flatten()
            .any(|r| reference_id(r, "QuestionnaireResponse") == Some(report))
    })
}

fn id_of(resource: &Value) -> String {
    let part = |key| map::text_at(resource, &[key]).unwrap_or_default();
    format!("{}/{}", part("resourceType"), part("id"))
}

/// The open form.
#[must_use]
pub fn draft(
    draft: &ReportDraft,
    attachments: Vec<AttachmentView>,
    saved_at: Timestamp,
    sealed_only: bool,
) -> DraftView {
    DraftView {
        id: draft.id.to_string(),
        colleague: draft.colleague.clone(),
        safe: draft.safe,
        what: draft.what,
        places: draft.places.clone(),
        happened_at: draft.happened.at.as_f64(),
        offset_minutes: draft.happened.offset_minutes,
        position: draft.position,
        place_text: draft.place_text.clone(),
        witness: draft.witness.clone(),
        note: draft.note.clone(),
        attachments,
        missing: draft.missing(),
        saved_at: saved_at.as_f64(),
        sealed_only,
    }
}
