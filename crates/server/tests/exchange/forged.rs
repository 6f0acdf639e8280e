//! What a person with a good sign-in must not be able to write: somebody else's words, name, decision or record.

use crate::story::{advice, decision};
use crate::world::{bite, claimed, review, text, Device, World};
use axum::http::StatusCode;
use hms_model::ids::{NoteId, PatientId, ReportId, TriageId};
use hms_model::map::note::{self, Note};
use hms_model::map::report::{addition_to_fhir, AdditionKind};
use hms_model::map::task::{self, Priority};
use hms_model::map::triage::{self, TriageResult};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

fn check(id: &str, patient: &str, report: &str, urgency: &str) -> [Value; 2] {
    triage::to_fhir(&TriageResult {
        id: TriageId::parse(id).expect("id"),
        patient: PatientId::parse(patient).ok(),
        report: ReportId::parse(report).ok(),
        level: "call_911".into(),
        urgency: urgency.into(),
        venue: "hospital".into(),
        reasons: vec!["bleeding".into()],
        advice: vec!["press".into()],
        answers: vec![("q".into(), "a".into())],
        replay: "[]".into(),
        pack: "p".into(),
        at: crate::world::stamp(),
        language: "en".into(),
    })
}

fn note(author: &str, signed: bool) -> Value {
    note::to_fhir(&Note {
        id: NoteId::parse("n1").expect("id"),
        patient: PatientId::parse("dana").expect("id"),
        visit: None,
        author: author.into(),
        text: "Clean wound.".into(),
        at: Timestamp(crate::world::NOON),
        signed: signed.then_some(Timestamp(crate::world::NOON)),
        adds_to: None,
    })
}

/// Dana's report is in the queue.
async fn queued(w: &World) -> Device {
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    assert_eq!(w.sync(&mut dana, &ops).await.results[0].status, 201);
    dana
}

