//! What a symptom check takes from what is known already, and from whom.

use hms_client::Client;
use hms_model::form::AnswerForm;
use hms_model::view::TriageView;

use crate::world::World;

/// Answers everything with "none of these" and "no".
async fn calm(client: &Client, mut check: TriageView) -> TriageView {
    while let Some(question) = check.question.clone() {
        let answer = match question.kind.as_str() {
            "multi" => AnswerForm::Multi(Vec::new()),
            "boolean" => AnswerForm::Boolean(false),
            _ => AnswerForm::Unknown,
        };
        let answered = client.triage_answer(check.id.clone(), question.id, answer).await;
        check = answered.expect("taken");
    }
    check
}

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
