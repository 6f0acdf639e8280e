//! What a symptom check takes from what is known already, and from whom.

use hms_client::Client;
use hms_model::form::ReportStepForm;
use hms_model::view::TriageView;

use crate::world::{calm, calm_until, fill_in, World};

fn urgency(check: &TriageView) -> String {
    check.outcome.as_ref().expect("a result").urgency.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_danger_in_a_search_raise_the_check_that_starts_from_them() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    dana.triage_search("sore ankle".into()).await.expect("searched");
    let started = dana
        .triage_start(None, Some("limb".into()))
        .await
        .expect("a check");
    let plain = calm(&dana, started).await;

    dana.triage_search("my face went numb and my ankle hurts".into())
        .await
        .expect("searched");
    let started = dana
        .triage_start(None, Some("limb".into()))
        .await
        .expect("a check");
    let raised = calm(&dana, started).await;
    let started = dana
        .triage_start(None, Some("limb".into()))
        .await
        .expect("a check");
    let later = calm(&dana, started).await;

    assert_ne!(urgency(&plain), "call_911");
    assert_eq!(urgency(&raised), "call_911");
    // The words belong to one check; but this is the third within 72 hours, which raises by one step.
    assert_ne!(urgency(&later), "call_911");
    assert_ne!(urgency(&later), urgency(&plain));
}

/// Whether a check of a new bite asks how old the person is.
async fn asks_the_age(client: &Client, colleague: Option<&str>) -> bool {
    let draft = fill_in(client).await;
    if let Some(name) = colleague {
        let step = ReportStepForm::Colleague {
            name: Some(name.into()),
        };
        client.report_step(draft.clone(), step).await.expect("kept");
    }
    let report = client.report_send(draft).await.expect("sent");
    let check = client.triage_start(Some(report.id), None).await.expect("a check");
    calm_until(client, check, |id| id == "age")
        .await
        .question
        .is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_is_not_taken_to_have_the_reporters_age() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    // Her own record, with her age, comes with the first sync.
    dana.sync_now().await.expect("syncs");

    assert!(!asks_the_age(&dana, None).await, "the record tells Dana's age");
    assert!(
        asks_the_age(&dana, Some("Sam Ortiz")).await,
        "nothing tells Sam's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_danger_in_a_reports_note_raise_its_check() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    assert_raised(&dana).await;
    let locked = world.profile("dana-locked");
    let locked = locked.start().await;
    assert_raised(&locked).await;
    let outbox = locked.outbox().await.expect("what waits");
    assert!(!outbox.is_empty(), "nobody has signed in there: it is sealed");
}

/// A report of a bite whose note tells of danger, and the check that starts from it.
async fn assert_raised(dana: &Client) {
    let draft = fill_in(dana).await;
    let step = ReportStepForm::Note {
        text: Some("my throat is closing".into()),
    };
    dana.report_step(draft.clone(), step).await.expect("kept");
    let report = dana.report_send(draft).await.expect("sent");

    let started = dana.triage_start(Some(report.id), None).await.expect("a check");

    // What happened is in the report and is not asked again.
    assert_ne!(
        started.question.as_ref().map(|q| q.id.as_str()),
        Some("complaint")
    );
    assert_eq!(urgency(&calm(dana, started).await), "call_911");
}
