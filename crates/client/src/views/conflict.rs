//! Two versions of a record, as a person is shown them.

use hms_core::outbox::kind_of;
use hms_model::map::{note, report as words};
use hms_model::report::{InjuryReport, Reporter};
use hms_model::view::{ConflictView, SaidView, VersionView};
use hms_store::ConflictRow;
use serde_json::Value;

use super::{moment, text};

/// A conflict with both versions.
pub(crate) fn view(row: &ConflictRow) -> ConflictView {
    let either = row.local.as_ref().or(row.remote.as_ref());
    ConflictView {
        id: row.id.clone(),
        kind: either.map_or("change", kind_of).to_owned(),
        found_at: row.found_at.as_f64(),
        elements: row.elements.clone(),
        mine: row.local.as_ref().map(version),
        theirs: row.remote.as_ref().map(|remote| VersionView {
            // When the server took it, which the clock of whoever wrote it cannot bend.
            changed_at: at(remote, &[&["meta", "lastUpdated"]]).or_else(|| written(remote)),
            ..version(remote)
        }),
    }
}

fn version(resource: &Value) -> VersionView {
    let addition = || words::addition_of(resource).and_then(|(_, _, text)| text);
    VersionView {
        changed_at: written(resource),
        status: text(resource, &["status"]).map(str::to_owned),
        starts_at: at(resource, &[&["start"], &["period", "start"]]),
        words: note::from_fhir(resource).map(|note| note.text).or_else(addition),
        said: words::from_fhir(resource).ok().map(said),
    }
}

/// When it was written, by whoever wrote it.
fn written(resource: &Value) -> Option<f64> {
    at(
        resource,
        &[&["authored"], &["date"], &["lastModified"], &["authoredOn"]],
    )
}

fn at(resource: &Value, paths: &[&[&str]]) -> Option<f64> {
    let found = paths.iter().find_map(|path| moment(resource, path));
    found.map(|at| at.as_f64())
}

fn said(report: InjuryReport) -> SaidView {
    SaidView {
        colleague: match report.reporter {
            Reporter::Myself => None,
            Reporter::Colleague { hurt_name } => Some(hurt_name),
        },
        safe: report.safe,
        what: report.what,
        places: report.places,
        happened_at: report.happened.at.as_f64(),
        position: report.position,
        place_text: report.place_text,
        witness: report.witness,
        note: report.note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_model::time::Timestamp;
    use serde_json::json;

    fn row(local: Option<Value>, remote: Option<Value>) -> ConflictRow {
        ConflictRow {
            id: "Appointment/a".into(),
            found_at: Timestamp(7),
            elements: vec!["start".into()],
            base: None,
            local,
            remote,
            remote_version: None,
        }
    }

    #[test]
    fn each_version_says_when_it_was_written_and_when_it_begins() {
        let mine =
            json!({ "resourceType": "Appointment", "status": "booked", "start": "2026-11-23T15:00:00Z" });
        let theirs = json!({ "resourceType": "Appointment", "status": "cancelled", "meta": { "lastUpdated": "2026-11-22T10:00:00Z" } });

        let view = view(&row(Some(mine), Some(theirs)));

        assert_eq!(view.kind, "appointment");
        let (mine, theirs) = (view.mine.expect("here"), view.theirs.expect("there"));
        assert_eq!(
            mine.starts_at,
            Timestamp::parse("2026-11-23T15:00:00Z").map(Timestamp::as_f64)
        );
        assert_eq!(mine.changed_at, None);
        assert_eq!(theirs.status.as_deref(), Some("cancelled"));
        assert_eq!(
            theirs.changed_at,
            Timestamp::parse("2026-11-22T10:00:00Z").map(Timestamp::as_f64)
        );
    }

    #[test]
    fn what_was_deleted_has_no_version() {
        let view = view(&row(None, Some(json!({ "resourceType": "Task" }))));
        assert_eq!((view.kind.as_str(), view.mine), ("task", None));
        assert_eq!(view.theirs, Some(VersionView::default()));
    }
}
