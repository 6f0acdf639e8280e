//! Dana reports that somebody else is hurt: the right supervisor is told, and nobody else.

use crate::world::{bite, review, text, World};
use axum::http::StatusCode;
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
