//! Photos and recordings in pieces: over cuts at any byte, restarts of the server and kills of the app, the server
//! has each once, byte for byte, and little is sent twice.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::{Client, Provisioning};
use hms_model::view::SendState;

use crate::alone::{self, CHILD};
use crate::cutter::{Cut, Cutter, Each};
use crate::proxy::{Fate, Proxy};
use crate::world::{fill_in, reopen, report_bite, sign_in, until, until_sent, Profile, World};

/// What may be sent twice after a cut.
pub const TWICE_AT_MOST: u64 = 64 * 1024 + 1024;

pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }

    /// A recording, which goes as it is.
    pub fn recording(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.roll(256) as u8).collect()
    }
}

/// What the server has of a file, and in which version, as the demonstration's person of this role gets it.
async fn stored_for(world: &World, role: &str, id: &str) -> Option<(Vec<u8>, String)> {
    let demo: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&world.demo).expect("demo.json")).expect("JSON");
    let answer = world
        .http()
        .get(format!("{}/fhir/Binary/{id}", world.provisioning().base_url))
        .bearer_auth(demo["users"][role]["token"].as_str().expect("a token"))
        .header("accept", "*/*")
        .send()
        .await
        .expect("an answer");
    if !answer.status().is_success() {
        return None;
    }
    let version = answer.headers()["etag"].to_str().expect("text").to_owned();
    Some((answer.bytes().await.expect("bytes").to_vec(), version))
}

pub async fn stored(world: &World, id: &str) -> Option<(Vec<u8>, String)> {
    stored_for(world, "clinician", id).await
}

pub fn hex_sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

pub async fn assert_stored_once(world: &World, id: &str, bytes: &[u8]) {
    assert_stored_once_for(world, "clinician", id, bytes).await;
}

pub async fn assert_stored_once_for(world: &World, role: &str, id: &str, bytes: &[u8]) {
    let (found, version) = stored_for(world, role, id).await.expect("the server has it");
    assert!(found == bytes, "other bytes: {} for {}", found.len(), bytes.len());
    assert_eq!(version, "W/\"1\"");
}

/// Sends a report with these recordings; gives their ids.
pub async fn report_with(phone: &Client, files: &[Vec<u8>]) -> (String, Vec<String>) {
    let draft = fill_in(phone).await;
    let mut ids = Vec::new();
    for file in files {
        let form = phone
            .report_attach(draft.clone(), "audio/ogg".into(), STANDARD.encode(file))
            .await
            .expect("kept");
        ids = form.attachments.iter().map(|a| a.id.clone()).collect();
    }
    (phone.report_send(draft).await.expect("sent").id, ids)
}

