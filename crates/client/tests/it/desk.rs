//! Two desks and a phone: who has a case, what was ordered and sent is in the chart on both, and calls get through
//! where WebSockets do not.

use hms_client::{AlertKind, Client, ClientEvent, MediaChoice, SyntheticSide};
use hms_model::form::AnswerForm;
use hms_model::report::BodyPart;
use hms_model::view::{ErrorCode, QueueItemView, VisitState};

use crate::proxy::{Fate, Proxy};
use crate::world::{report_bite, sign_in, until, World};

async fn entry(desk: &Client) -> QueueItemView {
    until(desk, async || {
        let queue = desk.queue().await.expect("the queue");
        queue.items.into_iter().find(|item| item.name == "Dana Reyes")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_desk_reads_who_has_the_case_and_what_was_done() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    let ada = world.person("ada").await;
    let nora = world.person("nora").await;
    report_bite(&dana).await;
    dana.sync_now().await.expect("syncs");
    let task = entry(&ada).await.task;
    assert!(entry(&nora).await.unseen, "nobody has opened it yet");

    ada.queue_claim(task.clone()).await.expect("claimed");

    let refused = nora.queue_claim(task.clone()).await;
    assert_eq!(refused.expect_err("somebody has it").code, ErrorCode::Taken);
    let seen = until(&nora, async || {
        let queue = nora.queue().await.expect("the queue");
        let item = queue.items.into_iter().find(|item| item.task == task)?;
        item.claimed_by.is_some().then_some(item)
    })
    .await;
    assert_eq!(seen.claimed_by.as_deref(), Some("Ada Okafor"));
    assert!(!seen.mine && !seen.unseen);
    let chart = nora.chart(task.clone()).await.expect("she may read it");
    assert_eq!((chart.sent_911_at, chart.orders.len()), (None, 0));

    let sites = ada.imaging_sites(task.clone()).await.expect("sites");
    let nearest = sites.first().expect("a site").clone();
    assert!(sites.is_sorted_by(|a, b| a.distance_km <= b.distance_km));
    let ordered = ada
        .order_imaging(task.clone(), nearest.id.clone(), BodyPart::Hand)
        .await;
    assert_eq!(ordered.expect("ordered").orders.len(), 1);
    let sent = ada.send_911(task.clone()).await.expect("recorded");
    assert!(sent.sent_911_at.is_some());
    ada.sync_now().await.expect("syncs");
    assert_eq!(ada.outbox().await.expect("outbox"), [], "the server took both");

    // The other desk has it from the server, and so has the first one after it starts anew.
    let chart = until(&nora, async || {
        nora.sync_now().await.expect("syncs");
        let chart = nora.chart(task.clone()).await.expect("the chart");
        (chart.sent_911_at.is_some() && !chart.orders.is_empty()).then_some(chart)
    })
    .await;
    assert_eq!(chart.sent_911_at, sent.sent_911_at);
    assert_eq!(chart.orders[0].site, nearest.name);
    for client in [dana, ada, nora] {
        client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_calls_for_the_nurse_and_stays_unseen_until_somebody_opens_it() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    let nora = world.person("nora").await;
    let mut events = nora.events();
    let report = report_bite(&dana).await;
    // The first warning sign of each question raises the entry to the highest urgency.
    let mut check = dana
        .triage_start(Some(report.id.clone()), None)
        .await
        .expect("a check");
    while let Some(question) = check.question.clone() {
        let first = question.options.first().map(|option| option.code.clone());
        let answer = match (question.kind.as_str(), first) {
            ("boolean", _) => AnswerForm::Boolean(true),
            ("multi", Some(code)) => AnswerForm::Multi(vec![code]),
            _ => AnswerForm::Unknown,
        };
        check = dana
            .triage_answer(check.id.clone(), question.id, answer)
            .await
            .expect("taken");
    }
    dana.sync_now().await.expect("syncs");

    let item = until(&nora, async || {
        let queue = nora.queue().await.expect("the queue");
        let item = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        (item.priority == "stat").then_some(item)
    })
    .await;
    assert!(item.unseen);
    let rung = async {
        loop {
            if let Ok(ClientEvent::Alert { kind }) = events.recv().await {
                return kind;
            }
        }
    };
    let rung = tokio::time::timeout(std::time::Duration::from_secs(20), rung).await;
    assert_eq!(rung.expect("it calls for attention"), AlertKind::UrgentCase);
    nora.queue_claim(item.task.clone()).await.expect("claimed");
    let queue = nora.queue().await.expect("the queue");
    assert!(queue
        .items
        .iter()
        .all(|other| other.task != item.task || !other.unseen));
    dana.shutdown().await;
    nora.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_without_websockets_still_rings_and_carries_words() {
    let world = World::new().await;
    let mut phone = world.profile("dana");
    let direct = phone.server.clone();
    let proxy = Proxy::before(&direct, |request| match request.line.starts_with("GET /signal") {
        true => Fate::Answer(403),
        false => Fate::Pass,
    })
    .await;
    phone.server = proxy.provisioning(&direct);
    let dana = phone.start().await;
    sign_in(&dana, &phone, "dana").await;
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
        let item = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        item.signal
            .is_some_and(|signal| signal.connected)
            .then_some(item.task)
    })
    .await;
    ada.queue_claim(task.clone()).await.expect("claimed");

    ada.visit_call(task).await.expect("calls");

    let state = async |side: &Client, wanted: VisitState| {
        until(side, async || {
            (side.visit().await.expect("the call").state == wanted).then_some(())
        })
        .await;
    };
    state(&dana, VisitState::RingingIn).await;
    dana.visit_accept().await.expect("answered");
    state(&ada, VisitState::InCall).await;
    state(&dana, VisitState::InCall).await;
    dana.visit_text("I can read you".into()).await.expect("sent");
    until(&ada, async || {
        let view = ada.visit().await.expect("the call");
        view.texts
            .iter()
            .any(|line| !line.mine && line.text == "I can read you")
            .then_some(())
    })
    .await;
    dana.visit_leave().await.expect("left");
    state(&ada, VisitState::Ended).await;
    assert!(proxy
        .fates("GET /signal")
        .iter()
        .all(|fate| *fate == Fate::Answer(403)));
    assert!(!proxy.fates("/signal/poll").is_empty(), "by long poll");
    dana.shutdown().await;
    ada.shutdown().await;
}
