//! A record that was deleted and comes again under its own name; a server whose clock goes back; two who need a token at
//! once.

use crate::world::{bite, name, Device, World};
use axum::http::StatusCode;
use hms_server::audit::{verify, Verdict};
use hms_server::db::DbError;
use serde_json::{json, Value};

fn on_its_deletion(device: &mut Device, resource: &Value) -> Value {
    device.op(resource, Some("deleted"), None)
}

async fn delete(w: &World, kind: &'static str, id: &'static str) {
    w.change(move |tx| tx.delete(kind, id, None).map(drop)).await;
}

#[tokio::test]
async fn what_a_person_keeps_after_a_deletion_is_there_again_under_its_name() {
    let w = World::new().await;
    let (mut phone, mut second) = (w.device("dana", "phone").await, w.device("dana", "second").await);
    let report = bite("r1", Some("dana"));
    let first = phone.op(&report, None, None);
    assert_eq!(w.sync(&mut phone, &[first]).await.results[0].status, 201);
    w.sync(&mut second, &[]).await;
    delete(&w, "QuestionnaireResponse", "r1").await;
    w.sync(&mut second, &[]).await;
    assert_eq!(second.ids("QuestionnaireResponse"), Vec::<&str>::new());

    // Without a word about the deletion it is refused, as ever: nobody has seen that it was deleted.
    let blind = phone.op(&bite_with(&report, "kept"), None, None);
    assert_eq!(w.sync(&mut phone, &[blind]).await.results[0].status, 410);
    let kept = on_its_deletion(&mut phone, &bite_with(&report, "kept"));
    let made = w.sync(&mut phone, std::slice::from_ref(&kept)).await.results;
    let again = w.sync(&mut phone, &[kept]).await.results;

    assert_eq!((made[0].status, made[0].version.as_deref()), (201, Some("3")));
    assert_eq!(made, again, "asked again it is answered the same");
    w.sync(&mut second, &[]).await;
    let held = &second.held[&name(&report)];
    assert_eq!(note_of(held), Some("kept"));
}

#[tokio::test]
async fn a_deletion_that_was_undone_meanwhile_is_no_way_to_write_over_others() {
    let w = World::new().await;
    let mut phone = w.device("dana", "phone").await;
    let report = bite("r1", Some("dana"));
    let first = phone.op(&report, None, None);
    w.sync(&mut phone, &[first]).await;

    let other = on_its_deletion(&mut phone, &bite_with(&report, "other words"));
    let same = on_its_deletion(&mut phone, &report);
    let results = w.sync(&mut phone, &[other, same]).await.results;
    let stranger = w.device("sam", "sams").await;
    let mut stranger = stranger;
    delete(&w, "QuestionnaireResponse", "r1").await;
    let taken = on_its_deletion(&mut stranger, &bite_with(&report, "mine now"));
    let refused = w.sync(&mut stranger, &[taken]).await.results;

    assert_eq!((results[0].status, results[1].status), (409, 200));
    assert_eq!(refused[0].status, 403, "nobody brings back what is not theirs");
}

fn bite_with(report: &Value, words: &str) -> Value {
    let mut report = report.clone();
    for item in report["item"].as_array_mut().expect("items") {
        if item["linkId"] == "note" {
            item["answer"] = json!([{ "valueString": words }]);
        }
    }
    report
}

fn note_of(report: &Value) -> Option<&str> {
    let items = report["item"].as_array()?;
    let note = items.iter().find(|item| item["linkId"] == "note")?;
    note["answer"][0]["valueString"].as_str()
}

