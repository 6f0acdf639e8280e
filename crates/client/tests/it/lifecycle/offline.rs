//! Records that were offline for too long.

use hms_model::view::{Phase, SendState};

use super::{forgot_pin, note, with_note};
use crate::world::{fill_in, sign_in, until, World, PASSPHRASE};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_offline_for_too_long_open_after_a_sign_in_and_a_report_is_always_taken() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("synced");
    phone.shutdown().await;
    let address = world.stop_server().await;

    profile.clock.off_by(29 * DAY_MS);
    let phone = profile.start().await;
    assert!(
        phone.unlock(PASSPHRASE.into()).await.expect("an answer").open,
        "29 days"
    );
    phone.lock().await.expect("locked");
    profile.clock.off_by(31 * DAY_MS);
    let answer = phone.unlock(PASSPHRASE.into()).await.expect("an answer");
    assert_eq!((answer.open, answer.sign_in_needed), (false, true), "31 days");
    assert_eq!(phone.phone().await.expect("the phone").offline_too_long, Some(30));
    // Setting the clock back wins nothing.
    profile.clock.off_by(-DAY_MS);
    assert!(!phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    let draft = fill_in(&phone).await;
    note(&phone, &draft, "after a long time away").await;
    let sent = phone.report_send(draft).await.expect("sealed");
    assert!(matches!(sent.send, SendState::Queued { sealed: true, .. }));

    world.start_server(&address).await;
    profile.clock.off_by(31 * DAY_MS);
    until(&phone, async || {
        (with_note(&world, "after a long time away").await.len() == 1).then_some(())
    })
    .await;
    forgot_pin(&phone, &profile, "dana").await;
    assert_eq!(phone.phone().await.expect("the phone").offline_too_long, None);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_stays_open_locks_once_the_server_was_not_reached_for_too_long() {
    let mut world = World::new().await;
    let profile = world.profile("ada");
    let desk = profile.start().await;
    sign_in(&desk, &profile, "ada").await;
    desk.sync_now().await.expect("synced");
    world.stop_server().await;

    profile.clock.off_by(31 * DAY_MS);

    until(&desk, async || {
        let phase = desk.app_state().await.expect("state").phase;
        (phase == Phase::Locked).then_some(())
    })
    .await;
    assert_eq!(desk.phone().await.expect("the desk").offline_too_long, Some(30));
    let answer = desk.unlock(PASSPHRASE.into()).await.expect("an answer");
    assert_eq!((answer.open, answer.sign_in_needed), (false, true));
    desk.shutdown().await;
}
