//! A damaged file and a lost key: the app opens again, and everything unsent arrives, once.

use hms_client::Client;
use hms_model::form::ReportStepForm;
use hms_model::view::{Phase, SendState, StorageProblem};

use crate::words::words;
use crate::world::{fill_in, photo, sign_in, until, Profile, World, PASSPHRASE};

/// A phone with three reports that the server does not have, one of them with a photo, and a form half filled in.
async fn phone_with_unsent(world: &mut World) -> (Profile, Vec<String>, String) {
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("syncs");
    let address = world.stop_server().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let draft = fill_in(&phone).await;
        if n == 1 {
            photo(&phone, &draft).await;
        }
        let note = ReportStepForm::Note {
            text: Some(format!("unsent {n}")),
        };
        phone.report_step(draft.clone(), note).await.expect("kept");
        ids.push(phone.report_send(draft).await.expect("saved").id);
    }
    fill_in(&phone).await;
    phone.shutdown().await;
    (profile, ids, address)
}

/// Every one of them is at the server once: each has a number of its own, and the desk has an entry for each.
async fn all_arrive_once(world: &World, phone: &Client, ids: &[String]) {
    until(phone, async || {
        phone.sync_now().await.expect("syncs");
        let reports = phone.reports().await.expect("reports");
        let sent = |id: &String| {
            reports
                .iter()
                .any(|r| r.id == *id && matches!(r.send, SendState::Sent { .. }))
        };
        let nothing_waits = phone.outbox().await.expect("outbox").is_empty();
        (ids.iter().all(sent) && nothing_waits).then_some(())
    })
    .await;
    assert_eq!(phone.app_state().await.expect("state").unsent, 0);
    let reports = phone.reports().await.expect("reports");
    let mut notes: Vec<_> = reports.iter().filter_map(|r| r.note.clone()).collect();
    notes.sort_unstable();
    assert_eq!(notes, ["unsent 0", "unsent 1", "unsent 2"]);

    let ada = world.person("ada").await;
    let entries = until(&ada, async || {
        ada.sync_now().await.expect("syncs");
        let queue = ada.queue().await.expect("the queue");
        let entries = queue
            .items
            .into_iter()
            .filter(|item| item.name == "Dana Reyes")
            .count();
        (entries >= ids.len()).then_some(entries)
    })
    .await;
    assert_eq!(entries, ids.len());
    ada.shutdown().await;
}

async fn flip(profile: &Profile, from: usize, every: usize) {
    let path = profile.dir.join("store.db");
    let mut bytes = std::fs::read(&path).expect("the store");
    for at in (from..bytes.len()).step_by(every) {
        bytes[at] ^= 0x55;
    }
    std::fs::write(path, bytes).expect("damages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_at_all_is_set_aside_and_the_journal_delivers() {
    let mut world = World::new().await;
    let (profile, ids, address) = phone_with_unsent(&mut world).await;
    flip(&profile, 0, 97).await;

    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);

    let app = phone.app_state().await.expect("state");
    assert_eq!(
        (app.phase, app.storage),
        (Phase::Open, Some(StorageProblem::Rebuilt))
    );
    assert_eq!(
        app.name.as_deref(),
        Some("Dana Reyes"),
        "whose phone it is comes from the vault"
    );
    assert_eq!(
        words("storage.rebuilt"),
        "The app's file was damaged. What was not sent is safe. The rest loads again."
    );
    assert!(profile.dir.join("set-aside-1/store.db").exists(), "never deleted");
    world.start_server(&address).await;
    all_arrive_once(&world, &phone, &ids).await;
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_of_a_damaged_file_goes_on_with_its_form_and_photo() {
    let mut world = World::new().await;
    let (profile, ids, address) = phone_with_unsent(&mut world).await;
    // As the app does when it meets damage while it is open.
    std::fs::write(profile.dir.join("store.suspect"), b"").expect("marks");

    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);

    let app = phone.app_state().await.expect("state");
    assert_eq!(app.storage, Some(StorageProblem::Rebuilt));
    let form = phone
        .report_draft()
        .await
        .expect("looks")
        .expect("the form goes on");
    assert_eq!(form.note.as_deref(), Some("brown dog, no collar"));
    world.start_server(&address).await;
    all_arrive_once(&world, &phone, &ids).await;
    let reports = phone.reports().await.expect("reports");
    let photos: Vec<_> = reports.iter().flat_map(|r| &r.attachments).collect();
    assert!(
        matches!(photos.as_slice(), [photo] if matches!(photo.send, SendState::Sent { .. })),
        "{photos:?}"
    );
    phone.shutdown().await;

    // The next opening is an ordinary one.
    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    assert_eq!(phone.app_state().await.expect("state").storage, None);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_shows_only_while_the_app_is_open_ends_in_a_new_file_too() {
    let mut world = World::new().await;
    let (profile, ids, address) = phone_with_unsent(&mut world).await;
    // Every page but the first is damaged: the file opens, and fails when it is read.
    flip(&profile, 4_096 + 40, 4_096).await;

    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    world.start_server(&address).await;
    for _ in 0..3 {
        // Where a read meets the damage the app locks itself; the passphrase opens it again with a new file.
        let _ = phone.reports().await;
        if phone.app_state().await.expect("state").phase == Phase::Locked {
            assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
        }
    }
    assert_eq!(
        phone.app_state().await.expect("state").storage,
        Some(StorageProblem::Rebuilt)
    );
    all_arrive_once(&world, &phone, &ids).await;
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_replaced_by_a_sign_in_and_the_journal_delivers() {
    let mut world = World::new().await;
    let (profile, ids, address) = phone_with_unsent(&mut world).await;
    for entry in std::fs::read_dir(&profile.dir).expect("profile") {
        let path = entry.expect("entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("key") && path.is_file() {
            std::fs::remove_file(path).expect("the key is lost");
        }
    }
    world.start_server(&address).await;

    let phone = profile.start().await;
    assert_eq!(
        phone.app_state().await.expect("state").phase,
        Phase::Fresh,
        "no key is left"
    );
    sign_in(&phone, &profile, "dana").await;

    let app = phone.app_state().await.expect("state");
    assert_eq!(app.storage, Some(StorageProblem::KeyLost));
    assert_eq!(
        words("storage.key_lost"),
        "The app's key is gone. What was not sent is safe. The rest loads again."
    );
    all_arrive_once(&world, &phone, &ids).await;
    phone.shutdown().await;
}
