//! The process ends at each moment at which its work waits: in the loop that does what a person asks, in an exchange, in
//! an upload and in a refresh of tokens. The next one goes on from what lies on the disk. What was said to be saved
//! arrives, once; and a phone that dies twenty times at one place gets through when it does not.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hms_client::Client;
use hms_model::view::SendState;

use crate::alone::{self, CHILD};
use crate::world::{fill_in, photo, reopen, sign_in, until, World};

const CHILD_TEST: &str = "every_wait::child_reports_and_sends";

/// Not a test of its own: opens the profile, reports with a photo, and waits until all is sent, or until it dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_reports_and_sends() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let phone = reopen(Path::new(&dir)).await;
    let form = fill_in(&phone).await;
    // A form that an earlier life left may have its photo already.
    let kept = phone.report_draft().await.expect("looks").expect("a form");
    if kept.attachments.is_empty() {
        photo(&phone, &form).await;
    }
    let sent = phone.report_send(form).await.expect("sent");
    say(&format!("saved {}", sent.id));
    all_sent(&phone).await;
    say("done");
    phone.shutdown().await;
}

/// Straight to the parent: what the test harness captures would die with the process.
fn say(word: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{word}").and_then(|()| out.flush()).expect("says");
}

/// Until nothing waits, words and photos.
async fn all_sent(phone: &Client) {
    until(phone, async || {
        phone.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
}

struct Phone {
    world: World,
    dir: PathBuf,
    /// Reports that were said to be saved.
    saved: Vec<String>,
    kills: usize,
}

impl Phone {
    async fn new() -> Self {
        let world = World::new().await;
        let profile = world.profile("dana");
        let phone = profile.start().await;
        sign_in(&phone, &profile, "dana").await;
        phone.sync_now().await.expect("syncs");
        phone.shutdown().await;
        profile.server.write(&profile.dir).expect("server.json");
        Self {
            world,
            dir: profile.dir,
            saved: Vec::new(),
            kills: 0,
        }
    }

    /// Lets the program run until it dies there; false where it came to its end.
    async fn dies(&mut self, part: &str, at: usize) -> bool {
        let mut command = alone::child(CHILD_TEST, &self.dir.display().to_string());
        command
            .env("HMS_DIE", format!("{part}:{at}"))
            .stderr(Stdio::piped());
        let work = move || {
            let mut child = command.spawn().expect("starts");
            let said: Vec<String> = BufReader::new(child.stderr.take().expect("pipe"))
                .lines()
                .map_while(Result::ok)
                .collect();
            child.wait().expect("ends");
            said
        };
        let said = tokio::task::spawn_blocking(work).await.expect("a child");
        for line in &said {
            assert!(!line.contains("panicked"), "{part} {at}: {said:?}");
            self.saved.extend(line.strip_prefix("saved ").map(str::to_owned));
        }
        let done = said.iter().any(|line| line == "done");
        self.kills += usize::from(!done);
        !done
    }

    /// What was said to be saved is sent, with its photo, and stands once at the server.
    async fn everything_arrived_once(&self) {
        let phone = reopen(&self.dir).await;
        phone.sync_now().await.expect("syncs");
        all_sent(&phone).await;
        for id in &self.saved {
            let report = phone.report(id.clone()).await.expect("it is there");
            assert!(
                matches!(report.send, SendState::Sent { .. }),
                "{id}: {:?}",
                report.send
            );
            assert!(!report.attachments.is_empty(), "{id} has lost its photo");
            for photo in &report.attachments {
                assert!(matches!(photo.send, SendState::Sent { .. }), "{id}: {photo:?}");
            }
        }
        phone.shutdown().await;
        let server = self.world.server.as_ref().expect("a server");
        let at_server: Vec<(String, String, i64)> = server
            .app
            .db
            .read(|read| -> Result<_, hms_server::db::DbError> {
                let mut all = Vec::new();
                for row in hms_server::db::sqlite::table::feed::after(read.conn(), 0, 1_000_000)? {
                    all.push((row.kind, row.id, row.seq));
                }
                Ok(all)
            })
            .await
            .expect("reads");
        let mut seen = BTreeSet::new();
        for (kind, id, _) in &at_server {
            if ["QuestionnaireResponse", "DocumentReference", "Binary"].contains(&kind.as_str()) {
                assert!(seen.insert((kind, id)), "{kind}/{id} was stored twice");
            }
        }
        for id in &self.saved {
            assert!(
                seen.iter()
                    .any(|(kind, found)| *kind == "QuestionnaireResponse" && *found == id),
                "{id} is not at the server"
            );
        }
    }
}

fn deep() -> bool {
    std::env::var_os("HMS_DEEP").is_some()
}

/// A phone that has reported so often is slow to open; another one goes on from there.
const LIVES: usize = 40;

/// The program is ended at every wait of a part, or, where that takes too long for each run, at every so manieth.
async fn dies_at_any_wait(part: &str, quick: usize) {
    let stride = if deep() { 1 } else { quick };
    let mut phone = Phone::new().await;
    let (mut kills, mut reports, mut at, mut through) = (0, 0, 1, 0);
    // Until it came through a few times without reaching that moment.
    while through < 2 {
        through = if phone.dies(part, at).await {
            0
        } else {
            through + 1
        };
        at += stride;
        assert!(at < 20_000, "{part} has no end");
        if phone.kills == LIVES || through == 2 {
            phone.everything_arrived_once().await;
            kills += phone.kills;
            reports += phone.saved.len();
            if through < 2 {
                phone = Phone::new().await;
            }
        }
    }
    assert!(kills > 0, "{part} was never ended");
    println!("counts: process ended at {kills} waits of {part}, every {stride}: {reports} reports with photos, lost 0, doubled 0, stuck 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_wait_of_an_exchange_loses_and_doubles_none() {
    dies_at_any_wait("exchange", 9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_wait_of_an_upload_loses_and_doubles_none() {
    dies_at_any_wait("uploads", 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_wait_of_its_loop_loses_and_doubles_none() {
    dies_at_any_wait("engine", 41).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_wait_of_a_refresh_loses_and_doubles_none() {
    dies_at_any_wait("tokens", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_ends_at_the_same_wait_hold_nothing_up_afterwards() {
    let mut phone = Phone::new().await;
    let places: &[(&str, usize)] = if deep() {
        &[
            ("engine", 3),
            ("engine", 40),
            ("exchange", 1),
            ("exchange", 4),
            ("exchange", 8),
            ("exchange", 16),
            ("uploads", 3),
            ("uploads", 9),
            ("tokens", 1),
        ]
    } else {
        &[("exchange", 6)]
    };
    for (part, at) in places {
        let saved = phone.saved.len();
        let before = phone.kills;
        for _ in 0..20 {
            phone.dies(part, *at).await;
        }
        // A build without `sabotage` ends nothing, and would show nothing. A part that rests is not always reached.
        assert!(phone.kills > before, "{part} {at}: nothing was ended");
        // Where the person could report, each report counts; the next start sends them all.
        let begun = std::time::Instant::now();
        phone.everything_arrived_once().await;
        assert!(begun.elapsed() < Duration::from_secs(60), "{part} {at}");
        println!(
            "counts: {} ends at the {at}. wait of {part}: {} reports saved meanwhile, all sent by the next start",
            phone.kills - before,
            phone.saved.len() - saved
        );
    }
}
