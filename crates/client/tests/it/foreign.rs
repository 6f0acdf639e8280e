//! The whole client with a FHIR server that we did not write: signed in by a file, reports sent, read again after a start.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::{MediaChoice, Provisioning, SyntheticSide};
use hms_model::view::{Lack, Phase, SignInState};
use serde_json::{json, Value};

use crate::npm::FhirPeer;
use crate::world::{fill_in, report_bite, sync_until_sent, Profile, TestClock, World, PASSPHRASE};

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_signs_in_by_a_file_and_reports_to_a_server_that_is_not_ours() {
    let peer = FhirPeer::start();
    let dir = tempfile::tempdir().expect("folder");
    let profile = Profile {
        dir: dir.path().join("dana"),
        server: Provisioning {
            base_url: peer.base(),
            ca_file: None,
            hpke_public_key: None,
            help_phone: String::new(),
            demo: true,
            proxy: None,
            pack_trust: None,
        },
        clock: TestClock::default(),
        opened: Default::default(),
        media: MediaChoice::Synthetic {
            side: SyntheticSide::Carrier,
        },
    };
    std::fs::create_dir_all(&profile.dir).expect("folder");
    let account =
        json!({ "role": "carrier", "name": "Dana Reyes", "fhir": "Patient/dana", "token": "given-by-hand" });
    let file = profile.dir.join("account.json");
    std::fs::write(&file, account.to_string()).expect("written");
    let phone = profile.start().await;

    assert_eq!(
        phone.sign_in_start(false).await.expect("starts").state,
        SignInState::Done
    );
    assert_eq!(
        phone.set_pin(PASSPHRASE.into()).await.expect("set").phase,
        Phase::Open
    );
    assert!(!file.exists(), "the token is in the vault");
    let first = report_bite(&phone).await;
    sync_until_sent(&phone, &first.id).await;
    let told = phone.storage().await.expect("asked").foreign;
    assert_eq!(
        told.expect("it is not ours").lacks,
        [Lack::Deletions, Lack::OwnIds]
    );
    phone.shutdown().await;

    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    let draft = fill_in(&phone).await;
    let voice: Vec<u8> = (0..150_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    phone
        .report_attach(draft.clone(), "audio/ogg".into(), STANDARD.encode(&voice))
        .await
        .expect("kept");
    let second = phone.report_send(draft).await.expect("sent");
    sync_until_sent(&phone, &second.id).await;
    let file = second.attachments[0].id.clone();

    let (reports, tasks) = (peer.list("QuestionnaireResponse").await, peer.list("Task").await);
    assert_eq!((reports.len(), tasks.len()), (2, 2));
    let ids: Vec<String> = reports
        .iter()
        .map(|it| format!("QuestionnaireResponse/{}", it["id"].as_str().expect("an id")))
        .collect();
    for task in &tasks {
        let about = task["focus"]["reference"]
            .as_str()
            .expect("a reference")
            .to_owned();
        assert!(
            ids.contains(&about),
            "the queue entry names the report as the server does"
        );
    }
    let binary = peer.list("Binary").await;
    assert_eq!(binary.len(), 1);
    assert_eq!(binary[0]["id"], file);
    assert_eq!(binary[0]["data"], STANDARD.encode(&voice), "byte for byte");
    let photos = peer.list("DocumentReference").await;
    assert_eq!(
        photos[0]["content"][0]["attachment"]["url"],
        format!("Binary/{file}")
    );
    let about = photos[0]["context"]["related"][0]["reference"]
        .as_str()
        .expect("a reference");
    assert!(ids.iter().any(|id| id == about), "{about}");
    phone.shutdown().await;
}

/// What a client looks for before it takes the plain way.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_server_says_that_it_has_the_exchange() {
    let world = World::new().await;

    let answer = world
        .http()
        .get(format!("{}/fhir/metadata", world.provisioning().base_url))
        .send()
        .await
        .expect("an answer");
    let statement: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");

    assert_eq!(statement["rest"][0]["operation"][0]["name"], "hms-sync");
}