pub async fn until_all_is_sent(phone: &Client) {
    until(phone, async || {
        phone.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
}

/// A phone of Dana's behind a line, signed in.
pub async fn phone_behind(world: &World, name: &str, cutter: &Cutter) -> (Client, Profile) {
    phone_behind_line(world, name, cutter.provisioning(&world.provisioning())).await
}

/// As [`phone_behind`], behind any line.
pub async fn phone_behind_line(world: &World, name: &str, line: Provisioning) -> (Client, Profile) {
    let mut profile = world.profile(name);
    profile.server = line;
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    (phone, profile)
}

/// Cuts on one phone: what a phone has listed grows with its reports, and each look at it with that.
const CUTS_OF_A_PHONE: usize = 48;

/// Cuts the line of one small upload after another, each at its byte; gives how many cuts were made.
async fn sweep(world: &World, name: &str, cuts: &[Cut], size: usize) -> usize {
    let mut made = 0;
    for (number, part) in cuts.chunks(CUTS_OF_A_PHONE).enumerate() {
        made += sweep_one(world, &format!("{name}-{number}"), part, size).await;
    }
    println!("{name}: {} cuts planned, {made} made", cuts.len());
    made
}

async fn sweep_one(world: &World, name: &str, cuts: &[Cut], size: usize) -> usize {
    let direct = world.provisioning();
    let cutter = Cutter::before(&direct, Each::Upload, cuts.to_vec(), Duration::ZERO).await;
    let (phone, profile) = phone_behind(world, name, &cutter).await;
    let mut dice = Dice(cuts.len() as u64 + size as u64);
    for group in cuts.chunks(4) {
        let files: Vec<Vec<u8>> = group.iter().map(|_| dice.recording(size)).collect();
        let (_, ids) = report_with(&phone, &files).await;
        let sent = tokio::time::timeout(Duration::from_secs(120), async {
            while !phone.outbox().await.expect("outbox").is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        if sent.await.is_err() {
            let lines = cutter.seen().lines.clone();
            let last = lines.iter().rev().take(30).rev();
            let waits = phone.outbox().await.expect("outbox");
            panic!(
                "{name} is stuck at one of {group:?}: {waits:?} after {:#?}",
                last.collect::<Vec<_>>()
            );
        }
        for ((id, file), cut) in ids.iter().zip(&files).zip(group) {
            let (found, version) = stored(world, id)
                .await
                .unwrap_or_else(|| panic!("lost at {cut:?}"));
            assert!(found == *file, "other bytes at {cut:?}");
            assert_eq!(version, "W/\"1\"", "at {cut:?}");
        }
    }
    let made = {
        let seen = cutter.seen();
        assert!(seen.twice.iter().all(|twice| *twice <= TWICE_AT_MOST));
        seen.made
    };
    phone.shutdown().await;
    std::fs::remove_dir_all(&profile.dir).expect("a profile");
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_cut_at_any_byte_up_or_down_arrives_once() {
    // Up: what creates it (some 700 bytes), what adds to it (some 500) and the file. Down: two answers.
    const SIZE: usize = 300;
    let (all, step) = match std::env::var_os("HMS_DEEP") {
        Some(_) => ((1600, 1000), 1),
        None => ((1600, 1000), 23),
    };
    let up = (0..all.0).step_by(step).map(Cut::Up);
    let down = (0..all.1).step_by(step).map(Cut::Down);
    let cuts: Vec<Cut> = up.chain(down).collect();
    let world = World::new().await;
    let phones = (0..4).map(|n| {
        let part: Vec<Cut> = cuts.iter().skip(n).step_by(4).copied().collect();
        let world = &world;
        async move { sweep(world, &format!("phone-{n}"), &part, SIZE).await }
    });
    let made: usize = futures_util::future::join_all(phones).await.into_iter().sum();
    println!(
        "counts: photo of {SIZE} bytes: {made} cuts of {} planned, every {step}: each stored once, byte for byte",
        cuts.len()
    );
    // What lies behind the last byte of a request or an answer is never reached.
    assert!(made * 2 > cuts.len(), "{made} of {}", cuts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_cut_at_many_places_arrives_once_and_little_is_sent_twice() {
    const SIZE: usize = 3_000_000;
    const CUTS: usize = 40;
    let mut dice = Dice(41);
    let cuts: Vec<Cut> = (0..CUTS)
        .map(|_| match dice.roll(5) {
            0 => Cut::Down(dice.roll(600) as usize),
            _ => Cut::Up(dice.roll(2 * (SIZE / CUTS) as u64) as usize),
        })
        .collect();
    let world = World::new().await;
    let cutter = Cutter::before(&world.provisioning(), Each::Cut, cuts, Duration::ZERO).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    let file = dice.recording(SIZE);

    let (_, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    until_all_is_sent(&phone).await;

    assert_stored_once(&world, &ids[0], &file).await;
    {
        let seen = cutter.seen();
        let most = seen.twice.iter().max().copied().unwrap_or(0);
        let again = seen.pieces - SIZE as u64;
        println!(
            "{} cuts; {again} bytes of pieces sent twice, at most {most} after a cut; {} bytes of requests in all",
            seen.made,
            seen.up - seen.pieces
        );
        assert!(seen.made >= CUTS / 2, "{} cuts", seen.made);
        assert!(most <= TWICE_AT_MOST, "{most}");
        assert!(again <= seen.made as u64 * TWICE_AT_MOST, "{again}");
        let begun = seen.lines.iter().filter(|line| line.starts_with("POST")).count();
        assert!(begun <= 3, "begun {begun} times");
    }
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_the_middle_has_what_it_had() {
    const SIZE: usize = 1_000_000;
    let mut world = World::new().await;
    let direct = world.provisioning();
    let cutter = Cutter::before(&direct, Each::Cut, Vec::new(), Duration::from_millis(4)).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    let file = Dice(3).recording(SIZE);
    let (_, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    until(&phone, async || (cutter.seen().pieces > 300_000).then_some(())).await;

    cutter.close();
    let address = world.stop_server().await;
    world.start_server(&address).await;
    cutter.open();
    until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        phone.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;

    assert_stored_once(&world, &ids[0], &file).await;
    {
        let seen = cutter.seen();
        assert!(seen.pieces - SIZE as u64 <= TWICE_AT_MOST, "{}", seen.pieces);
        assert_eq!(seen.lines.iter().filter(|l| l.starts_with("POST")).count(), 1);
    }
    phone.shutdown().await;
}

/// Not a test of its own: the phone that uploads until somebody kills the process.
#[tokio::test(flavor = "multi_thread")]
async fn child_uploads() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let phone = reopen(Path::new(&dir)).await;
    eprintln!("open");
    until_all_is_sent(&phone).await;
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_killed_in_the_middle_goes_on_where_the_server_stands() {
    const SIZE: usize = 2_000_000;
    let world = World::new().await;
    let direct = world.provisioning();
    let cutter = Cutter::before(&direct, Each::Cut, Vec::new(), Duration::from_millis(2)).await;
    cutter.close();
    let (phone, profile) = phone_behind(&world, "dana", &cutter).await;
    let file = Dice(5).recording(SIZE);
    let (report, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    // The report does not wait for what cannot be uploaded.
    until_sent(&phone, &report).await;
    phone.shutdown().await;
    profile.server.write(&profile.dir).expect("server.json");
    cutter.open();

    for kill in 1..=4_u64 {
        let dir = profile.dir.display().to_string();
        let mut child = alone::child("uploads::child_uploads", &dir)
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let opened = tokio::task::spawn_blocking(move || said.any(|line| line.is_ok_and(|l| l == "open")));
        assert!(opened.await.expect("a child"), "it opens");
        let goal = kill * 300_000;
        let wait = async {
            while cutter.seen().pieces < goal {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("it goes on");
        child.kill().expect("kills");
        child.wait().expect("ends");
    }
    assert!(stored(&world, &ids[0]).await.is_none());
    let phone = reopen(&profile.dir).await;
    until_all_is_sent(&phone).await;

    assert_stored_once(&world, &ids[0], &file).await;
    {
        let seen = cutter.seen();
        // Four kills; what was in the phone's and the line's buffers went with each.
        assert!(seen.pieces - SIZE as u64 <= 4 * TWICE_AT_MOST, "{}", seen.pieces);
        assert_eq!(seen.lines.iter().filter(|l| l.starts_with("POST")).count(), 1);
    }
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_does_not_wait_for_a_photo_that_is_on_its_way_and_the_person_sees_how_far_it_is() {
    let world = World::new().await;
    let direct = world.provisioning();
    // Some 130 kB a second: the recording takes fifteen of them, and a report comes between on a busy machine too.
    let cutter = Cutter::before(&direct, Each::Cut, Vec::new(), Duration::from_millis(30)).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    let file = Dice(6).recording(2_000_000);
    let (first, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    let number = until(&phone, async || {
        let report = phone.report(first.clone()).await.expect("there");
        match report.attachments[0].send {
            // Its words, one of three, go before its 31 parts.
            SendState::Sending { number, of: 31 } if number > 1 => Some(number),
            _ => None,
        }
    })
    .await;
    assert!(number <= 31, "part {number}");

    let second = report_bite(&phone).await;
    until_sent(&phone, &second.id).await;

    assert!(
        stored(&world, &ids[0]).await.is_none(),
        "the photo is still on its way"
    );
    until_all_is_sent(&phone).await;
    assert_stored_once(&world, &ids[0], &file).await;
    phone.shutdown().await;
}

/// Uploads through a proxy that answers in the server's place; gives the first lines of what it saw.
async fn upload_past(judge: impl FnMut(&str) -> Fate + Send + 'static) -> Vec<String> {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let mut judge = judge;
    let proxy = Proxy::before(&direct, move |request| judge(&request.line)).await;
    profile.server = proxy.provisioning(&direct);
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    let file = Dice(7).recording(150_000);
    let (_, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        phone.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
    assert_stored_once(&world, &ids[0], &file).await;
    phone.shutdown().await;
    proxy
        .lines()
        .into_iter()
        .filter(|line| line.contains("/api/uploads") || line.contains("/fhir/Binary"))
        .collect()
}

fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_server_knows_nothing_of_any_more_begins_anew() {
    for status in [404, 410, 460] {
        let mut pieces = 0;
        let lines = upload_past(move |line| {
            pieces += usize::from(line.starts_with("PATCH"));
            if line.starts_with("PATCH") && pieces == 2 {
                Fate::Answer(status)
            } else {
                Fate::Pass
            }
        })
        .await;
        assert_eq!(count(&lines, "POST"), 2, "{status}: {lines:?}");
        assert_eq!(count(&lines, "PUT"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_full_or_says_that_the_upload_stands_elsewhere_is_asked_again() {
    for status in [507, 409, 423] {
        let mut pieces = 0;
        let lines = upload_past(move |line| {
            pieces += usize::from(line.starts_with("PATCH"));
            if line.starts_with("PATCH") && pieces == 2 {
                Fate::Answer(status)
            } else {
                Fate::Pass
            }
        })
        .await;
        assert_eq!(count(&lines, "POST"), 1, "{status}: {lines:?}");
        assert_eq!(count(&lines, "HEAD"), 1, "{status}: {lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_pieces_gets_the_whole_and_once() {
    let mut puts = 0;
    let lines = upload_past(move |line| {
        puts += usize::from(line.starts_with("PUT"));
        match line {
            line if line.contains("/api/uploads") => Fate::Answer(404),
            // It came, and its answer is lost.
            line if line.starts_with("PUT") && puts == 1 => Fate::CutAfter("HTTP/1.1"),
            _ => Fate::Pass,
        }
    })
    .await;
    assert_eq!(count(&lines, "OPTIONS"), 1, "{lines:?}");
    assert_eq!(count(&lines, "POST"), 0);
    assert!(count(&lines, "PUT") >= 1);
}