async fn refused(w: &World, who: &Device, resource: &Value, version: Option<&str>) {
    let (status, said) = w.put_as(who, resource, version).await;
    assert!(
        matches!(
            status,
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::CONFLICT
        ),
        "{status} {said} for {resource}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_writes_nothing_into_another_carriers_record() {
    let w = World::new().await;
    queued(&w).await;
    let mut sam = w.device("sam", "phone2").await;
    let me = json!({"reference": "Patient/sam"});
    let mut report = bite("r2", Some("dana"));
    report["author"] = me.clone();
    let [risk, mut answers] = check("c2", "dana", "r1", "routine");
    answers["author"] = me.clone();
    let mut correction = addition_to_fhir(
        &ReportId::parse("a2").expect("id"),
        &ReportId::parse("r1").expect("id"),
        AdditionKind::Correction,
        Some("it was nothing"),
        crate::world::stamp(),
        PatientId::parse("dana").ok().as_ref(),
    );
    correction["author"] = me.clone();
    let mut entry = review("r2", Some("dana"), Priority::Routine);
    entry["requester"] = me.clone();
    let photo = json!({"resourceType": "DocumentReference", "id": "f2", "status": "current", "author": [me],
        "subject": {"reference": "Patient/dana"}, "content": [{"attachment": {"url": "Binary/f2"}}]});

    for forged in [report, risk, answers, correction, entry, photo] {
        let op = sam.op(&forged, None, None);
        let results = w.sync(&mut sam, &[op]).await.results;
        assert_eq!(results[0].status, 403, "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_recommends_does_not_decide() {
    let w = World::new().await;
    queued(&w).await;
    w.put(advice(true)).await;
    let ask = w.tasks("duty-decision").await.remove(0);
    let mut decided = ask.clone();
    task::decide(&mut decided, &decision());
    let notice = w.tasks("supervisor-notice").await.remove(0);
    let mut silenced = notice.clone();
    silenced["status"] = json!("completed");
    let mut invented = decided.clone();
    invented["id"] = json!("invented");

    for who in ["ada", "nora"] {
        let who = w.device(who, who).await;
        refused(&w, &who, &decided, Some("1")).await;
        refused(&w, &who, &silenced, Some("1")).await;
        refused(&w, &who, &invented, None).await;
    }
    assert_eq!(
        crate::story::outbox(&w).await,
        Vec::<Value>::new(),
        "HR heard nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_carrier_sent_is_not_rewritten_by_anybody() {
    let w = World::new().await;
    let mut dana = queued(&w).await;
    let [risk, answers] = check("c1", "dana", "r1", "emergency");
    let worse = addition_to_fhir(
        &ReportId::parse("a1").expect("id"),
        &ReportId::parse("r1").expect("id"),
        AdditionKind::Worse,
        Some("the hand is swollen"),
        crate::world::stamp(),
        PatientId::parse("dana").ok().as_ref(),
    );
    let ops = [&risk, &answers, &worse].map(|r| dana.op(r, None, None));
    let sent = w.sync(&mut dana, &ops).await.results;
    assert!(sent.iter().all(|r| r.status == 201), "{sent:?}");
    let ada = w.device("ada", "desk").await;

    let mut no_report = bite("r1", Some("dana"));
    no_report["questionnaire"] = json!("http://example.org/other");
    no_report["item"] = json!([]);
    no_report.as_object_mut().expect("object").shift_remove("item");
    refused(&w, &ada, &no_report, None).await;
    let [milder, fewer] = check("c1", "dana", "r1", "routine");
    refused(&w, &ada, &milder, None).await;
    let mut fewer = fewer;
    fewer.as_object_mut().expect("object").shift_remove("item");
    refused(&w, &ada, &fewer, None).await;
    let mut better = worse.clone();
    better["item"][1]["answer"][0]["valueString"] = json!("it is fine");
    refused(&w, &ada, &better, None).await;
    let mut hers = bite("r1", Some("dana"));
    hers["author"] = json!({"reference": "Patient/sam"});
    // Who wrote it was not said; said once, it stays.
    w.put_as(&ada, &hers, None).await;
    hers["author"] = json!({"reference": "Patient/lee"});
    refused(&w, &ada, &hers, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_cannot_make_a_note_look_signed_by_a_colleague() {
    let w = World::new().await;
    queued(&w).await;
    let bo = w.device("bo", "desk").await;
    let attested = |people: &[&str]| -> Value {
        people
            .iter()
            .map(|p| json!({"mode": "legal", "time": "2026-11-21T12:00:00Z", "party": {"reference": format!("Practitioner/{p}")}}))
            .collect()
    };
    let mut second = note("ada", true);
    second["attester"] = attested(&["ada", "bo"]);
    let mut named = note("ada", true);
    named["attester"] = attested(&["bo"]);
    let mut both = note("bo", true);
    both["author"] = json!([{"reference": "Practitioner/ada"}, {"reference": "Practitioner/bo"}]);
    let mut amended = note("ada", true);
    amended["status"] = json!("amended");
    let mut draft = note("ada", true);
    draft["status"] = json!("preliminary");
    let mut unsigned = note("bo", false);
    unsigned["status"] = json!("final");

    for forged in [second, named, both, amended, draft, unsigned] {
        refused(&w, &bo, &forged, None).await;
    }
    assert!(w.put_as(&bo, &note("bo", false), None).await.0.is_success());
    assert!(w.put_as(&bo, &note("bo", true), None).await.0.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_tomorrow() {
    let w = World::new().await;
    queued(&w).await;
    let mut ada = w.device("ada", "desk").await;
    let signed_at = |time: &str| {
        let mut signed = note("ada", true);
        signed["attester"][0]["time"] = json!(time);
        signed
    };

    let tomorrow = signed_at("2026-11-22T12:00:00Z");
    let (status, said) = w.put_as(&ada, &tomorrow, None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    let op = ada.op(&tomorrow, None, None);
    let sent = w.sync(&mut ada, &[op]).await.results;
    assert_eq!(sent[0].status, 422, "{sent:?}");
    // A desk that was offline since yesterday; the server says when it came.
    let yesterday = signed_at("2026-11-20T12:00:00Z");
    let (status, stored) = w.put_as(&ada, &yesterday, None).await;
    assert!(status.is_success(), "{stored}");
    assert_eq!(text(&stored["meta"], "lastUpdated"), "2026-11-21T12:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_one_person_is_not_moved_to_another() {
    let w = World::new().await;
    queued(&w).await;
    let mut sam = w.device("sam", "phone2").await;
    let ops = sam.report_ops("r2", "sam", Priority::Asap);
    w.sync(&mut sam, &ops).await;
    let ada = w.device("ada", "desk").await;
    assert!(w.put_as(&ada, &note("ada", false), None).await.0.is_success());

    let mut moved = note("ada", false);
    moved["subject"]["reference"] = json!("Patient/sam");
    refused(&w, &ada, &moved, None).await;
    let mut entry = claimed(review("r1", Some("dana"), Priority::Asap), "ada");
    entry["for"]["reference"] = json!("Patient/sam");
    refused(&w, &ada, &entry, None).await;
    entry.as_object_mut().expect("object").shift_remove("for");
    refused(&w, &ada, &entry, None).await;
    assert_eq!(text(&w.tasks("review-report").await[0], "status"), "requested");
}
