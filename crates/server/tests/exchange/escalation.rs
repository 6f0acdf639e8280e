//! Emergencies that nobody opens.

use crate::world::{claimed, text, World};
use hms_model::map::task::Priority;
use hms_server::jobs::escalation::escalate;

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_that_nobody_opens_for_two_minutes_goes_to_the_nurses_once() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Stat);
    w.sync(&mut dana, &ops).await;

    w.app.clock.advance(119_000);
    assert_eq!(escalate(&w.app).await.expect("looked"), 0);
    w.app.clock.advance(1_000);
    assert_eq!(escalate(&w.app).await.expect("looked"), 1);
    w.app.clock.advance(600_000);
    assert_eq!(escalate(&w.app).await.expect("looked"), 0);

    let mut nora = w.device("nora", "desk").await;
    w.sync(&mut nora, &[]).await;
    let made = w.tasks("escalation").await;
    assert_eq!(made.len(), 1);
    let made = made.first().expect("made");
    assert_eq!(
        (text(made, "priority"), text(made, "status")),
        ("stat", "requested")
    );
    assert!(nora.held.contains_key(&crate::world::name(made)));

    w.put(claimed(
        w.tasks("review-report").await.pop().expect("a task"),
        "ada",
    ))
    .await;
    assert_eq!(
        w.tasks("escalation")
            .await
            .first()
            .map(|t| text(t, "status").to_owned())
            .as_deref(),
        Some("completed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_claimed_or_not_an_emergency_is_left_alone() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let mut ops = dana.report_ops("r1", "dana", Priority::Stat);
    ops.extend(dana.report_ops("r2", "dana", Priority::Asap));
    w.sync(&mut dana, &ops).await;
    let stat = w
        .tasks("review-report")
        .await
        .into_iter()
        .find(|t| text(t, "priority") == "stat")
        .expect("a task");
    w.put(claimed(stat, "ada")).await;

    w.app.clock.advance(3_600_000);

    assert_eq!(escalate(&w.app).await.expect("looked"), 0);
}
