//! People and phones: access that ends with work unsent, five people on one phone, data copied to a second phone, records
//! that were offline for too long.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use hms_client::{Client, Phone, ProfileConfig, VaultChoice};
use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_model::view::{ErrorCode, LeavingWhy, Phase, SendState, SignInState};
use hms_server::app::App;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError, NewAccount};
use hms_server::auth::password;
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::sqlite::table;
use hms_server::db::{DbError, Precondition, Prepared, Tx};
use serde_json::{json, Value};

use crate::world::{
    browse, fill_in, finish_in_browser, report_bite, sign_in, until, Profile, World, PASSPHRASE,
};

/// Something is done at the server while it is not running.
async fn at_the_stopped_server<T: Send + 'static>(
    world: &World,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, AccountError> + Send + 'static,
) -> T {
    let dir = DataDir::open(&world.dir.path().join("server")).expect("the data");
    let app = App::open(&dir, Clock::System).expect("opens");
    app.db.write(work).await.expect("done")
}

/// Everything of a type that the server has now.
pub async fn stored(world: &World, kind: &str) -> Vec<Value> {
    let app = world.server.as_ref().expect("running").app.clone();
    let kind = kind.to_owned();
    let all: Result<Vec<Value>, DbError> = app
        .db
        .read(move |read| {
            let rows = table::feed::after(read.conn(), 0, 100_000)?;
            let live = rows
                .into_iter()
                .filter(|r| r.kind == kind && r.seq == r.current && !r.deleted);
            live.map(|r| {
                let body = table::feed::body(read.conn(), r.seq)?;
                serde_json::from_str(&body.unwrap_or_default()).map_err(DbError::Body)
            })
            .collect()
        })
        .await;
    all.expect("a read")
}

async fn with_note(world: &World, note: &str) -> Vec<Value> {
    let all = stored(world, "QuestionnaireResponse").await;
    all.into_iter()
        .filter(|one| one.to_string().contains(note))
        .collect()
}