/// Commits are numbered, not dated: a clock that is set right, or wrong, passes nothing over.
#[tokio::test]
async fn a_servers_clock_that_goes_back_loses_no_change_and_signs_nobody_out() {
    const YEAR: i64 = 365 * 86_400_000;
    let w = World::new().await;
    let (mut phone, mut second) = (w.device("dana", "phone").await, w.device("dana", "second").await);
    let mut ada = w.device("ada", "desk").await;
    for (n, turned) in [0, -3_600_000, -10 * YEAR, 5, 10 * YEAR].into_iter().enumerate() {
        w.app.clock.advance(turned);
        let ops = phone.report_ops(&format!("r{n}"), "dana", hms_model::map::task::Priority::Urgent);
        let sent = w.sync(&mut phone, &ops).await;
        assert!(
            sent.results.iter().all(|r| r.status == 201),
            "{n}: {:?}",
            sent.results
        );
        assert!(sent.results[0].receipt.is_some());

        w.sync(&mut second, &[]).await;
        w.sync(&mut ada, &[]).await;

        assert_eq!(second.ids("QuestionnaireResponse").len(), n + 1, "after {turned}");
        assert!(ada.ids("Task").len() > n, "after {turned}");
        let (status, _) = w.get(&phone, "/api/session").await;
        assert_eq!(status, StatusCode::OK, "after {turned}");
    }
    let numbers: std::collections::BTreeSet<String> = w
        .stored("QuestionnaireResponse")
        .await
        .iter()
        .filter_map(|r| r["identifier"]["value"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(
        numbers.len(),
        5,
        "each report has a number of its own: {numbers:?}"
    );
    let verdict: Result<Verdict, DbError> = w.app.db.read(|read| verify(read.conn())).await;
    assert!(matches!(verdict, Ok(Verdict::Intact { .. })), "{verdict:?}");
}

/// Two patients turn out to be one while a phone is away. Nothing of either is rewritten: what the phone still brings of
/// the one that was given up arrives as it was written, and whoever goes on holds both.
#[tokio::test]
async fn what_waits_of_a_patient_who_became_another_arrives_and_is_theirs() {
    let w = World::new().await;
    // The same person had two accounts: Sam's goes on.
    let mut old = w.device("dana", "old-phone").await;
    let mut new = w.device("sam", "new-phone").await;
    let ops = old.report_ops("r-before", "dana", hms_model::map::task::Priority::Urgent);
    w.sync(&mut old, &ops).await;
    w.sync(&mut new, &[]).await;
    assert_eq!(new.ids("QuestionnaireResponse"), Vec::<&str>::new());
    let offline = old.report_ops("r-offline", "dana", hms_model::map::task::Priority::Urgent);

    let mut given_up = patient(&w, "dana").await;
    given_up["active"] = json!(false);
    given_up["link"] = json!([{"other": {"reference": "Patient/sam"}, "type": "replaced-by"}]);
    w.put(given_up).await;
    w.sync(&mut new, &[]).await;
    let arrived = w.sync(&mut old, &offline).await.results;
    w.sync(&mut new, &[]).await;

    assert!(arrived.iter().all(|r| r.status == 201), "{arrived:?}");
    assert_eq!(new.ids("QuestionnaireResponse"), ["r-before", "r-offline"]);
    let held = &new.held["QuestionnaireResponse/r-offline"];
    assert_eq!(held["subject"]["reference"], "Patient/dana", "as it was written");
    let (status, _) = w.get(&new, "/fhir/QuestionnaireResponse/r-offline").await;
    assert_eq!(status, StatusCode::OK);
    // A new device of the one who goes on is given the same.
    let mut fresh = w.device("sam", "fresh").await;
    w.sync(&mut fresh, &[]).await;
    assert_eq!(fresh.held, new.held);

    // It was a mistake: the link is taken back, and what is not Sam's leaves.
    let mut again = patient(&w, "dana").await;
    again.as_object_mut().expect("a resource").remove("link");
    w.put(again).await;
    w.sync(&mut new, &[]).await;
    assert_eq!(new.ids("QuestionnaireResponse"), Vec::<&str>::new());
    let (status, _) = w.get(&new, "/fhir/QuestionnaireResponse/r-offline").await;
    assert_ne!(status, StatusCode::OK);
}

async fn patient(w: &World, id: &str) -> Value {
    let all = w.stored("Patient").await;
    all.into_iter().find(|p| p["id"] == id).expect("a patient")
}
