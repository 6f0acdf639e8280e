//! What follows from a commit: notices, decisions, HR's messages.

use crate::world::{bite, name, text, World};
use axum::http::StatusCode;
use hms_model::duty::{DutyAdvice, Limit, WorkStatus};
use hms_model::ids::{NoteId, PatientId, ReportId, TriageId};
use hms_model::map::task::{self, Priority};
use hms_model::map::{duty, note, triage};
use hms_model::report::{BodyPart, SafeNow, Side, WhatHappened};
use hms_model::time::Timestamp;
use hms_server::db::sqlite::table;
use hms_server::db::DbError;
use serde_json::{json, Value};

pub fn advice(signed: bool) -> Value {
    duty::to_fhir(&duty::SignedAdvice {
        id: NoteId::parse("advice-1").expect("id"),
        patient: PatientId::parse("dana").expect("id"),
        visit: None,
        author: "ada".into(),
        advice: decision(),
        at: Timestamp(crate::world::NOON),
        signed: signed.then_some(Timestamp(crate::world::NOON)),
    })
}

pub fn decision() -> DutyAdvice {
    DutyAdvice {
        status: WorkStatus::Restricted,
        limits: vec![Limit::NoLeftHand],
        from: "2026-11-21".parse().expect("day"),
        until: "2026-11-28".parse().ok(),
    }
}

