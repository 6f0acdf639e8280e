//! `tus-js-client`, which we did not write, uploads to our server: over a line that breaks, and after it gave up once.

use std::process::Stdio;
use std::time::Duration;

use crate::cutter::{Cut, Cutter, Each};
use crate::npm::root_with;
use crate::uploads::{assert_stored_once_for, hex_sha256, Dice, TWICE_AT_MOST};
use crate::world::World;
use serde_json::{json, Value};

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_uploads_to_our_server_over_a_line_that_breaks() {
    const SIZE: usize = 1_500_000;
    const CHUNK: usize = 200_000;
    // For 4 KiB: what the server has not read yet at a cut is the line's, not the server's, and comes twice.
    const LINE: Duration = Duration::from_millis(2);
    let root = root_with("tus-js-client");
    let world = World::new().await;
    let direct = world.provisioning();
    let demo: Value = serde_json::from_slice(&std::fs::read(&world.demo).expect("demo.json")).expect("JSON");
    let carrier = &demo["users"]["carrier"];
    let token = carrier["token"].as_str().expect("a token");
    let words = json!({"resourceType": "DocumentReference", "id": "from-js", "status": "current",
        "subject": {"reference": format!("Patient/{}", carrier["fhir_id"].as_str().expect("an id"))},
        "author": [{"reference": format!("Patient/{}", carrier["fhir_id"].as_str().expect("an id"))}],
        "content": [{"attachment": {"url": "Binary/from-js", "contentType": "audio/ogg"}}]});
    let kept = world
        .http()
        .put(format!("{}/fhir/DocumentReference/from-js", direct.base_url))
        .bearer_auth(token)
        .header("content-type", "application/fhir+json")
        .body(words.to_string())
        .send()
        .await
        .expect("an answer");
    assert!(kept.status().is_success(), "{}", kept.status());
    let mut dice = Dice(11);
    let cuts = (0..8)
        .map(|n| match n % 4 {
            3 => Cut::Down(dice.roll(200) as usize),
            _ => Cut::Up(dice.roll(2 * CHUNK as u64) as usize),
        })
        .collect();
    let cutter = Cutter::before(&direct, Each::Cut, cuts, LINE).await;
    let file = dice.recording(SIZE);
    let path = world.dir.path().join("recording.ogg");
    std::fs::write(&path, &file).expect("kept");

    let ran = tokio::process::Command::new("node")
        .arg("tests/peers/tus-client.mjs")
        .arg(format!("{}/api/uploads", cutter.provisioning(&direct).base_url))
        .args([token, "from-js"])
        .arg(&path)
        .args([&hex_sha256(&file), &CHUNK.to_string()])
        .current_dir(&root)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(Duration::from_secs(60), ran)
        .await
        .expect("it ends")
        .expect("node");

    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let said: Value = serde_json::from_str(said.trim()).expect("JSON");
    assert_eq!(said["stopped"], true, "it gave up once: {said}");
    assert_stored_once_for(&world, "carrier", "from-js", &file).await;
    let seen = cutter.seen();
    let most = seen.twice.iter().max().copied().unwrap_or(0);
    println!(
        "tus-js-client: {said}; {} cuts, at most {most} bytes twice",
        seen.made
    );
    assert!(seen.made >= 6, "{} cuts", seen.made);
    assert!(most <= TWICE_AT_MOST, "{most}");
}
