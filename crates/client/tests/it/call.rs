//! A call from the desk to the phone, through the server's signalling, with synthetic devices on both sides.

use hms_client::{MediaChoice, SyntheticSide};
use hms_model::view::VisitState;

use crate::world::{report_bite, sign_in, until, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_calls_the_phone_rings_and_pictures_flow_both_ways() {
    std::env::set_var("HMS_CALL_PICTURE", "small");
    let world = World::new().await;
    let dana = world.person("dana").await;
    let mut desk = world.profile("ada");
    desk.media = MediaChoice::Synthetic {
        side: SyntheticSide::Clinician,
    };
    let ada = desk.start().await;
    sign_in(&ada, &desk, "ada").await;
    report_bite(&dana).await;
    dana.sync_now().await.expect("syncs");
    let task = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let entry = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        entry
            .signal
            .is_some_and(|signal| signal.connected)
            .then_some(entry.task)
    })
    .await;
    ada.queue_claim(task.clone()).await.expect("claimed");

    let calling = ada.visit_call(task.clone()).await.expect("calls");
    assert_eq!(calling.peer.as_deref(), Some("Dana Reyes"));
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.state == VisitState::RingingIn).then_some(())
    })
    .await;
    dana.visit_accept().await.expect("answered");

    for side in [&dana, &ada] {
        let view = until(side, async || {
            let view = side.visit().await.expect("the call");
            (view.state == VisitState::InCall && view.frame_numbers >= 10).then_some(view)
        })
        .await;
        assert!(
            view.peer_synthetic && view.synthetic,
            "both stand-ins are named: {view:?}"
        );
    }
    ada.visit_text("Can you hear me?".into()).await.expect("sent");
    dana.visit_mute(true).await.expect("muted");
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        view.texts
            .iter()
            .any(|line| !line.mine && line.text == "Can you hear me?")
            .then_some(())
    })
    .await;
    until(&ada, async || {
        ada.visit().await.expect("the call").peer_muted.then_some(())
    })
    .await;

    let form = hms_model::form::IntakeForm {
        identified_by: vec!["name".into(), "birth-date".into()],
        place: "RR 7, box 112".into(),
        callback: "555-0173".into(),
        with: "alone".into(),
        consent: true,
        interpreter: "none".into(),
    };
    let chart = ada.intake_save(task.clone(), form).await.expect("kept");
    assert!(chart.intake.is_some_and(|intake| intake.saved && intake.consent));

    dana.visit_leave().await.expect("left");
    until(&ada, async || {
        (ada.visit().await.expect("the call").state == VisitState::Ended).then_some(())
    })
    .await;
    dana.shutdown().await;
    ada.shutdown().await;
}
