//! Summaries after visits, as the carrier reads them offline; imaging sites and orders.

use hms_model::duty::DutyAdvice;
use hms_model::map::task::{self, TaskKind};
use hms_model::map::{code_in, duty, note, report as words, system};
use hms_model::report::Position;
use hms_model::time::Timestamp;
use hms_model::view::{AppointmentView, DutyView, ImagingView, SiteView, SummaryView};
use serde_json::Value;

use super::chart::Pieces;
use super::people::{address, display, name_of, phone};
use super::{moment, reference_id, text, Records};

/// Types that summaries are computed from.
pub const KINDS: &[&str] = &[
    "Encounter",
    "Composition",
    "Task",
    "Appointment",
    "ServiceRequest",
    "QuestionnaireResponse",
    "Practitioner",
    "Location",
];

/// One summary for each visit that ended or has something signed, newest first.
#[must_use]
pub fn summaries(records: &Records) -> Vec<SummaryView> {
    let visits = records.all("Encounter").filter_map(|e| summary(e, records));
    let calls = records
        .all("Task")
        .filter_map(|task| without_visit(task, records));
    let mut found: Vec<(f64, SummaryView)> = visits
        .map(|view| (view.visit_at.unwrap_or_default(), view))
        .chain(calls)
        .collect();
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, view)| view).collect()
}

