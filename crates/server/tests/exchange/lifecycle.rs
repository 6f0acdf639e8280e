//! The life of a device: copied to a second phone, its access taken away with work still on it.

use crate::sealed::{entry, post};
use crate::world::{bite, Device, World};
use axum::http::StatusCode;
use hms_model::map::task::Priority;
use hms_model::wire::session::{SealedEntry, WireSealedResult};
use hms_model::wire::sync::DEVICE_CLONED;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts;
use hms_server::service::escrow;
use serde_json::{json, Value};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_phone_with_the_same_data_is_told_and_neither_loses_a_report() {
    let w = World::new().await;
    let mut phone = w.device("dana", "phone").await;
    let mut copy = Device {
        token: phone.token.clone(),
        device: phone.device.clone(),
        cursor: None,
        held: std::collections::BTreeMap::new(),
        next_op: phone.next_op,
    };
    // Both write under the same numbers.
    let mine = phone.report_ops("r1", "dana", Priority::Urgent);
    let theirs = copy.report_ops("r2", "dana", Priority::Urgent);
    w.sync(&mut phone, &mine).await;

    let told = w.sync(&mut copy, &theirs).await;

    let statuses: Vec<u16> = told.results.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [421, 421], "the whole group comes again");
    let outcome = told.results[0].outcome.as_ref().expect("why");
    assert_eq!(outcome["issue"][0]["diagnostics"], DEVICE_CLONED);
    // What was sent already is still answered with its first result.
    let again = w.sync(&mut phone, &mine).await;
    assert_eq!(
        again.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [201, 201]
    );

    // Under an id of its own the copy sends everything, also what the first phone sent.
    let mut own = w.device("dana", "phone-2").await;
    own.next_op = 1;
    let mut all = own.report_ops("r1", "dana", Priority::Urgent);
    all.extend(own.report_ops("r2", "dana", Priority::Urgent));
    let sent = w.sync(&mut own, &all).await;

    assert_eq!(
        sent.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [200, 200, 201, 201]
    );
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 2);
    assert_eq!(w.tasks("review-report").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_base_makes_no_other_change_of_it() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let mut op = dana.op(&bite("r1", Some("dana")), None, None);
    let first = w.sync(&mut dana, std::slice::from_ref(&op)).await;
    op["base"] = json!("7");

    let again = w.sync(&mut dana, &[op]).await;

    assert_eq!(first.results, again.results);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_of_somebody_else_on_a_device_takes_nothing_from_who_is_signed_in_there() {
    let w = World::new().await;
    let _dana = w.device("dana", "phone").await;
    let _sam = w.device("sam", "phone").await;
    let report = |id: &str, user: &str| SealedEntry {
        resources: vec![bite(id, None)],
        device: "phone".to_owned(),
        user: Some(user.to_owned()),
        draft: false,
    };
    let sent = [
        entry(&w, "r1", &report("r1", "u-dana")),
        // Never signed in there: to name an account proves nothing.
        entry(&w, "r2", &report("r2", "u-lee")),
    ];

    post(&w, &sent).await;

    let stored = w.stored("QuestionnaireResponse").await;
    let of = |id: &str| {
        stored
            .iter()
            .find(|r| r["id"] == id)
            .map(|r| r["subject"]["reference"].clone())
    };
    assert_eq!(of("r1"), Some(json!("Patient/dana")));
    assert_eq!(of("r2"), Some(Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsent_work_of_a_device_that_was_taken_away_is_handed_in_and_can_be_read() {
    let w = World::new().await;
    let desk = w.device("ada", "desk").await;
    w.change(|tx| {
        accounts::revoke_device(tx, "desk", &AuditAgent::service())?;
        accounts::set_disabled(tx, "ada", true, &AuditAgent::service()).expect("disabled");
        Ok(())
    })
    .await;
    let (status, _) = w.post_sync(&desk, crate::world::up(&[], None)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let note = json!({"resourceType": "Composition", "id": "n1", "status": "preliminary",
        "title": "the dog's owner was told"});
    let inside = SealedEntry {
        resources: vec![note.clone()],
        device: "desk".to_owned(),
        user: Some("u-ada".to_owned()),
        draft: true,
    };
    let sent = entry(&w, "desk-op-7", &inside);

    let (_, first) = post(&w, std::slice::from_ref(&sent)).await;
    let (_, again) = post(&w, &[sent]).await;

    let statuses = |results: &[WireSealedResult]| results.iter().map(|r| r.status).collect::<Vec<_>>();
    assert_eq!(statuses(&first), [201], "a receipt");
    assert_eq!(statuses(&again), [200], "and the same again");
    assert_eq!(
        w.stored("Composition").await,
        Vec::<Value>::new(),
        "nothing is done with it by itself"
    );
    let kept = escrow::list(&w.app).await.expect("a list");
    assert_eq!(
        kept.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["desk-op-7"]
    );
    let opened = escrow::open(&w.app, "desk-op-7", &AuditAgent::service())
        .await
        .expect("a read")
        .expect("there");
    assert_eq!(opened.resources, [note]);
}
