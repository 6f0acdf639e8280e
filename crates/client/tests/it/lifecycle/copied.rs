//! The data of one phone on a second one.

use super::{copy, device_of, forgot_pin, note, with_note};
use crate::world::{browse, fill_in, sign_in, until, Profile, World, PASSPHRASE};

#[tokio::test(flavor = "multi_thread")]
async fn data_that_was_copied_to_a_second_phone_is_found_and_both_send_everything_once() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("synced");
    let address = world.stop_server().await;
    phone.shutdown().await;
    let second = Profile {
        dir: world.dir.path().join("second"),
        ..world.profile("second")
    };
    copy(&profile.dir, &second.dir);
    let (one, two) = (profile.start().await, second.start().await);
    for (client, words) in [(&one, "on the first phone"), (&two, "on the second phone")] {
        assert!(client.unlock(PASSPHRASE.into()).await.expect("an answer").open);
        let draft = fill_in(client).await;
        note(client, &draft, words).await;
        client.report_send(draft).await.expect("saved");
    }
    world.start_server(&address).await;
    until(&one, async || {
        one.sync_now().await.expect("syncs");
        (with_note(&world, "on the first phone").await.len() == 1).then_some(())
    })
    .await;

    until(&two, async || {
        two.sync_now().await.expect("syncs");
        two.phone().await.expect("the phone").copied.then_some(())
    })
    .await;

    assert_eq!(
        with_note(&world, "on the second phone").await.len(),
        0,
        "not under the other's name"
    );
    assert_ne!(device_of(&second.dir), device_of(&profile.dir));
    let waits = two.outbox().await.expect("outbox");
    assert_eq!(waits.len(), 1, "and not dropped: {waits:?}");
    browse(&two, &second, "dana").await;
    until(&two, async || {
        two.sync_now().await.expect("syncs");
        two.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
    for words in ["on the first phone", "on the second phone"] {
        assert_eq!(with_note(&world, words).await.len(), 1, "{words}");
    }
    assert!(!two.phone().await.expect("the phone").copied);
    // The key of the new id comes back after a forgotten passphrase, too.
    two.lock().await.expect("locked");
    assert!(two.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    two.lock().await.expect("locked");
    forgot_pin(&two, &second, "dana").await;
    one.shutdown().await;
    two.shutdown().await;
}
