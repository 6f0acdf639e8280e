//! The check against the server, by the client itself: what the sync lost is found and fetched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::proxy::{Fate, Proxy};
use crate::world::{report_bite, sign_in, until, World, PASSPHRASE};

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_lost_on_the_way_is_found_by_the_check_and_fetched() {
    let world = World::new().await;
    let one = world.person("dana").await;
    report_bite(&one).await;
    until(&one, async || {
        one.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
    let mut second = world.profile("dana-at-home");
    let direct = second.server.clone();
    let loses = Arc::new(AtomicBool::new(true));
    let is_losing = Arc::clone(&loses);
    let proxy = Proxy::before(&direct, move |request| {
        match request.line.contains("$hms-sync ") && is_losing.load(Ordering::SeqCst) {
            true => Fate::Blank("\"resourceType\":\"QuestionnaireResponse\""),
            false => Fate::Pass,
        }
    })
    .await;
    second.server = proxy.provisioning(&direct);
    let two = second.start().await;
    sign_in(&two, &second, "dana").await;

    // The first exchange of a new store ends with a check.
    let reports = until(&two, async || {
        Some(two.reports().await.expect("reports")).filter(|reports| !reports.is_empty())
    })
    .await;

    assert_eq!(reports.len(), 1);
    let found = until(&two, async || {
        two.app_state().await.expect("state").network.checked
    })
    .await;
    assert_eq!(found.mended, 1);
    assert!(proxy
        .fates("$hms-sync ")
        .iter()
        .all(|fate| matches!(fate, Fate::Blank(_))));
    // Compared, listed; fetched; compared again.
    let checked = proxy.fates("$hms-sync-digest ").len();
    assert_eq!(checked, 3);

    // Nothing is asked until a week is over or a person asks; then one question is enough.
    loses.store(false, Ordering::SeqCst);
    two.sync_now().await.expect("syncs");
    assert_eq!(proxy.fates("$hms-sync-digest ").len(), checked);
    let app = two.check_records().await.expect("checks");
    let shown = app.network.checked.expect("shown");
    assert_eq!((shown.mended, shown.records > 1), (0, true));
    assert_eq!(proxy.fates("$hms-sync-digest ").len(), checked + 1);
    two.sync_now().await.expect("syncs");
    assert_eq!(proxy.fates("$hms-sync-digest ").len(), checked + 1);
    // A week later; no app stays open for so long.
    two.lock().await.expect("locked");
    second.clock.off_by(WEEK_MS + 60_000);
    assert!(two.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    until(&two, async || {
        two.sync_now().await.expect("syncs");
        (proxy.fates("$hms-sync-digest ").len() > checked + 1).then_some(())
    })
    .await;
    two.sync_now().await.expect("syncs");
    assert_eq!(proxy.fates("$hms-sync-digest ").len(), checked + 2);
    two.shutdown().await;
    one.shutdown().await;
}
