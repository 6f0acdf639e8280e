//! What a phone holds, what it sent and received, and freeing space.

use crate::world::{fill_in, photo, sign_in, sync_until_sent, until, World, PASSPHRASE};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_holds_and_sends_is_counted_and_only_what_the_server_has_is_freed() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    let draft = fill_in(&phone).await;
    photo(&phone, &draft).await;
    let sent = phone.report_send(draft).await.expect("saved");
    sync_until_sent(&phone, &sent.id).await;
    let address = world.stop_server().await;
    let draft = fill_in(&phone).await;
    photo(&phone, &draft).await;
    phone.report_send(draft).await.expect("saved");
    let form = fill_in(&phone).await;
    photo(&phone, &form).await;

    let view = phone.storage().await.expect("counted");

    assert_eq!(view.photos.count, 3);
    assert_eq!(
        view.can_free.count, 1,
        "the sent one: neither the waiting one nor the form's"
    );
    assert!(view.can_free.bytes > 0.0 && view.unsent.count >= 3 && view.records.bytes > 0.0);
    assert!(view.oldest_at.is_some() && view.as_of.is_some() && view.here_bytes > 0.0);
    let kinds: Vec<_> = view.today.iter().map(|one| one.kind).collect();
    assert!(
        kinds.contains(&hms_model::view::DataKind::Words)
            && kinds.contains(&hms_model::view::DataKind::Photos)
    );
    assert!(
        view.today.iter().all(|one| one.sent > 0.0 && one.received > 0.0),
        "{:?}",
        view.today
    );
    let freed = phone.free_up().await.expect("freed");
    assert_eq!((freed.photos.count, freed.can_free.count), (2, 0));
    // The figures are there after a restart, and the waiting photo still goes.
    phone.shutdown().await;
    world.start_server(&address).await;
    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    let again = phone.storage().await.expect("counted");
    let sent_bytes = |all: &[hms_model::view::DataUseView]| all.iter().map(|one| one.sent).sum::<f64>();
    assert!(sent_bytes(&again.month) >= sent_bytes(&freed.month));
    until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        phone.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
    assert_eq!(world.stored("Binary").await.len(), 2);
    phone.shutdown().await;
}
