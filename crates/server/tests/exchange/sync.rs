//! Changes up: once each, whole groups, results that are kept.

use crate::world::{bite, claimed, name, review, text, up, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_model::ids::{PatientId, ReportId};
use hms_model::map::report::{addition_to_fhir, AdditionKind};
use hms_model::map::task::Priority;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_twice_is_one_report_with_one_number() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Urgent);

    let first = w.sync(&mut dana, &ops).await;
    let again = w.sync(&mut dana, &ops).await;

    let receipt = first
        .results
        .first()
        .and_then(|r| r.receipt.clone())
        .expect("a receipt");
    assert_eq!(receipt.number, "HMS-1001");
    assert_eq!(first.results, again.results);
    assert_eq!(
        first.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [201, 201]
    );
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 1);
    assert_eq!(w.tasks("review-report").await.len(), 1);
    assert_eq!(w.tasks("supervisor-notice").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_under_a_new_number_is_answered_by_its_content() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Urgent);
    let first = w.sync(&mut dana, &ops).await;

    // The phone lost its outbox and sends the report again from its journal, then another text under the same id.
    let same = dana.report_ops("r1", "dana", Priority::Urgent);
    let mut other = bite("r1", Some("dana"));
    other["language"] = json!("es");
    let other = dana.op(&other, None, None);
    let mut all = same;
    all.push(other);
    let again = w.sync(&mut dana, &all).await;

    assert_eq!(
        again.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [200, 200, 409]
    );
    assert_eq!(
        again.results.first().and_then(|r| r.receipt.clone()),
        first.results.first().and_then(|r| r.receipt.clone())
    );
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_and_a_cut_at_any_line_neither_lose_nor_double() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let mut ops = Vec::new();
    for n in 0..5 {
        ops.extend(dana.report_ops(&format!("r{n}"), "dana", Priority::Urgent));
    }
    let whole = up(&ops, None);
    // Cut at many byte offsets; the answer is lost each time.
    for at in (0..whole.len()).step_by(whole.len() / 37) {
        let _ = w
            .post_sync(&dana, whole.get(..at).unwrap_or_default().to_owned())
            .await;
    }

    let synced = w.sync(&mut dana, &ops).await;

    assert!(
        synced.results.iter().all(|r| r.status == 201),
        "{:?}",
        synced.results
    );
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 5);
    assert_eq!(w.tasks("review-report").await.len(), 5);
    let mut numbers: Vec<String> = synced
        .results
        .iter()
        .filter_map(|r| Some(r.receipt.clone()?.number))
        .collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_applied_whole_or_not_at_all_and_the_next_one_goes_on() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let mut broken = review("r1", Some("dana"), Priority::Urgent);
    broken["status"] = json!("no-such-status");
    let ops = vec![
        dana.op(&bite("r1", Some("dana")), None, Some(1)),
        dana.op(&broken, None, Some(1)),
        dana.op(&bite("r2", Some("dana")), None, Some(2)),
    ];

    let synced = w.sync(&mut dana, &ops).await;
    let again = w.sync(&mut dana, &ops).await;

    assert_eq!(
        synced.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [424, 422, 201]
    );
    assert_eq!(synced.results, again.results);
    let reports = w.stored("QuestionnaireResponse").await;
    assert_eq!(reports.iter().map(|r| text(r, "id")).collect::<Vec<_>>(), ["r2"]);
    let outcome = synced
        .results
        .get(1)
        .and_then(|r| r.outcome.clone())
        .expect("an outcome")
        .to_string();
    assert!(
        outcome.contains("Task.status") && !outcome.contains("no-such-status"),
        "{outcome}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_old_version_is_a_conflict() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Urgent);
    w.sync(&mut dana, &ops).await;
    let mut ada = w.device("ada", "desk").await;
    w.sync(&mut ada, &[]).await;
    let task = ada.held.get("Task/r1-task").cloned().expect("in the queue");
    let claim = crate::world::claimed(task, "ada");

    let mut other = claim.clone();
    other["priority"] = json!("asap");
    let mine = ada.op(&claim, Some("1"), None);
    let late = ada.op(&other, Some("1"), None);
    let again = ada.op(&claim, Some("1"), None);
    let absent = ada.op(
        &crate::world::review("r9", Some("dana"), Priority::Urgent),
        Some("1"),
        None,
    );
    let synced = w.sync(&mut ada, &[mine, late, again, absent]).await;

    // What says the same under another number was done; what is of a record that is not there may be done later.
    assert_eq!(
        synced.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [200, 412, 200, 404]
    );
    assert_eq!(
        synced.results.get(2).and_then(|r| r.version.clone()).as_deref(),
        Some("2")
    );
    assert_eq!(
        synced.results.first().and_then(|r| r.version.clone()).as_deref(),
        Some("2")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_claims_wins() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    let task = w.tasks("review-report").await.pop().expect("a task");
    let ada = w.device("ada", "desk").await;
    let bo = w.device("bo", "desk2").await;

    let claims = (0..20).map(|n| {
        let (who, by) = if n % 2 == 0 { (&ada, "ada") } else { (&bo, "bo") };
        let task = crate::world::claimed(task.clone(), by);
        let w = &w;
        async move { w.put_as(who, &task, Some("1")).await.0 }
    });
    let statuses = futures_util::future::join_all(claims).await;

    assert_eq!(
        statuses.iter().filter(|s| **s == StatusCode::OK).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses
            .iter()
            .all(|s| *s == StatusCode::OK || *s == StatusCode::PRECONDITION_FAILED),
        "{statuses:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_may_not_write_is_refused_and_reveals_nothing() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Urgent);
    w.sync(&mut dana, &ops).await;
    let mut sam = w.device("sam", "phone2").await;

    let ops = [
        sam.op(&bite("r1", Some("dana")), None, None),
        sam.op(&bite("r9", Some("dana")), None, None),
        sam.op(&json!({"resourceType": "Patient", "id": "sam"}), Some("1"), None),
    ];
    let synced = w.sync(&mut sam, &ops).await;

    assert_eq!(
        synced.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [403, 403, 403]
    );
    assert!(synced.results.iter().all(|r| r.receipt.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_device_does_not_speak_for_another() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    dana.device = "other".to_owned();

    let (status, _) = w.post_sync(&dana, up(&[], None)).await;

    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_is_refused_with_an_outcome() {
    let w = World::new().await;
    let dana = w.device("dana", "phone").await;

    let (status, body) = w
        .post_sync(
            &dana,
            format!("{{\"op\":1,\"x\":\"{}\"}}\n", "x".repeat(9 * 1024 * 1024)),
        )
        .await;

    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(body.contains("OperationOutcome"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_empty_lines_is_too_large_long_before_its_bytes_are() {
    let w = World::new().await;
    let dana = w.device("dana", "phone").await;

    let (status, _) = w.post_sync(&dana, "\n".repeat(20_000) + &up(&[], None)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);

    let (status, _) = w.post_sync(&dana, "\n".repeat(200) + &up(&[], None)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_is_the_largest_number_is_a_conflict_and_no_fault_of_the_server() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    let mut ada = w.device("ada", "desk").await;
    w.sync(&mut ada, &[]).await;
    let task = ada.held.get("Task/r1-task").cloned().expect("in the queue");

    let change = ada.op(&claimed(task, "ada"), Some(&i64::MAX.to_string()), None);
    let answer = w.sync(&mut ada, &[change]).await;

    assert_eq!(answer.results.iter().map(|r| r.status).collect::<Vec<_>>(), [412]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_whose_media_type_is_no_header_are_given_as_bytes() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let photo = json!({"resourceType": "Binary", "id": "b1", "contentType": "image/jpeg\nx: y", "data": "AAAA",
        "securityContext": {"reference": "Patient/dana"}});
    let change = dana.op(&photo, None, None);
    assert_eq!(w.sync(&mut dana, &[change]).await.results[0].status, 201);

    let request = Request::get("/fhir/Binary/b1").header("authorization", format!("Bearer {}", dana.token));
    let (status, _) = w.send(request.body(Body::empty()).expect("request")).await;

    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_html_ends_the_exchange() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let op = dana.op(&bite("r1", Some("dana")), None, None);

    let (status, text) = w
        .post_sync(&dana, format!("{op}\n<html>captive portal</html>\n"))
        .await;

    assert_eq!(status, StatusCode::OK);
    let synced = dana.take(&text);
    assert_eq!(synced.results.len(), 1);
    assert!(!synced.done && dana.cursor.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_for_a_colleague_names_its_author_only() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let mut report = bite("r1", None);
    report["author"] = json!({"reference": "Patient/dana"});
    report["item"]
        .as_array_mut()
        .expect("items")
        .push(json!({"linkId": "colleague", "answer": [{"valueString": "Sam Reyes"}]}));
    let entry = review("r1", None, Priority::Urgent);
    let ops = [dana.op(&report, None, Some(1)), dana.op(&entry, None, Some(1))];

    let synced = w.sync(&mut dana, &ops).await;

    assert_eq!(
        synced.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [201, 201],
        "{:?}",
        synced.results
    );
    assert_eq!(dana.ids("Task"), Vec::<&str>::new());
    let mut ada = w.device("ada", "desk").await;
    w.sync(&mut ada, &[]).await;
    assert_eq!(ada.ids("QuestionnaireResponse"), ["r1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn worse_raises_the_entry_and_opens_it_again() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Urgent);
    w.sync(&mut dana, &ops).await;
    let mut done = claimed_by_ada(&w).await;
    done["status"] = json!("completed");
    w.put(done).await;

    let worse = addition_to_fhir(
        &ReportId::parse("a1").expect("id"),
        &ReportId::parse("r1").expect("id"),
        AdditionKind::Worse,
        Some("swollen now"),
        crate::world::stamp(),
        Some(&PatientId::parse("dana").expect("id")),
    );
    let op = dana.op(&worse, None, None);
    let synced = w.sync(&mut dana, &[op]).await;

    assert_eq!(synced.results.first().map(|r| r.status), Some(201));
    let entry = w.tasks("review-report").await.pop().expect("a task");
    assert_eq!(
        (text(&entry, "priority"), text(&entry, "status")),
        ("asap", "requested")
    );
    assert_eq!(entry.get("owner"), None);
}

async fn claimed_by_ada(w: &World) -> serde_json::Value {
    crate::world::claimed(w.tasks("review-report").await.pop().expect("a task"), "ada")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_task_gets_one() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let op = dana.op(&bite("r1", Some("dana")), None, None);

    w.sync(&mut dana, &[op]).await;

    let tasks = w.tasks("review-report").await;
    assert_eq!(tasks.len(), 1);
    assert!(dana
        .held
        .contains_key(&tasks.first().map(name).unwrap_or_default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_of_the_symptom_checker_reach_every_device_and_other_forms_none() {
    let w = World::new().await;
    let release = hms_model::map::pack::PackRelease {
        hash: "ab".repeat(32),
        file: Some("AAAA".into()),
        ..Default::default()
    };
    w.put(hms_model::map::pack::to_fhir(&release)).await;
    w.put(json!({ "resourceType": "Questionnaire", "id": "form", "status": "active" }))
        .await;

    for (who, device) in [("dana", "phone"), ("ada", "desk"), ("max", "office")] {
        let mut device = w.device(who, device).await;
        w.sync(&mut device, &[]).await;
        assert_eq!(
            device.ids("Questionnaire"),
            ["pack-abababababababababababababababab"],
            "{who}"
        );
        // Nobody puts one there but a system: clinicians sign, they do not publish.
        let (status, _) = w
            .put_as(&device, &hms_model::map::pack::to_fhir(&release), None)
            .await;
        assert!(
            status == StatusCode::FORBIDDEN || status == StatusCode::NOT_FOUND,
            "{who}: {status}"
        );
    }
}
