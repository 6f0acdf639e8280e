//! Packed bodies, and what stands between that does not let them through (faults N2 and N5).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use hms_client::Client;
use hms_model::view::SendState;

use crate::proxy::{Fate, Proxy};
use crate::world::{report_bite, sign_in, until, Profile, World};

async fn all_sent(dana: &Client, reports: usize) {
    until(dana, async || {
        let list = dana.reports().await.expect("reports");
        let sent = list.iter().filter(|r| matches!(r.send, SendState::Sent { .. }));
        (sent.count() == reports).then_some(())
    })
    .await;
    assert!(dana.outbox().await.expect("outbox").is_empty());
}

/// Dana behind a proxy that does this to each exchange whose request or answer is packed.
async fn behind(world: &World, fate: Fate) -> (Profile, Proxy, Arc<AtomicUsize>) {
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let packed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&packed);
    let proxy = Proxy::before(&direct, move |request| {
        if !request.line.contains("$hms-sync") {
            return Fate::Pass;
        }
        count.fetch_add(usize::from(request.packed), Ordering::SeqCst);
        match (&fate, request.packed, request.takes_packed) {
            (Fate::StripUp | Fate::Answer(_), false, _) | (_, _, false) => Fate::Pass,
            (fate, _, _) => fate.clone(),
        }
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    (profile, proxy, packed)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_go_up_packed_once_the_server_has_named_the_dictionary() {
    let world = World::new().await;
    let (profile, _proxy, packed) = behind(&world, Fate::Pass).await;
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");

    report_bite(&dana).await;
    all_sent(&dana, 1).await;

    assert!(packed.load(Ordering::SeqCst) >= 1);
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_spoils_packed_bodies_is_got_around_by_plain_ones_at_once() {
    for fate in [
        Fate::StripDown,
        Fate::StripUp,
        Fate::Noise,
        Fate::Answer(400),
        Fate::Answer(403),
        Fate::Answer(415),
        Fate::Media("application/x-ndjson; charset=utf-16"),
        Fate::Media("application/octet-stream"),
    ] {
        let world = World::new().await;
        let (profile, proxy, packed) = behind(&world, fate.clone()).await;
        let dana = profile.start().await;
        sign_in(&dana, &profile, "dana").await;
        dana.sync_now().await.expect("syncs");
        report_bite(&dana).await;
        dana.sync_now().await.expect("syncs");
        all_sent(&dana, 1).await;

        report_bite(&dana).await;
        all_sent(&dana, 2).await;

        let fates = proxy.fates("$hms-sync ");
        let spoiled = fates.iter().filter(|seen| **seen == fate).count();
        assert!((1..=2).contains(&spoiled), "{fate:?}: {fates:?}");
        assert!(packed.load(Ordering::SeqCst) <= 2, "{fate:?}");
        let app = dana.app_state().await.expect("state");
        assert_eq!((app.network.problem, app.unsent), (None, 0), "{fate:?}");
        dana.shutdown().await;
    }
}

/// Figures of docs/benchmarks.md; `--nocapture` prints them. The proxy asks for `Connection: close`, whose answer is 19
/// bytes that a connection that stays does not have.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_with_nothing_new_is_one_small_round_trip() {
    let world = World::new().await;
    let (profile, proxy, _) = behind(&world, Fate::Pass).await;
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    until(&dana, async || {
        dana.app_state().await.expect("state").network.checked
    })
    .await;
    dana.sync_now().await.expect("syncs");
    // The line counts a request once its connection is closed, which is after the phone has read the answer.
    let counted = async || {
        until(&dana, async || {
            let fhir = |line: &str| line.contains("/fhir");
            let mut passed = proxy.bytes();
            passed.retain(|(line, ..)| fhir(line));
            (passed.len() == proxy.fates("/fhir").len()).then_some(passed)
        })
        .await
    };
    let before = counted().await.len();

    dana.sync_now().await.expect("syncs");

    let requests = counted().await.split_off(before);
    assert_eq!(requests.len(), 1, "{requests:?}");
    let (line, up, down) = &requests[0];
    println!("{line}: {up} bytes up, {} down", down - 19);
    assert!(line.contains("$hms-sync ") && up + down < 900, "{requests:?}");

    report_bite(&dana).await;
    all_sent(&dana, 1).await;
    let all = proxy.bytes();
    for (line, up, down) in all.iter().filter(|(line, ..)| line.contains("hms-sync")) {
        println!("{line}: {up} bytes up, {} down", down - 19);
    }
    let check = all
        .iter()
        .find(|(line, ..)| line.contains("$hms-sync-digest"))
        .expect("checked");
    assert!(check.1 + check.2 < 10_000, "{check:?}");
    dana.shutdown().await;
}
