//! Trouble, really made: a full disk, a wrong clock, no telephone, a damaged database, a program that has ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hms_client::VaultChoice;
use hms_model::role::Role;
use serde_json::json;

use crate::carrier;
use crate::commands::give;
use crate::tape::{look, Tape};
use crate::world::{Profile, World};

pub async fn record() {
    let mut world = World::new().await;
    phrase(&world).await;
    damaged_desk(&world).await;
    full_phone(&mut world).await;
}

/// A phone without a keychain asks for a passphrase, and after five wrong ones makes the person wait.
async fn phrase(world: &World) {
    let person = world.employees().await.remove(0);
    world
        .account(Role::Carrier, &format!("Patient/{}", person.id), &person.name)
        .await;
    let profile = Profile {
        vault: VaultChoice::SealedFile,
        ..world.profile("phrase")
    };
    let client = world.open(&profile, &person.id).await;
    give(&client, "lock", &json!({})).await.expect("locked");
    for _ in 0..5 {
        let _ = give(&client, "unlock", &json!({ "pin": "not the right words" })).await;
    }
    let mut tape = Tape::of(&client);
    carrier::start(&mut tape).await;
    let _ = tape.call("unlock", json!({ "pin": "not the right words" })).await;
    tape.reads(&["app_state"]).await;
    tape.save_all("locked_phrase");
    client.shutdown().await;
}

/// The desk's database was damaged; then the program behind the window ends.
async fn damaged_desk(world: &World) {
    let profile = Profile {
        vault: VaultChoice::SealedFile,
        ..world.desk("desk")
    };
    let client = world.open(&profile, "ada").await;
    look(&client, "app_state", json!({}), carrier::synced).await;
    client.shutdown().await;
    for file in databases(&profile.dir) {
        fs::write(file, vec![7_u8; 8192]).expect("damaged");
    }
    let client = profile.start().await;
    let opened = json!({ "pin": crate::world::PASSPHRASE });
    give(&client, "unlock", &opened).await.expect("an answer");
    look(&client, "app_state", json!({}), |app| app["phase"] == "open").await;
    let mut tape = Tape::of(&client);
    tape.reads(&["app_state"]).await;
    client.shutdown().await;
    tape.reads(&["queue", "visit", "duty_choices"]).await;
    for (command, args) in [
        ("chart", json!({ "task": "task-1" })),
        ("imaging_sites", json!({ "task": "task-1" })),
        ("queue_claim", json!({ "task": "task-1" })),
    ] {
        let _ = tape.call(command, args).await;
    }
    tape.save_all("staff_trouble");
}

fn databases(dir: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(dir)
        .expect("the profile")
        .flatten()
        .map(|entry| entry.path());
    all.filter(|path| path.extension().is_some_and(|end| end == "db" || end == "sqlite"))
        .collect()
}

/// The phone's disk is full, its clock is wrong, it cannot call, and the server is gone; then the program ends.
async fn full_phone(world: &mut World) {
    let mut profile = Profile {
        vault: VaultChoice::SealedFile,
        ..world.profile("full")
    };
    profile.slow_by_ms = 26 * 60 * 1000;
    profile.can_dial = false;
    profile.place = false;
    fs::create_dir_all(&profile.dir).expect("a folder");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"])
        .arg(&profile.dir)
        .status();
    assert!(
        mounted.is_ok_and(|status| status.success()),
        "only root can mount a small disk"
    );
    let client = world.open(&profile, "dana").await;
    look(&client, "app_state", json!({}), carrier::synced).await;
    fill(&profile.dir);
    world.stop().await;
    let mut tape = Tape::of(&client);
    // Words are taken from a reserve; a photo is refused.
    let draft = tape.ok("report_start", json!({ "colleague": null })).await;
    tape.name(draft["id"].as_str().expect("an id"), "draft-1");
    // Each another one: the same photo twice is kept once.
    let photo = |n: u32| {
        let base64 = carrier::noise(1200, 900 - n);
        json!({ "draft": draft["id"], "contentType": "image/png", "base64": base64 })
    };
    let mut refused = None;
    for n in 1..=8 {
        refused = give(&client, "report_attach", &photo(n)).await.err().or(refused);
    }
    assert_eq!(refused.expect("there is no room")["code"], "disk_full");
    let _ = give(&client, "sync_now", &json!({})).await;
    look(&client, "app_state", json!({}), |app| {
        app["network"]["state"] == "offline"
    })
    .await;
    let full = tape.mark();
    tape.reads(&["app_state", "where_am_i", "visit"]).await;
    let _ = tape.call("dial", json!({ "number": "911" })).await;
    let _ = tape.call("report_start", json!({ "colleague": null })).await;
    // The photo is the window's business; the tape need not carry it.
    let refused = tape.call("report_attach", photo(0)).await;
    assert_eq!(refused.expect_err("there is still no room")["code"], "disk_full");
    client.shutdown().await;
    let _ = Command::new("umount").arg("-l").arg(&profile.dir).status();
    tape.reads(&["report_draft", "outbox", "reports", "summaries", "sync_now"])
        .await;
    for (command, args) in [
        ("report", json!({ "id": "report-1" })),
        ("triage_search", json!({ "text": "" })),
        ("triage_start", json!({ "report": null, "complaint": null })),
    ] {
        let _ = tape.call(command, args).await;
    }
    tape.save("trouble", full);
}

/// Writes until nothing fits any more.
fn fill(dir: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(dir.join("ballast")).expect("ballast");
    for size in [64 * 1024, 1024, 1] {
        while file.write_all(&vec![1_u8; size]).is_ok() {}
    }
}
