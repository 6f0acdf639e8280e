//! Several people on one phone: each sends their own, and nobody anybody else's.

use std::time::Duration;

use hms_client::{Client, Phone, ProfileConfig, VaultChoice};
use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_model::view::SignInState;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError, NewAccount};
use hms_server::auth::password;
use hms_server::db::{Precondition, Prepared, Tx};
use serde_json::json;

use super::{note, until_empty, with_note};
use crate::world::{
    fill_in, finish_in_browser, is_sent, report_bite, sign_in, until, Profile, World, PASSPHRASE,
};

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
    choose(&phone, "BT").await;
    let view = phone.phone_state().await.expect("the phone");
    assert!(!view.safe_to_hand_over, "what others have here counts");
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
            is_sent(&reports[0].send).then_some(())
        })
        .await;
        assert_eq!(client.outbox().await.expect("outbox"), []);
        assert_eq!(with_note(&world, words).await.len(), 1, "exactly once");
    }
    assert_eq!(phone.phone_state().await.expect("the phone").people.len(), 5);
    let shown = phone.storage().await.expect("counted");
    assert!(shown.others_bytes > 0.0, "as do their bytes");
    phone.shutdown().await;

    // Everybody is there after a restart, and somebody who goes leaves the others alone.
    let phone = shared_phone(&profile).await;
    let people = phone.phone_state().await.expect("the phone").people;
    let in_front = people.iter().find(|person| person.here).expect("somebody");
    assert_eq!((people.len(), in_front.initials.as_str()), (5, "AT"), "as before");
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
    let folders = std::fs::read_dir(profile.dir.join("people")).expect("folder");
    assert_eq!(folders.count(), 3, "all but the first person's");
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
