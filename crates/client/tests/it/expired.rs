//! A token that ends in the middle of an exchange: refreshed, the exchange goes on, and nothing arrives twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::proxy::{Fate, Proxy};
use crate::world::{fill_in, photo, report_bite, sign_in, sync_until_sent, until, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_between_push_and_pull_is_refreshed_and_nothing_arrives_twice() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    // The report goes up and the server stores it; its answer breaks off after the first result, before any change
    // comes down. From then on the server does not know the token any more, until it is refreshed.
    let (armed, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (arm, end) = (Arc::clone(&armed), Arc::clone(&ended));
    let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = Arc::clone(&tokens);
    let proxy = Proxy::before(&direct, move |request| {
        if !arm.load(Ordering::SeqCst) || !request.line.contains("$hms-sync ") {
            return Fate::Pass;
        }
        list.lock().expect("list").push(request.token.clone());
        match end.fetch_add(1, Ordering::SeqCst) {
            0 => Fate::CutAfter("\"op\""),
            1 => Fate::Answer(401),
            _ => Fate::Pass,
        }
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");

    armed.store(true, Ordering::SeqCst);
    let began = std::time::Instant::now();
    let sent = report_bite(&dana).await;

    sync_until_sent(&dana, &sent.id).await;
    until(&dana, async || {
        dana.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
    assert!(
        began.elapsed() < std::time::Duration::from_secs(20),
        "what waited two seconds goes when they are over"
    );
    let fates = proxy.fates("$hms-sync ");
    assert!(
        fates.contains(&Fate::CutAfter("\"op\"")) && fates.contains(&Fate::Answer(401)),
        "{fates:?}"
    );
    let tokens = tokens.lock().expect("list").clone();
    assert!(tokens[1] != tokens[2], "the refused token is not tried again");
    assert!(tokens[2..].iter().all(|t| *t == tokens[2]), "one refresh");
    let app = dana.app_state().await.expect("state");
    assert_eq!((app.network.problem, app.unsent), (None, 0));
    assert_eq!(dana.reports().await.expect("reports").len(), 1);

    // The desk has it once, in the first version.
    let ada = world.person("ada").await;
    let entries = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let entries: Vec<_> = queue
            .items
            .into_iter()
            .filter(|item| item.name == "Dana Reyes")
            .collect();
        (!entries.is_empty()).then_some(entries)
    })
    .await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    dana.shutdown().await;
    ada.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_before_the_photo_is_refreshed_and_the_photo_follows() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let mut refused = false;
    let proxy = Proxy::before(&direct, move |request| {
        if refused || !request.line.starts_with("PATCH /api/uploads/") {
            return Fate::Pass;
        }
        refused = true;
        Fate::Answer(401)
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let draft = fill_in(&dana).await;
    photo(&dana, &draft).await;

    let sent = dana.report_send(draft).await.expect("sent");

    sync_until_sent(&dana, &sent.id).await;
    assert_eq!(
        proxy.fates("PATCH /api/uploads/"),
        [Fate::Answer(401), Fate::Pass]
    );
    dana.shutdown().await;
}
