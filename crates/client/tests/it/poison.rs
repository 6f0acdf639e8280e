//! One entry that makes the server refuse whatever it is in: found by halving, kept for a person; the rest goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use hms_model::form::ReportStepForm;
use hms_model::view::SendState;

use crate::proxy::{Fate, Proxy};
use crate::world::{fill_in, sign_in, sync_until_sent, until, World};

#[tokio::test(flavor = "multi_thread")]
async fn one_entry_that_poisons_every_batch_is_set_apart_and_the_rest_arrives() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let away = Arc::new(AtomicBool::new(false));
    let is_away = Arc::clone(&away);
    let proxy = Proxy::before(&direct, move |request| {
        match request.line.contains("$hms-sync ") {
            true if is_away.load(Ordering::SeqCst) => Fate::Answer(503),
            true if request.body.contains("poison") => Fate::Answer(422),
            _ => Fate::Pass,
        }
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");
    away.store(true, Ordering::SeqCst);
    let mut ids = Vec::new();
    for n in 0..9 {
        let draft = fill_in(&dana).await;
        let text = if n == 4 {
            "poison".to_owned()
        } else {
            format!("note {n}")
        };
        let note = ReportStepForm::Note { text: Some(text) };
        dana.report_step(draft.clone(), note).await.expect("kept");
        ids.push(dana.report_send(draft).await.expect("saved").id);
    }

    away.store(false, Ordering::SeqCst);

    let reports = until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        let reports = dana.reports().await.expect("reports");
        let settled = |send: &SendState| matches!(send, SendState::Sent { .. } | SendState::Attention { .. });
        reports.iter().all(|r| settled(&r.send)).then_some(reports)
    })
    .await;
    for report in &reports {
        let poison = report.id == ids[4];
        assert_eq!(
            matches!(report.send, SendState::Attention { .. }),
            poison,
            "{:?}",
            report.send
        );
    }
    let outbox = dana.outbox().await.expect("outbox");
    assert_eq!(outbox.iter().map(|item| &item.id).collect::<Vec<_>>(), [&ids[4]]);
    let app = dana.app_state().await.expect("state");
    assert_eq!(app.network.problem, None, "the link itself is fine");
    let refusals = proxy
        .fates("$hms-sync ")
        .iter()
        .filter(|fate| **fate == Fate::Answer(422))
        .count();
    assert!(refusals <= 9, "{refusals} tries to find it");
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_every_exchange_makes_no_entry_a_bad_one() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let refuses = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&refuses);
    let proxy = Proxy::before(&direct, move |request| {
        match request.line.contains("$hms-sync ") && does.load(Ordering::SeqCst) {
            true => Fate::Answer(403),
            false => Fate::Pass,
        }
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");
    refuses.store(true, Ordering::SeqCst);
    let draft = fill_in(&dana).await;
    let sent = dana.report_send(draft).await.expect("saved");
    dana.sync_now().await.expect("tried");

    let waiting = dana.report(sent.id.clone()).await.expect("there");
    assert!(
        matches!(waiting.send, SendState::Queued { .. } | SendState::Sending { .. }),
        "{:?}",
        waiting.send
    );

    refuses.store(false, Ordering::SeqCst);
    sync_until_sent(&dana, &sent.id).await;
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_patience_is_left_alone_until_a_person_asks() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let busy = Arc::new(AtomicBool::new(false));
    let is_busy = Arc::clone(&busy);
    let proxy = Proxy::before(&direct, move |request| {
        match request.line.contains("$hms-sync ") && is_busy.load(Ordering::SeqCst) {
            true => Fate::Wait(503, 300),
            false => Fate::Pass,
        }
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");
    busy.store(true, Ordering::SeqCst);
    dana.sync_now().await.expect("tried");
    let tried = proxy.fates("$hms-sync ").len();
    let draft = fill_in(&dana).await;
    let sent = dana.report_send(draft).await.expect("saved");
    // The look for the server finds it; that alone sends nothing.
    until(&dana, async || {
        let network = dana.app_state().await.expect("state").network;
        network.problem.is_none().then_some(())
    })
    .await;
    dana.outbox().await.expect("outbox");
    assert_eq!(proxy.fates("$hms-sync ").len(), tried);

    busy.store(false, Ordering::SeqCst);
    dana.sync_now().await.expect("syncs");

    let report = dana.report(sent.id).await.expect("there");
    assert!(matches!(report.send, SendState::Sent { .. }), "{:?}", report.send);
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_another_exchange_is_not_taken_for_a_receipt() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let strays = Arc::new(AtomicBool::new(false));
    let is_stray = Arc::clone(&strays);
    let proxy = Proxy::before(&direct, move |request| {
        match request.line.contains("$hms-sync ") && is_stray.load(Ordering::SeqCst) {
            true => Fate::Stray,
            false => Fate::Pass,
        }
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");
    strays.store(true, Ordering::SeqCst);

    let draft = fill_in(&dana).await;
    let sent = dana.report_send(draft).await.expect("saved");
    dana.sync_now().await.expect("tried");

    let waiting = dana.report(sent.id.clone()).await.expect("there");
    assert!(
        matches!(waiting.send, SendState::Queued { .. }),
        "{:?}",
        waiting.send
    );
    assert!(proxy.fates("$hms-sync ").contains(&Fate::Stray));

    strays.store(false, Ordering::SeqCst);
    sync_until_sent(&dana, &sent.id).await;
    dana.shutdown().await;
}