fn device_of(dir: &Path) -> String {
    let text = std::fs::read(dir.join("device.json")).expect("settings");
    let settings: Value = serde_json::from_slice(&text).expect("json");
    settings["device"].as_str().expect("an id").to_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("folder").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

async fn note(client: &Client, draft: &str, words: &str) {
    let step = hms_model::form::ReportStepForm::Note {
        text: Some(words.to_owned()),
    };
    client.report_step(draft.to_owned(), step).await.expect("kept");
}

async fn photo(client: &Client, draft: &str) {
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::new(64, 48);
    picture.write_to(&mut png, image::ImageFormat::Png).expect("png");
    let base64 = base64::engine::general_purpose::STANDARD.encode(png.into_inner());
    let kept = client
        .report_attach(draft.to_owned(), "image/png".into(), base64)
        .await;
    assert_eq!(kept.expect("kept").attachments.len(), 1);
}

/// A phone with a report that has a photo, and an unfinished form, none of it sent; the server is stopped, at the address.
async fn unsent(world: &mut World, name: &str) -> (Profile, Client, String) {
    let profile = world.profile(name);
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("synced");
    let address = world.stop_server().await;
    let draft = fill_in(&phone).await;
    note(&phone, &draft, "brown dog, seen twice").await;
    photo(&phone, &draft).await;
    phone.report_send(draft).await.expect("saved");
    let open = fill_in(&phone).await;
    note(&phone, &open, "half a report").await;
    (profile, phone, address)
}

async fn until_empty(phone: &Client) {
    until(phone, async || {
        let app = phone.app_state().await.expect("state");
        let left = phone.phone().await.expect("the phone").left;
        (app.phase == Phase::Fresh && left.is_some()).then_some(())
    })
    .await;
}

fn is_empty(dir: &Path) {
    for name in [
        "keys.json",
        "store.db",
        "secrets.sealed",
        "unsent.sealed",
        "leaving.json",
    ] {
        assert!(!dir.join(name).exists(), "{name} is still there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_phone_hands_in_what_is_unsent_and_only_then_empties_itself() {
    let mut world = World::new().await;
    let (profile, phone, address) = unsent(&mut world, "dana").await;
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
    assert_eq!(left.handed_in, 3, "report, photo, unfinished form");
    is_empty(&profile.dir);
    assert_eq!(with_note(&world, "brown dog, seen twice").await.len(), 1);
    assert_eq!(stored(&world, "Binary").await.len(), 1, "the photo");
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
async fn a_disabled_account_is_handed_in_and_one_that_is_let_in_again_meanwhile_stays() {
    let mut world = World::new().await;
    let (_profile, phone, address) = unsent(&mut world, "dana").await;
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
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_off_a_phone_without_a_network_waits_locked_and_loses_nothing_at_any_end() {
    let mut world = World::new().await;
    let (profile, phone, address) = unsent(&mut world, "dana").await;
    let before = world.dir.path().join("before");
    copy(&profile.dir, &before);

    let said = phone.leave_phone().await.expect("begins");

    let leaving = said.leaving.expect("waits");
    assert_eq!(
        (leaving.why, leaving.waiting, leaving.needs_pin),
        (LeavingWhy::Asked, 3, false)
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
    assert_eq!(stored(&world, "Binary").await.len(), 1);
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

/// Carriers beside the one of the demonstration.
async fn more_carriers(world: &World, names: &'static [&'static str]) {
    let app = world.server.as_ref().expect("running").app.clone();
    let mut hashes = Vec::new();
    for name in names {
        let secret = Secret::new(format!("{name}-shows-the-demo"));
        hashes.push(
            tokio::task::spawn_blocking(move || password::hash(&secret))
                .await
                .expect("ends")
                .expect("hash"),
        );
    }
    let added: Result<(), AccountError> = app
        .db
        .write(move |tx: &mut Tx<'_>| {
            for (name, hash) in names.iter().zip(hashes) {
                let id = format!("carrier-{name}");
                let patient = json!({"resourceType": "Patient", "id": id, "name": [{"text": name}]});
                let prepared = Prepared::new(patient).map_err(|_| AccountError::BadName)?;
                tx.put(prepared, Precondition::Absent)
                    .map_err(|_| AccountError::BadName)?;
                let new = NewAccount {
                    username: (*name).to_owned(),
                    role: Role::Carrier,
                    name: format!("{name} Tester"),
                    fhir: Some(format!("Patient/{id}")),
                    site: None,
                    district: None,
                    scopes: String::new(),
                    password_hash: Some(hash),
                };
                accounts::add(tx, new, &AuditAgent::service())?;
            }
            Ok(())
        })
        .await;
    added.expect("added");
}

async fn shared_phone(profile: &Profile) -> Phone {
    let config = ProfileConfig {
        dir: profile.dir.clone(),
        server: profile.server.clone(),
        vault: VaultChoice::SealedFile,
        clock: std::sync::Arc::new(profile.clock.clone()),
        opener: Box::new(|_| true),
        position: hms_client::PositionSource::default(),
        media: profile.media.clone(),
        staff: false,
        locale: "en".into(),
        downloads: profile.dir.join("downloads"),
    };
    Phone::start(config).await.expect("the phone starts")
}

async fn choose(phone: &Phone, initials: &str) -> Client {
    let people = phone.phone_state().await.expect("the phone").people;
    let seat = people
        .into_iter()
        .find(|p| p.initials == initials)
        .expect("is here")
        .seat;
    phone.choose_person(seat).await.expect("comes to the front");
    phone.client()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_people_on_one_phone_each_send_their_own_and_nobody_elses() {
    let mut world = World::new().await;
    let people = ["dana", "abel", "bea", "cleo", "dirk"];
    more_carriers(&world, &["abel", "bea", "cleo", "dirk"]).await;
    let profile = world.profile("shared");
    let phone = shared_phone(&profile).await;
    for name in &people[..3] {
        phone.someone_else().await.expect("there is room");
        sign_in(&phone.client(), &profile, name).await;
        phone.client().sync_now().await.expect("synced");
    }
    // Two of them work without a network.
    let address = world.stop_server().await;
    for (initials, words) in [("DR", "dana's own dog"), ("AT", "abel's own dog")] {
        let client = choose(&phone, initials).await;
        assert!(client.unlock(PASSPHRASE.into()).await.expect("an answer").open);
        let draft = fill_in(&client).await;
        note(&client, &draft, words).await;
        client.report_send(draft).await.expect("saved");
        assert!(!phone.phone_state().await.expect("the phone").safe_to_hand_over);
    }
    let view = phone.phone_state().await.expect("the phone");
    let waits = |initials: &str| {
        let person = view
            .people
            .iter()
            .find(|p| p.initials == initials)
            .expect("is here");
        person.waiting.reports
    };
    assert_eq!(
        (waits("DR"), waits("AT"), waits("BT")),
        (1, 1, 0),
        "whose it is, by initials"
    );
    world.start_server(&address).await;

    // Others sign in meanwhile, and one of them at the place of somebody who has work there.
    choose(&phone, "DR").await;
    let client = phone.client();
    let started = client.forgot_pin().await.expect("starts");
    finish_in_browser(&started.url.expect("an address"), &profile.server, "cleo").await;
    let ended = client.sign_in_wait(Duration::from_secs(30)).await.expect("ends");
    assert_eq!(ended.state, SignInState::Elsewhere, "not at another's place");
    for name in &people[3..] {
        phone.someone_else().await.expect("there is room");
        sign_in(&phone.client(), &profile, name).await;
        report_bite(&phone.client()).await;
        phone.client().sync_now().await.expect("synced");
    }
    phone.someone_else().await.expect("there is room");
    let started = phone.client().sign_in_start(false).await.expect("starts");
    finish_in_browser(&started.url.expect("an address"), &profile.server, "abel").await;
    let ended = phone
        .client()
        .sign_in_wait(Duration::from_secs(30))
        .await
        .expect("ends");
    assert_eq!(ended.state, SignInState::Elsewhere, "nobody has two places");

    // What the locked two wrote arrives without them, in their names.
    let safe = tokio::time::timeout(Duration::from_secs(60), async {
        while !phone.phone_state().await.expect("the phone").safe_to_hand_over {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    safe.await.expect("everything is handed in");
    for (initials, words, patient) in [
        ("DR", "dana's own dog", "carrier-dana"),
        ("AT", "abel's own dog", "carrier-abel"),
    ] {
        let found = with_note(&world, words).await;
        assert_eq!(found.len(), 1, "{words}");
        assert_eq!(
            found[0]["subject"]["reference"],
            format!("Patient/{patient}"),
            "{words}"
        );
        let client = choose(&phone, initials).await;
        assert!(client.unlock(PASSPHRASE.into()).await.expect("an answer").open);
        until(&client, async || {
            client.sync_now().await.expect("syncs");
            let reports = client.reports().await.expect("reports");
            assert_eq!(reports.len(), 1, "own work only");
            matches!(reports[0].send, SendState::Sent { .. }).then_some(())
        })
        .await;
        assert_eq!(client.outbox().await.expect("outbox"), []);
        assert_eq!(with_note(&world, words).await.len(), 1, "exactly once");
    }
    assert_eq!(phone.phone_state().await.expect("the phone").people.len(), 5);
    phone.shutdown().await;

    // Everybody is there after a restart, and somebody who goes leaves the others alone.
    let phone = shared_phone(&profile).await;
    assert_eq!(phone.phone_state().await.expect("the phone").people.len(), 5);
    let client = choose(&phone, "BT").await;
    assert!(client.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    phone.leave_phone().await.expect("begins");
    until_empty(&client).await;
    choose(&phone, "AT").await;
    let left: Vec<String> = phone
        .phone_state()
        .await
        .expect("the phone")
        .people
        .into_iter()
        .map(|p| p.initials)
        .collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(
        phone
            .client()
            .unlock(PASSPHRASE.into())
            .await
            .expect("an answer")
            .open
    );
    phone.shutdown().await;
}

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
    one.shutdown().await;
    two.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_offline_for_too_long_open_after_a_sign_in_and_a_report_is_always_taken() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
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
    let started = phone.forgot_pin().await.expect("starts");
    finish_in_browser(&started.url.expect("an address"), &profile.server, "dana").await;
    let ended = phone.sign_in_wait(Duration::from_secs(30)).await.expect("ends");
    assert_eq!(ended.state, SignInState::Done);
    let app = phone.set_pin(PASSPHRASE.into()).await.expect("set");
    assert_eq!((app.phase, app.storage), (Phase::Open, None), "the same records");
    assert_eq!(phone.phone().await.expect("the phone").offline_too_long, None);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_holds_and_sends_is_counted_and_only_what_the_server_has_is_freed() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    let draft = fill_in(&phone).await;
    photo(&phone, &draft).await;
    let sent = phone.report_send(draft).await.expect("saved");
    until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        let report = phone.report(sent.id.clone()).await.expect("there");
        matches!(report.attachments[0].send, SendState::Sent { .. }).then_some(())
    })
    .await;
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
    assert_eq!(stored(&world, "Binary").await.len(), 2);
    phone.shutdown().await;
}