pub async fn outbox(w: &World) -> Vec<Value> {
    let rows: Result<Vec<Value>, DbError> = w
        .app
        .db
        .read(|r| {
            let rows = table::outbox_out::due(r.conn(), i64::MAX, 100)?;
            rows.iter()
                .map(|row| serde_json::from_str(&row.body).map_err(DbError::Body))
                .collect()
        })
        .await;
    rows.expect("a read")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supervisor_is_told_who_when_and_where_and_no_health_word() {
    let w = World::new().await;
    let mut words: Vec<String> = Vec::new();
    words.extend(WhatHappened::ALL.iter().map(|c| c.code().to_owned()));
    words.extend(BodyPart::ALL.iter().map(|c| c.code().replace('_', " ")));
    words.extend(BodyPart::ALL.iter().map(|c| c.code().to_owned()));
    words.extend(
        [
            "injur", "hurt", "bite", "dog", "wound", "pain", "bleed", "symptom", "left", "report",
        ]
        .map(str::to_owned),
    );
    // Words that are part of R4 or of a place and mean nothing about health here.
    words.retain(|w| w != "other" && w != "cut");
    for (n, what) in WhatHappened::ALL.iter().enumerate() {
        let part = BodyPart::ALL.get(n % BodyPart::ALL.len()).expect("a part");
        let mut report = bite(&format!("r{n}"), Some("dana"));
        let text = report
            .to_string()
            .replace("\"animal\"", &format!("\"{}\"", what.code()));
        report =
            serde_json::from_str(&text.replace("\"hand\"", &format!("\"{}\"", part.code()))).expect("json");
        w.put(report).await;
    }

    let notices = w.tasks("supervisor-notice").await;

    assert_eq!(notices.len(), WhatHappened::ALL.len());
    for notice in &notices {
        assert_eq!(task::owner(notice), Some("max"));
        assert_eq!(task::input_text(notice, "place"), Some("RR 7, box 112"));
        assert_eq!(
            task::input_text(notice, "happened"),
            Some("2026-11-21T05:42:00-06:00")
        );
        assert_eq!(notice["for"]["display"], json!("dana Reyes"));
        assert_eq!(
            notice["restriction"]["period"]["end"],
            json!("2026-11-22T12:00:00.000Z")
        );
        let shown = notice.to_string().to_lowercase();
        for word in &words {
            assert!(!contains_word(&shown, word), "{word} in {shown}");
        }
        assert_eq!(
            (
                notice.get("focus"),
                notice.get("basedOn"),
                notice.get("reasonReference")
            ),
            (None, None, None)
        );
    }
    let _ = (SafeNow::ALL, Side::ALL);
}

/// Whole words: "hip" is not in "relationship".
fn contains_word(text: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    text.match_indices(word).any(|(at, found)| {
        !is_letter(text.get(..at).and_then(|t| t.chars().last()))
            && !is_letter(text.get(at + found.len()..).and_then(|t| t.chars().next()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_raises_the_entry_and_never_lowers_it() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Urgent);
    w.sync(&mut dana, &ops).await;

    for (id, urgency, wanted) in [
        ("t1", "today", "asap"),
        ("t2", "days", "asap"),
        ("t3", "call_911", "stat"),
        ("t4", "today", "stat"),
    ] {
        let result = triage::to_fhir(&triage::TriageResult {
            id: TriageId::parse(id).expect("id"),
            patient: PatientId::parse("dana").ok(),
            report: ReportId::parse("r1").ok(),
            level: if urgency == "call_911" {
                "emergency"
            } else {
                "urgent_video"
            }
            .into(),
            urgency: urgency.into(),
            venue: "video".into(),
            reasons: vec![],
            advice: vec!["Wash it.".into()],
            answers: vec![],
            replay: "{}".into(),
            pack: "abc".into(),
            at: crate::world::stamp(),
            language: "en".into(),
        });
        let group = Some(dana.next_op);
        let ops: Vec<Value> = result.iter().map(|r| dana.op(r, None, group)).collect();
        let synced = w.sync(&mut dana, &ops).await;
        assert!(
            synced.results.iter().all(|r| r.status == 201),
            "{:?}",
            synced.results
        );
        let entry = w.tasks("review-report").await.pop().expect("a task");
        assert_eq!(text(&entry, "priority"), wanted, "after {urgency}");
    }
    assert_eq!(w.tasks("review-report").await.len(), 1);

    // Each says by which pack and from which answers; the emergency stands in the chart, once, and its person reads both.
    assert_eq!(w.stored("Provenance").await.len(), 4);
    assert_eq!(w.stored("Flag").await.len(), 1);
    let (_, found) = w.get(&dana, "/fhir/Provenance?target=RiskAssessment/t3").await;
    let entities = &found["entry"][0]["resource"]["entity"];
    assert_eq!(
        entities[0]["what"]["reference"], "QuestionnaireResponse/t3-answers",
        "{found}"
    );
    assert_eq!(entities[1]["what"]["identifier"]["value"], "abc");
    let (_, found) = w.get(&dana, "/fhir/Flag?patient=dana").await;
    assert_eq!(
        found["entry"][0]["resource"]["code"]["coding"][0]["code"], "call_911",
        "{found}"
    );
    w.sync(&mut dana, &[]).await;
    assert_eq!((dana.ids("Provenance").len(), dana.ids("Flag").len()), (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_advice_asks_the_manager_and_the_decision_goes_to_hr_once() {
    let w = World::new().await;
    w.put(advice(false)).await;
    assert_eq!(w.tasks("duty-decision").await.len(), 0);

    w.put(advice(true)).await;
    let asked = w.tasks("duty-decision").await;
    assert_eq!(asked.len(), 1);
    let ask = asked.first().expect("asked");
    assert_eq!(
        (task::owner(ask), task::advice_in(ask, "input")),
        (Some("max"), Some(decision()))
    );
    assert_eq!(outbox(&w).await, Vec::<Value>::new());

    let max = w.device("max", "desk").await;
    let mut decided = ask.clone();
    task::decide(&mut decided, &decision());
    let (status, _) = w.put_as(&max, &decided, Some("1")).await;
    assert_eq!(status, StatusCode::OK);
    let (again, _) = w.put_as(&max, &decided, Some("2")).await;
    assert_eq!(again, StatusCode::CONFLICT);

    let sent = outbox(&w).await;
    assert_eq!(sent.len(), 1);
    let condition = sent.first().expect("sent");
    assert_eq!(text(condition, "resourceType"), "Condition");
    assert_eq!(condition["subject"]["identifier"]["value"], json!("04417"));

    w.put(hms_model::map::visit::follow_up(
        "f1",
        &PatientId::parse("dana").expect("id"),
        "ada",
        Timestamp(crate::world::NOON).plus_ms(86_400_000),
        15,
        true,
    ))
    .await;
    let sent = outbox(&w).await;
    assert_eq!(
        sent.iter().map(|s| text(s, "resourceType")).collect::<Vec<_>>(),
        ["Condition", "Appointment"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_contradicts_itself_is_refused() {
    let w = World::new().await;
    w.put(advice(true)).await;
    let max = w.device("max", "desk").await;
    let mut decided = w.tasks("duty-decision").await.pop().expect("asked");
    task::decide(
        &mut decided,
        &DutyAdvice {
            limits: vec![],
            ..decision()
        },
    );

    let (status, outcome) = w.put_as(&max, &decided, Some("1")).await;

    assert_eq!(status, StatusCode::CONFLICT);
    assert!(outcome.to_string().contains("decision-incomplete"));
    assert_eq!(outbox(&w).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_stays_and_only_addenda_follow() {
    let w = World::new().await;
    let mut ada = w.device("ada", "desk").await;
    w.put(crate::world::claimed(
        crate::world::review("r1", Some("dana"), Priority::Asap),
        "ada",
    ))
    .await;
    let mut signed = note::Note {
        id: NoteId::parse("n1").expect("id"),
        patient: PatientId::parse("dana").expect("id"),
        visit: None,
        author: "ada".into(),
        text: "Two punctures.".into(),
        at: Timestamp(crate::world::NOON),
        signed: Some(Timestamp(crate::world::NOON)),
        adds_to: None,
    };
    let op = ada.op(&note::to_fhir(&signed), None, None);
    assert_eq!(
        w.sync(&mut ada, &[op]).await.results.first().map(|r| r.status),
        Some(201)
    );

    signed.text = "No punctures.".into();
    let by_sync = ada.op(&note::to_fhir(&signed), Some("1"), None);
    let refused = w.sync(&mut ada, &[by_sync]).await;
    let (by_rest, _) = w.put_as(&ada, &note::to_fhir(&signed), Some("1")).await;
    let addendum = note::Note {
        id: NoteId::parse("n2").expect("id"),
        adds_to: Some(NoteId::parse("n1").expect("id")),
        ..signed
    };
    let op = ada.op(&note::to_fhir(&addendum), None, None);
    let added = w.sync(&mut ada, &[op]).await;

    assert_eq!(refused.results.first().map(|r| r.status), Some(409));
    assert!(refused
        .results
        .first()
        .and_then(|r| r.outcome.clone())
        .expect("why")
        .to_string()
        .contains("signed"));
    assert_eq!(by_rest, StatusCode::CONFLICT);
    assert_eq!(added.results.first().map(|r| r.status), Some(201));
    let notes = w.stored("Composition").await;
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().any(|n| n.to_string().contains("Two punctures")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_sent_report_do_not_change() {
    let w = World::new().await;
    w.put(bite("r1", Some("dana"))).await;
    let ada = w.device("ada", "desk").await;
    let mut changed = bite("r1", Some("dana"));
    changed["language"] = json!("es");

    let (status, _) = w.put_as(&ada, &changed, Some("1")).await;

    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        w.stored("QuestionnaireResponse")
            .await
            .iter()
            .map(name)
            .collect::<Vec<_>>(),
        ["QuestionnaireResponse/r1"]
    );
}
