//! Dana reports that somebody else is hurt: the right supervisor is told, and nobody else.

use crate::world::{bite, name, review, text, Device, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_model::map::system;
use hms_model::map::task::{self, Priority};
use serde_json::{json, Value};

fn about(id: &str, typed: &str) -> Value {
    let mut report = bite(id, None);
    report["author"] = json!({"reference": "Patient/dana"});
    let items = report["item"].as_array_mut().expect("items");
    items.push(json!({"linkId": "colleague", "answer": [{"valueString": typed}]}));
    report
}

async fn reported(w: &World, typed: &str) -> Vec<Value> {
    let mut dana = w.device("dana", "phone").await;
    let entry = review("r1", None, Priority::Urgent);
    let ops = [
        dana.op(&about("r1", typed), None, Some(1)),
        dana.op(&entry, None, Some(1)),
    ];
    let synced = w.sync(&mut dana, &ops).await;
    let statuses: Vec<u16> = synced.results.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [201, 201], "{:?}", synced.results);
    w.tasks("supervisor-notice").await
}

fn owners(notices: &[Value]) -> Vec<&str> {
    notices.iter().filter_map(task::owner).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_named_with_their_number_is_told_to_their_own_supervisor() {
    let w = World::new().await;

    let notices = reported(&w, "Lee Reyes 05001").await;

    assert_eq!(owners(&notices), ["mia"]);
    let notice = notices.first().expect("one");
    assert_eq!(
        notice["for"],
        json!({"reference": "Patient/lee", "display": "lee Reyes"})
    );
    assert_eq!(task::input_text(notice, "place"), Some("RR 7, box 112"));
    let mut mia = w.device("mia", "desk").await;
    w.sync(&mut mia, &[]).await;
    assert_eq!(mia.ids("Task").len(), 1);
    // It is Lee's record only when somebody has made sure of it.
    let report = w.stored("QuestionnaireResponse").await.pop().expect("the report");
    assert_eq!(report.get("subject"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_who_is_not_known_is_told_to_the_reporters_supervisor() {
    for typed in ["Sam with the broken arm", "Lee Reyes 99999", "Sam Soto 05001"] {
        let w = World::new().await;

        let notices = reported(&w, typed).await;

        assert_eq!(owners(&notices), ["max"], "{typed}");
        let notice = notices.first().expect("one");
        assert_eq!(hms_fhir::validate(notice), Ok(()));
        assert_eq!(
            notice["for"],
            json!({"display": "Colleague of dana Reyes / Colega de dana Reyes"})
        );
        assert_eq!(notice["requester"]["reference"], json!("Patient/dana"));
        let shown = notice.to_string();
        for word in ["broken", "arm", "animal", "hand", "dog", "Soto"] {
            assert!(!shown.contains(word), "{word} in {shown}");
        }
        // Max has it on the desk and in a search, and can take note of it; Mia, Dana and the nurse have it nowhere.
        let path = format!("/fhir/Task/{}", text(notice, "id"));
        let mut max = w.device("max", "desk").await;
        w.sync(&mut max, &[]).await;
        assert_eq!(max.ids("Task"), [text(notice, "id")]);
        let (_, found) = w.get(&max, "/fhir/Task?code=supervisor-notice").await;
        assert_eq!(found["entry"].as_array().map(Vec::len), Some(1));
        let mut seen = notice.clone();
        seen["status"] = json!("accepted");
        let (status, outcome) = w.put_as(&max, &seen, Some("1")).await;
        assert_eq!(status, StatusCode::OK, "{outcome}");
        for who in ["mia", "dana", "nora", "ada"] {
            let mut device = w.device(who, &format!("{who}-device")).await;
            w.sync(&mut device, &[]).await;
            assert!(!device.ids("Task").contains(&text(notice, "id")), "{who}");
            let (status, _) = w.get(&device, &path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_somebody_says_whose_report_it_is_their_supervisor_is_told_too_and_nobody_twice() {
    let w = World::new().await;
    reported(&w, "the new one").await;
    let mut report = w.stored("QuestionnaireResponse").await.pop().expect("the report");

    report["subject"] = json!({"reference": "Patient/lee"});
    w.put(report.clone()).await;
    report["language"] = json!("en");
    w.put(report).await;

    let notices = w.tasks("supervisor-notice").await;
    let mut told = owners(&notices);
    told.sort_unstable();
    assert_eq!(told, ["max", "mia"]);
}

/// A check of a colleague's report, its answers, a photo of it and the photo's bytes, as the carrier's phone sends them.
fn made_with(report: &str) -> [Value; 4] {
    let link = json!({"reference": format!("QuestionnaireResponse/{report}")});
    let urgency = system::codes("urgency");
    [
        json!({"resourceType": "RiskAssessment", "id": "c1", "status": "final", "subject": {"display": "not signed in"},
            "basis": [{"reference": "QuestionnaireResponse/c1-answers"}, link],
            "prediction": [{"qualitativeRisk": {"coding": [{"system": urgency, "code": "call_911"}]}}]}),
        json!({"resourceType": "QuestionnaireResponse", "id": "c1-answers", "status": "completed",
            "questionnaire": system::symptom_check("0000")}),
        json!({"resourceType": "DocumentReference", "id": "p1", "status": "current",
            "content": [{"attachment": {"contentType": "image/jpeg", "url": "Binary/p1"}}],
            "context": {"related": [link]}}),
        json!({"resourceType": "Binary", "id": "p1", "contentType": "image/jpeg", "data": "AAAA",
            "securityContext": {"reference": "DocumentReference/p1"}}),
    ]
}

fn parts_held(desk: &Device) -> Vec<bool> {
    let parts = made_with("r1");
    parts
        .iter()
        .map(|part| desk.held.contains_key(&name(part)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_with_a_report_of_nobody_known_reaches_the_desk_in_any_order_and_leaves_with_it() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let w = World::new().await;
        let (mut ada, mut late) = (w.device("ada", "desk").await, w.device("bo", "desk2").await);
        let mut dana = w.device("dana", "phone").await;
        w.sync(&mut ada, &[]).await;
        reported(&w, "Lee Reyes 05001").await;
        let parts = made_with("r1");
        dana.next_op = 10;
        for at in order {
            let op = dana.op(&parts[at], None, None);
            let synced = w.sync(&mut dana, &[op]).await;
            assert_eq!(synced.results[0].status, 201, "{:?}", synced.results);
            // After each change: what comes later must not depend on all of it being new.
            w.sync(&mut ada, &[]).await;
        }
        w.sync(&mut late, &[]).await;

        for desk in [&ada, &late] {
            assert_eq!(parts_held(desk), [true; 4], "{order:?}");
            for part in &parts {
                let (status, _) = w.get(desk, &format!("/fhir/{}", name(part))).await;
                assert_eq!(status, StatusCode::OK, "{}", name(part));
            }
            let (_, found) = w.get(desk, "/fhir/RiskAssessment").await;
            assert_eq!(found["total"], 1, "{found}");
        }
        let (mut max, mut sam) = (w.device("max", "office").await, w.device("sam", "other").await);
        for nobody in [&mut max, &mut sam, &mut dana] {
            w.sync(nobody, &[]).await;
            assert_eq!(parts_held(nobody), [false; 4]);
            let (status, _) = w.get(nobody, "/fhir/RiskAssessment/c1").await;
            assert_ne!(status, StatusCode::OK);
        }
        let mut entry = w.tasks("review-report").await.pop().expect("an entry");
        assert_eq!(entry["priority"], "stat", "the check raised it");

        entry["status"] = json!("completed");
        w.put(entry).await;
        w.sync(&mut ada, &[]).await;
        assert_eq!(parts_held(&ada), [false; 4], "closed, it is nobody's work");
    }
}

/// Says whose the report is; what the server answers.
async fn say(w: &World, who: &Device, number: &str, name: &str) -> (u16, String) {
    let request = Request::post("/api/reports/r1/person")
        .header("authorization", format!("Bearer {}", who.token))
        .header("content-type", "application/json")
        .body(Body::from(json!({"number": number, "name": name}).to_string()))
        .expect("a request");
    let (status, answer) = w.send(request).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let word = answer
        .get("patient")
        .or(answer.get("error"))
        .and_then(Value::as_str);
    (status.as_u16(), word.unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_person_is_known_all_of_the_report_is_in_their_chart() {
    let w = World::new().await;
    let (mut ada, mut dana) = (w.device("ada", "desk").await, w.device("dana", "phone").await);
    reported(&w, "Lee Reyes 05001").await;
    dana.next_op = 10;
    let ops: Vec<Value> = made_with("r1")
        .iter()
        .map(|part| dana.op(part, None, None))
        .collect();
    w.sync(&mut dana, &ops).await;
    w.sync(&mut ada, &[]).await;

    for (number, name) in [
        ("05001", "Sam Soto"),
        ("99999", "Lee Reyes"),
        ("05001", "lee"),
        ("05001", "Lee Reyes Sam"),
    ] {
        assert_eq!(
            say(&w, &ada, number, name).await,
            (422, "nobody-fits".to_owned()),
            "{number} {name}"
        );
    }
    for nobody in ["dana", "max", "hana"] {
        let other = w.device(nobody, "elsewhere").await;
        assert_eq!(say(&w, &other, "05001", "Lee Reyes").await.0, 403, "{nobody}");
    }
    assert_eq!(say(&w, &ada, "05001", "reyes LEE").await, (200, "lee".to_owned()));
    assert_eq!(
        say(&w, &ada, "04417", "Dana Reyes").await,
        (409, "already-identified".to_owned())
    );
    assert_eq!(
        w.tasks("supervisor-notice").await.len(),
        1,
        "their supervisor was told before"
    );

    w.sync(&mut ada, &[]).await;
    assert_eq!(parts_held(&ada), [true; 4]);
    for part in [
        "RiskAssessment/c1",
        "QuestionnaireResponse/c1-answers",
        "DocumentReference/p1",
        "QuestionnaireResponse/r1",
    ] {
        assert_eq!(ada.held[part]["subject"]["reference"], "Patient/lee", "{part}");
    }
    // Who reported is named by the service, whatever the phone called them.
    let reporter = json!({"reference": "Patient/dana", "display": "dana Reyes"});
    assert_eq!(ada.held["QuestionnaireResponse/r1"]["author"], reporter);
    let mut lee = w.device("lee", "theirs").await;
    w.sync(&mut lee, &[]).await;
    assert_eq!(parts_held(&lee), [true; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_comes_before_its_report_raises_it_all_the_same() {
    let w = World::new().await;
    for part in made_with("r1") {
        w.put(part).await;
    }

    w.put(about("r1", "the new one")).await;

    let entry = w.tasks("review-report").await.pop().expect("an entry");
    assert_eq!(entry["priority"], "stat");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_reporter_sends_after_the_person_is_known_is_in_their_chart_and_raises_the_entry() {
    let w = World::new().await;
    let (mut ada, mut dana) = (w.device("ada", "desk").await, w.device("dana", "phone").await);
    reported(&w, "Lee Reyes 05001").await;
    assert_eq!(say(&w, &ada, "05001", "Lee Reyes").await.0, 200);
    let mut entry = w.tasks("review-report").await.pop().expect("an entry");
    entry["status"] = json!("completed");
    w.put(entry).await;

    // Her phone does not know whose it is: nothing names a patient. Answers come last, then first.
    dana.next_op = 10;
    let mut parts = made_with("r1").to_vec();
    parts.push(worse("w1", "dana"));
    let mut second = made_with("r1")[..2].to_vec();
    second[0]["id"] = json!("c2");
    second[0]["basis"][0]["reference"] = json!("QuestionnaireResponse/c2-answers");
    second[1]["id"] = json!("c2-answers");
    second.reverse();
    parts.extend(second);
    let ops: Vec<Value> = parts.iter().map(|part| dana.op(part, None, None)).collect();
    let synced = w.sync(&mut dana, &ops).await;
    assert!(
        synced.results.iter().all(|r| r.status == 201),
        "{:?}",
        synced.results
    );

    w.sync(&mut ada, &[]).await;
    for part in parts.iter().filter(|part| text(part, "resourceType") != "Binary") {
        let held = &ada.held[&name(part)];
        assert_eq!(held["subject"]["reference"], "Patient/lee", "{}", name(part));
    }
    let entry = w.tasks("review-report").await.pop().expect("an entry");
    let (status, priority) = (text(&entry, "status"), text(&entry, "priority"));
    assert_eq!((status, priority), ("requested", "stat"), "open again");
    // Sent again, as after an answer that was lost, it is there already.
    dana.next_op = 30;
    let again: Vec<Value> = parts.iter().map(|part| dana.op(part, None, None)).collect();
    let synced = w.sync(&mut dana, &again).await;
    assert!(
        synced.results.iter().all(|r| r.status == 200),
        "{:?}",
        synced.results
    );
}

/// "It got worse", as a phone sends it.
fn worse(id: &str, author: &str) -> Value {
    use hms_model::ids::ReportId;
    use hms_model::map::report::{addition_to_fhir, AdditionKind};
    let to = ReportId::parse("r1").expect("an id");
    let at = hms_model::time::Stamp::parse("2026-11-21T06:30:00-06:00").expect("a time");
    let id = ReportId::parse(id).expect("an id");
    let mut addition = addition_to_fhir(&id, &to, AdditionKind::Worse, None, at, None);
    addition["author"] = json!({"reference": format!("Patient/{author}")});
    addition
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_colleagues_report_their_own_or_adds_to_what_is_not_theirs() {
    let w = World::new().await;
    let (mut dana, mut sam) = (w.device("dana", "phone").await, w.device("sam", "other").await);
    reported(&w, "Lee Reyes 05001").await;
    dana.next_op = 10;
    for (who, me) in [(&mut dana, "dana"), (&mut sam, "sam")] {
        let mut taken = about("r1", "Lee Reyes 05001");
        taken["subject"] = json!({"reference": format!("Patient/{me}")});
        taken["author"] = json!({"reference": format!("Patient/{me}")});
        let op = who.op(&taken, None, None);
        let synced = w.sync(who, &[op]).await;
        assert!(
            matches!(synced.results[0].status, 403 | 409),
            "{me}: {:?}",
            synced.results
        );
    }
    let [check, _, photo, _] = made_with("r1");
    for mut part in [check, photo, worse("w2", "sam")] {
        part["subject"] = json!({"reference": "Patient/sam"});
        let (status, _) = w.put_as(&sam, &part, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "by REST: {}", name(&part));
        let op = sam.op(&part, None, None);
        let synced = w.sync(&mut sam, &[op]).await;
        assert_eq!(synced.results[0].status, 403, "by sync: {}", name(&part));
    }
    let stored = w.stored("QuestionnaireResponse").await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].get("subject"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_makes_no_report_of_nobody_and_moves_none_but_closes_one() {
    let w = World::new().await;
    let ada = w.device("ada", "desk").await;
    let mut dana = w.device("dana", "phone").await;
    reported(&w, "Lee Reyes 05001").await;
    dana.next_op = 10;
    let ops = dana.report_ops("own", "dana", Priority::Urgent);
    w.sync(&mut dana, &ops).await;
    for made_up in [review("made-up", None, Priority::Stat), bite("made-up", None)] {
        let (status, _) = w.put_as(&ada, &made_up, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{}", name(&made_up));
    }
    let mut entries = w.tasks("review-report").await.into_iter();
    let entry = entries.find(|t| t.get("for").is_none()).expect("an entry");
    let version = text(&entry["meta"], "versionId").to_owned();
    let mut moved = entry.clone();
    moved["for"] = json!({"reference": "Patient/dana"});
    let mut elsewhere = entry.clone();
    elsewhere["focus"] = json!({"reference": "QuestionnaireResponse/own"});
    let mut reports = w.stored("QuestionnaireResponse").await.into_iter();
    let mut given = reports.find(|r| text(r, "id") == "r1").expect("the report");
    given["subject"] = json!({"reference": "Patient/dana"});
    for wrong in [&moved, &elsewhere, &given] {
        let (status, _) = w.put_as(&ada, wrong, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{}", name(wrong));
    }

    let mut closed = entry.clone();
    closed["status"] = json!("completed");
    closed["owner"] = json!({"reference": "Practitioner/ada"});
    let (status, told) = w.put_as(&ada, &closed, Some(&version)).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let (status, _) = w.get(&ada, "/fhir/QuestionnaireResponse/r1").await;
    assert_ne!(status, StatusCode::OK, "closed, it is nobody's work");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_a_person_waits_and_leaves_a_trace() {
    let w = World::new().await;
    let ada = w.device("ada", "desk").await;
    reported(&w, "somebody").await;
    let mut answers = Vec::new();
    for number in 0..6 {
        answers.push(say(&w, &ada, &format!("0500{number}"), "No Body").await.0);
    }
    assert_eq!(answers, [422, 422, 422, 422, 422, 429]);
    let read = w.app.db.read(|read| {
        let mut found = 0;
        hms_server::db::sqlite::table::audit::scan(read.conn(), |_, body, _| {
            found += usize::from(String::from_utf8_lossy(body).contains("\"identify\""));
            true
        })?;
        Ok::<usize, hms_server::db::DbError>(found)
    });
    assert_eq!(read.await.expect("the audit"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_no_screen_could_show_gets_no_number() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    for lacks in ["safe", "what", "where", "when"] {
        let mut report = bite(&format!("half-{lacks}"), Some("dana"));
        let items = report["item"].as_array_mut().expect("items");
        items.retain(|item| text(item, "linkId") != lacks);
        let op = dana.op(&report, None, None);
        let synced = w.sync(&mut dana, &[op]).await;
        assert_eq!(synced.results[0].status, 422, "{lacks}: {:?}", synced.results);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_speaks_for_nobody_else() {
    let w = World::new().await;
    let dana = w.device("dana", "phone").await;
    let ada = json!({"reference": "Practitioner/ada"});
    let own = json!({"reference": "Patient/dana"});
    let said = json!({"resourceType": "Communication", "id": "c", "status": "completed", "subject": own,
        "payload": [{"contentString": "you may go back to full duty"}]});
    let mut forged = said.clone();
    forged["sender"] = ada.clone();
    let mut photo = made_with("none")[2].clone();
    photo["subject"] = own.clone();
    photo["author"] = json!([ada]);
    let mut check = made_with("none")[0].clone();
    check["subject"] = own.clone();
    check["performer"] = ada.clone();
    let mut elsewhere = said.clone();
    elsewhere["subject"] = json!({"reference": "https://127.0.0.1/fhir/Patient/lee"});
    for forged in [forged, photo, check, elsewhere] {
        let (status, _) = w.put_as(&dana, &forged, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{forged}");
    }
    let mut said = said;
    said["sender"] = own;
    let (status, told) = w.put_as(&dana, &said, None).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
}
