//! Going off a phone: asked for, or because the server ended the access of the device or the account.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use hms_client::Client;
use hms_model::view::{ErrorCode, LeavingWhy, Phase, SignInState};
use hms_server::app::App;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError};
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::Tx;
use serde_json::json;

use super::{copy, device_of, forgot_pin, is_empty, note, until_empty, with_note};
use crate::proxy::{Fate, Proxy};
use crate::world::{fill_in, finish_in_browser, is_sent, photo, sign_in, until, Profile, World, PASSPHRASE};

/// Something is done at the server while it is not running.
async fn at_the_stopped_server<T: Send + 'static>(
    world: &World,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, AccountError> + Send + 'static,
) -> T {
    let dir = DataDir::open(&world.dir.path().join("server")).expect("the data");
    let app = App::open(&dir, Clock::System).expect("opens");
    app.db.write(work).await.expect("done")
}

/// What [`unsent`] leaves: a report, its photo, a form, the form's photo, a check.
const UNSENT: u32 = 5;

/// A phone with a report that has a photo, and a form with one and a check that are not finished, none of it sent; the server
/// is stopped, at the address.
async fn unsent(world: &mut World, profile: &Profile) -> (Client, String) {
    let phone = profile.start().await;
    sign_in(&phone, profile, "dana").await;
    phone.sync_now().await.expect("synced");
    let address = world.stop_server().await;
    let draft = fill_in(&phone).await;
    note(&phone, &draft, "brown dog, seen twice").await;
    photo(&phone, &draft).await;
    phone.report_send(draft).await.expect("saved");
    let open = fill_in(&phone).await;
    note(&phone, &open, "half a report").await;
    photo(&phone, &open).await;
    let check = phone.triage_start(None, Some("limb".into())).await;
    check.expect("a check");
    (phone, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_phone_hands_in_what_is_unsent_and_only_then_empties_itself() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let (phone, address) = unsent(&mut world, &profile).await;
    let device = device_of(&profile.dir);
    let revoked = device.clone();
    at_the_stopped_server(&world, move |tx| {
        assert!(accounts::revoke_device(tx, &revoked, &AuditAgent::service())?);
        Ok(())
    })
    .await;
    assert_eq!(
        phone.phone().await.expect("the phone").leaving,
        None,
        "nobody told it yet"
    );

    world.start_server(&address).await;

    until_empty(&phone).await;
    let left = phone.phone().await.expect("the phone").left.expect("said");
    assert_eq!(left.why, LeavingWhy::DeviceRevoked);
    assert_eq!(left.handed_in, UNSENT);
    is_empty(&profile.dir);
    assert_eq!(with_note(&world, "brown dog, seen twice").await.len(), 1);
    assert_eq!(world.stored("Binary").await.len(), 1, "the photo");
    assert_ne!(
        device_of(&profile.dir),
        device,
        "the next person is not the revoked device"
    );
    // And that one can sign in, and is not told of who left.
    sign_in(&phone, &profile, "dana").await;
    assert_eq!(phone.phone().await.expect("the phone").left, None);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_handed_in() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let (phone, address) = unsent(&mut world, &profile).await;
    at_the_stopped_server(&world, |tx| {
        accounts::set_disabled(tx, "dana", true, &AuditAgent::service())
    })
    .await;
    world.start_server(&address).await;
    until_empty(&phone).await;
    let left = phone.phone().await.expect("the phone").left.expect("said");
    assert_eq!(left.why, LeavingWhy::AccountDisabled);
    assert_eq!(with_note(&world, "brown dog, seen twice").await.len(), 1);
    phone.shutdown().await;
    let phone = profile.start().await;
    let told = phone.phone().await.expect("the phone").left;
    assert_eq!(told, Some(left), "also whoever starts it next");
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_phone_that_learns_at_a_sign_in_that_it_is_revoked_knows_it_after_a_start() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let (phone, address) = unsent(&mut world, &profile).await;
    phone.lock().await.expect("locked");
    let device = device_of(&profile.dir);
    at_the_stopped_server(&world, move |tx| {
        assert!(accounts::revoke_device(tx, &device, &AuditAgent::service())?);
        Ok(())
    })
    .await;
    world.start_server(&address).await;
    let started = phone.forgot_pin().await.expect("starts");
    finish_in_browser(&started.url.expect("an address"), &profile.server, "dana").await;
    let ended = phone.sign_in_wait(Duration::from_secs(30)).await.expect("ends");
    assert_eq!(ended.state, SignInState::Refused);
    until(&phone, async || phone.phone().await.expect("the phone").leaving).await;
    phone.shutdown().await;

    let phone = profile.start().await;

    let leaving = phone.phone().await.expect("the phone").leaving.expect("goes on");
    assert!(leaving.needs_pin, "the photo is in the closed database");
    assert!(!phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    until_empty(&phone).await;
    is_empty(&profile.dir);
    assert_eq!(with_note(&world, "brown dog, seen twice").await.len(), 1);
    assert_eq!(world.stored("Binary").await.len(), 1);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_that_is_let_in_again_meanwhile_stays() {
    let mut world = World::new().await;
    let takes_nothing = Arc::new(AtomicBool::new(true));
    let refuses = Arc::clone(&takes_nothing);
    let mut profile = world.profile("dana");
    let proxy = Proxy::before(&profile.server, move |request| {
        let sealed = request.line.contains(" /api/sealed");
        match sealed && refuses.load(Ordering::SeqCst) {
            true => Fate::Answer(503),
            false => Fate::Pass,
        }
    })
    .await;
    profile.server = proxy.provisioning(&profile.server);
    let (phone, address) = unsent(&mut world, &profile).await;
    at_the_stopped_server(&world, |tx| {
        accounts::set_disabled(tx, "dana", true, &AuditAgent::service())
    })
    .await;
    world.start_server(&address).await;
    let leaving = until(&phone, async || phone.phone().await.expect("the phone").leaving).await;
    assert_eq!(leaving.why, LeavingWhy::AccountDisabled);
    until(&phone, async || {
        (!proxy.fates(" /api/sealed").is_empty()).then_some(())
    })
    .await;
    world.stop_server().await;
    at_the_stopped_server(&world, |tx| {
        accounts::set_disabled(tx, "dana", false, &AuditAgent::service())
    })
    .await;
    world.start_server(&address).await;

    forgot_pin(&phone, &profile, "dana").await;
    takes_nothing.store(false, Ordering::SeqCst);

    let here = phone.phone().await.expect("the phone");
    assert_eq!((here.leaving, here.left), (None, None));
    assert!(!profile.dir.join("leaving.json").exists(), "nor after a start");
    until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        let reports = phone.reports().await.expect("reports");
        let unsent = reports.iter().filter(|report| !is_sent(&report.send)).count();
        (!reports.is_empty() && unsent == 0).then_some(())
    })
    .await;
    assert_eq!(phone.app_state().await.expect("state").phase, Phase::Open);
    assert_eq!(
        with_note(&world, "brown dog, seen twice").await.len(),
        1,
        "once, by either way"
    );
    // The photo comes after its report.
    until(&phone, async || {
        (!world.stored("Binary").await.is_empty()).then_some(())
    })
    .await;
    assert_eq!(world.stored("Binary").await.len(), 1);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_off_a_phone_without_a_network_waits_locked_and_loses_nothing_at_any_end() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let (phone, address) = unsent(&mut world, &profile).await;
    let before = world.dir.path().join("before");
    copy(&profile.dir, &before);

    let said = phone.leave_phone().await.expect("begins");

    let leaving = said.leaving.expect("waits");
    assert_eq!(
        (leaving.why, leaving.waiting, leaving.needs_pin),
        (LeavingWhy::Asked, UNSENT, false)
    );
    assert!(!said.safe_to_hand_over);
    assert_eq!(phone.app_state().await.expect("state").phase, Phase::Locked);
    let refused = phone.unlock(PASSPHRASE.into()).await.expect_err("stays locked");
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let waiting = world.dir.path().join("waiting");
    copy(&profile.dir, &waiting);
    phone.shutdown().await;

    // Ended while it collected: what the journal had then, and a database that only the PIN opens.
    let collecting = json!({ "why": "asked", "step": "collecting", "handed_in": 0 });
    std::fs::write(before.join("leaving.json"), collecting.to_string()).expect("written");
    let images = [(before, true), (waiting, false)];
    world.start_server(&address).await;
    for (image, needs_pin) in images {
        let again = Profile {
            dir: image.clone(),
            ..world.profile("again")
        };
        let phone = again.start().await;
        if needs_pin {
            let leaving = phone.phone().await.expect("the phone").leaving.expect("goes on");
            assert!(leaving.needs_pin);
            let answer = phone.unlock(PASSPHRASE.into()).await.expect("an answer");
            assert!(!answer.open, "opened for the photo, and closed again");
        }
        until_empty(&phone).await;
        is_empty(&image);
        phone.shutdown().await;
    }
    assert_eq!(with_note(&world, "brown dog, seen twice").await.len(), 1);
    assert_eq!(world.stored("Binary").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_ended_anywhere_goes_on_at_the_next_start() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("synced");
    phone.shutdown().await;
    let emptying = json!({ "why": "asked", "step": "emptying", "handed_in": 2 });
    let order = [
        "keys.json",
        "secrets.sealed",
        "store.db",
        "unsent.index.json",
        "tally.json",
        "device.json",
    ];
    for gone in 0..=order.len() {
        let image = world.dir.path().join(format!("image-{gone}"));
        copy(&profile.dir, &image);
        std::fs::write(image.join("leaving.json"), emptying.to_string()).expect("written");
        for name in order.iter().take(gone) {
            let _ = std::fs::remove_file(image.join(name));
        }
        let again = Profile {
            dir: image.clone(),
            ..world.profile("again")
        };

        let phone = again.start().await;

        until_empty(&phone).await;
        is_empty(&image);
        assert_eq!(
            phone
                .phone()
                .await
                .expect("the phone")
                .left
                .expect("said")
                .handed_in,
            2
        );
        phone.shutdown().await;
    }
}