/// What was signed on an entry that no visit answers: the person was told by telephone. With its moment.
fn without_visit(entry: &Value, records: &Records) -> Option<(f64, SummaryView)> {
    let task_id = text(entry, &["id"])?;
    let pieces = Pieces::of(task_id, records)?;
    if pieces.encounter.is_some() || task::kind(entry) == Some(TaskKind::DutyDecision) {
        return None;
    }
    let note = pieces.note().filter(|note| note.signed.is_some());
    let advice = pieces.advice().filter(|advice| advice.signed.is_some());
    let author = note
        .as_ref()
        .map(|n| &n.author)
        .or(advice.as_ref().map(|a| &a.author))?;
    let at = note
        .as_ref()
        .and_then(|n| n.signed)
        .or(advice.as_ref().and_then(|a| a.signed))?;
    let report = task::report(entry).and_then(|id| records.get("QuestionnaireResponse", id.as_str()));
    let from = report.and_then(|r| words::from_fhir(r).ok()?.position);
    let words_of = |note: &note::Note| {
        let added = super::chart::note_view(note, records)
            .addenda
            .into_iter()
            .map(|addendum| addendum.text);
        std::iter::once(note.text.clone())
            .chain(added)
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    let view = SummaryView {
        report_number: report.and_then(words::receipt_number).map(str::to_owned),
        visit_at: None,
        clinician: records
            .get("Practitioner", author)
            .map(name_of)
            .filter(|name| !name.is_empty()),
        note: note.as_ref().map(words_of),
        advice: advice.as_ref().map(|a| duty_view(&a.advice)),
        decision: advice.as_ref().and_then(|a| decision(records, a)),
        follow_up: pieces
            .patient
            .and_then(|p| follow_up(records, p, moment(entry, &["authoredOn"]))),
        imaging: pieces
            .orders()
            .find_map(|order| imaging(order, records, from.as_ref())),
    };
    Some((at.as_f64(), view))
}

fn summary(encounter: &Value, records: &Records) -> Option<SummaryView> {
    let id = text(encounter, &["id"])?;
    let of_visit = |c: &&Value| c.get("encounter").and_then(|e| reference_id(e, "Encounter")) == Some(id);
    let signed = || records.all("Composition").filter(of_visit);
    let advice = signed()
        .filter_map(duty::from_fhir)
        .filter(|a| a.signed.is_some())
        .max_by_key(|a| a.at);
    let notes = signed_notes(records, of_visit);
    if text(encounter, &["status"]) != Some("finished") && advice.is_none() && notes.is_none() {
        return None;
    }
    let report = encounter
        .get("extension")
        .and_then(|_| hms_model::map::extension(encounter, "answers-task"))
        .and_then(|e| reference_id(e.get("valueReference")?, "Task"))
        .and_then(|task| task::report(records.get("Task", task)?))
        .and_then(|report| records.get("QuestionnaireResponse", report.as_str()));
    let clinician = encounter
        .get("participant")
        .and_then(|p| p.get(0)?.get("individual"));
    let patient = encounter.get("subject").and_then(|s| reference_id(s, "Patient"));
    let from = report.and_then(|r| words::from_fhir(r).ok()?.position);
    let started = moment(encounter, &["period", "start"]);
    Some(SummaryView {
        report_number: report.and_then(words::receipt_number).map(str::to_owned),
        visit_at: started.map(Timestamp::as_f64),
        clinician: clinician.and_then(|c| display(c, "Practitioner", records)),
        note: notes,
        advice: advice.as_ref().map(|a| duty_view(&a.advice)),
        decision: advice.as_ref().and_then(|a| decision(records, a)),
        follow_up: patient.and_then(|p| follow_up(records, p, started)),
        imaging: records
            .all("ServiceRequest")
            .filter(of_visit)
            .find_map(|o| imaging(o, records, from.as_ref())),
    })
}

/// The signed note of a visit with its addenda below.
fn signed_notes(records: &Records, of_visit: impl Fn(&&Value) -> bool) -> Option<String> {
    let mut notes: Vec<note::Note> = records
        .all("Composition")
        .filter(of_visit)
        .filter_map(note::from_fhir)
        .filter(|n| n.signed.is_some())
        .collect();
    notes.sort_by_key(|n| (n.adds_to.is_some(), n.at));
    let texts: Vec<String> = notes.into_iter().map(|n| n.text).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// The manager's decision on an advice: the one on the same recommendation, made after it was signed.
pub(crate) fn decision(records: &Records, advice: &duty::SignedAdvice) -> Option<DutyView> {
    records
        .about("Task", advice.patient.as_str())
        .filter(|t| task::kind(t) == Some(TaskKind::DutyDecision))
        .filter(|t| task::advice_in(t, "input").as_ref() == Some(&advice.advice))
        .filter(|t| moment(t, &["authoredOn"]) >= advice.signed.map(|s| s.plus_ms(-1000)))
        .find_map(|t| task::advice_in(t, "output").as_ref().map(duty_view))
}

/// The next appointment booked after a moment.
pub(crate) fn follow_up(
    records: &Records,
    patient: &str,
    after: Option<Timestamp>,
) -> Option<AppointmentView> {
    let of_patient = |a: &&Value| {
        let all = a
            .get("participant")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        all.into_iter()
            .filter_map(|p| p.get("actor"))
            .any(|p| reference_id(p, "Patient") == Some(patient))
    };
    records
        .all("Appointment")
        .filter(of_patient)
        .filter(|a| text(a, &["status"]) == Some("booked"))
        .filter(|a| moment(a, &["start"]) >= after)
        .min_by_key(|a| moment(a, &["start"]))
        .and_then(|a| appointment(a, records))
}

fn appointment(booked: &Value, records: &Records) -> Option<AppointmentView> {
    let (start, end) = (moment(booked, &["start"])?, moment(booked, &["end"])?);
    let participants = booked
        .get("participant")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let with = participants
        .filter_map(|p| p.get("actor"))
        .filter(|a| reference_id(a, "Practitioner").is_some())
        .find_map(|a| display(a, "Practitioner", records));
    let service = booked
        .get("serviceType")
        .and_then(|s| code_in(s.get(0)?, &system::codes("service")));
    Some(AppointmentView {
        start: start.as_f64(),
        minutes: u32::try_from(end.since_ms(start) / 60_000).unwrap_or_default(),
        by_video: service == Some("follow-up-video"),
        with: with.unwrap_or_default(),
    })
}

/// An imaging order.
pub(crate) fn imaging(order: &Value, records: &Records, from: Option<&Position>) -> Option<ImagingView> {
    let place = order.get("locationReference")?.get(0)?;
    let site = reference_id(place, "Location").and_then(|id| records.get("Location", id));
    Some(ImagingView {
        site: display(place, "Location", records).unwrap_or_default(),
        address: site.and_then(address),
        phone: site.and_then(phone),
        distance_km: site
            .and_then(position)
            .zip(from)
            .map(|(site, from)| rounded(site.distance_km(from))),
        at: moment(order, &["authoredOn"])?.as_f64(),
    })
}

/// Imaging sites, nearest first; those without a position last, by name.
#[must_use]
pub fn sites(records: &Records, from: Option<&Position>) -> Vec<SiteView> {
    let mut found: Vec<SiteView> = records
        .all("Location")
        .filter(|location| is_imaging(location))
        .filter_map(|location| {
            Some(SiteView {
                id: text(location, &["id"])?.to_owned(),
                name: name_of(location),
                address: address(location),
                phone: phone(location),
                distance_km: position(location)
                    .zip(from)
                    .map(|(at, from)| rounded(at.distance_km(from))),
            })
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |s: &SiteView| s.distance_km.unwrap_or(f64::INFINITY);
        key(a).total_cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    found
}

fn is_imaging(location: &Value) -> bool {
    let types = location
        .get("type")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let codings = types.filter_map(|t| t.get("coding")?.as_array()).flatten();
    codings
        .into_iter()
        .any(|c| matches!(text(c, &["code"]), Some("imaging" | "RADDX" | "RAD")))
}

fn position(location: &Value) -> Option<Position> {
    let number = |key| location.get("position")?.get(key)?.as_f64();
    Some(Position {
        latitude: number("latitude")?,
        longitude: number("longitude")?,
        accuracy_m: None,
    })
}

fn rounded(km: f64) -> f64 {
    (km * 10.0).round() / 10.0
}

/// An advice as shown.
#[must_use]
pub fn duty_view(advice: &DutyAdvice) -> DutyView {
    DutyView {
        status: advice.status,
        limits: advice.limits.clone(),
        from: advice.from.to_string(),
        until: advice.until.map(|day| day.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn site(id: &str, latitude: Option<f64>) -> Value {
        let mut site = json!({
            "resourceType": "Location", "id": id, "name": id,
            "type": [{ "coding": [{ "system": system::codes("location"), "code": "imaging" }] }],
        });
        if let Some(latitude) = latitude {
            site["position"] = json!({ "latitude": latitude, "longitude": -93.0 });
        }
        site
    }

    #[test]
    fn the_nearest_site_comes_first_and_one_without_a_position_last() {
        let records = Records::of(vec![
            site("far", Some(46.0)),
            site("nowhere", None),
            site("near", Some(44.1)),
            json!({ "resourceType": "Location", "id": "depot", "name": "depot" }),
        ]);
        let here = Position {
            latitude: 44.0,
            longitude: -93.0,
            accuracy_m: None,
        };

        let found = sites(&records, Some(&here));

        let order: Vec<&str> = found.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(order, ["near", "far", "nowhere"]);
        assert_eq!(found[0].distance_km, Some(11.1));
    }
}
