//! `kill -9` in the middle of a form: a new process finds every field but at most the last.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hms_model::form::ReportStepForm;
use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};
use hms_model::view::DraftView;

use crate::alone::{self, CHILD};
use crate::world::{reopen, sign_in, sync_until_sent, World};

/// Not a test of its own: the form that is filled in until somebody kills the process.
#[tokio::test(flavor = "multi_thread")]
async fn child_fills_in_a_form() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let phone = reopen(Path::new(&dir)).await;
    let form = phone.report_start(None).await.expect("a form");
    let first = TEXTS.iter().filter_map(|of| number(of(&form))).max();
    if form.safe.is_none() {
        for step in choices() {
            phone.report_step(form.id.clone(), step).await.expect("kept");
        }
    }
    for n in first.map_or(0, |n| n + 1).. {
        phone
            .report_step(form.id.clone(), text_step(n))
            .await
            .expect("kept");
        // Straight to the parent: what the test harness captures would die with the process.
        let mut out = std::io::stderr();
        writeln!(out, "kept {n}")
            .and_then(|()| out.flush())
            .expect("says");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_survives_kill_9_at_any_moment_but_for_at_most_its_last_field() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.shutdown().await;
    profile.server.write(&profile.dir).expect("server.json");

    let mut dice = 0x00C0_FFEE_u64;
    let mut roll = |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) % below
    };
    let (mut all, mut form) = (0, None);
    for round in 0..10 {
        let said = fill_in_and_kill(&profile.dir, 1 + roll(9), Duration::from_micros(roll(60_000))).await;
        let phone = reopen(&profile.dir).await;
        let kept = phone.report_draft().await.expect("looks").expect("a form");
        for (n, field) in TEXTS.iter().enumerate() {
            // The newest number of this field that was said to be kept; one more may have been on its way.
            let promised = (0..=said).rev().find(|k| k % TEXTS.len() == n);
            let found = number(field(&kept));
            assert!(
                found >= promised && found.unwrap_or(0) <= said + 1,
                "round {round}, field {n}: said {said}, promised {promised:?}, found {found:?}"
            );
        }
        assert_eq!(kept.missing, [], "the answers before the words are all there");
        assert_eq!(
            form.get_or_insert_with(|| kept.id.clone()),
            &kept.id,
            "one form goes on"
        );
        assert!(said > all || round == 0, "it went on where it was left");
        all = said;
        phone.shutdown().await;
    }

    // And it is still a report that can be sent.
    let phone = reopen(&profile.dir).await;
    let sent = phone.report_send(form.expect("a form")).await.expect("sent");
    assert!(sent.note.is_some() && sent.witness.is_some());
    sync_until_sent(&phone, &sent.id).await;
    phone.shutdown().await;
}

/// Starts the child, kills it some time after its `lines`th word, and gives the last number that it said.
async fn fill_in_and_kill(dir: &Path, lines: u64, then: Duration) -> usize {
    let dir = dir.to_owned();
    let work = move || {
        let mut child = alone::child("killed::child_fills_in_a_form", &dir.display().to_string())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut said = BufReader::new(child.stderr.take().expect("pipe"))
            .lines()
            .map_while(Result::ok)
            .inspect(|line| assert!(!line.contains("panicked"), "{line}"))
            .filter_map(|line| line.strip_prefix("kept ")?.parse().ok());
        let mut last = None;
        for _ in 0..lines {
            last = said.next().or(last);
        }
        // Somewhere in the middle of what comes next.
        std::thread::sleep(then);
        child.kill().expect("kills");
        child.wait().expect("ends");
        said.last().or(last)
    };
    let said = tokio::task::spawn_blocking(work).await.expect("a child");
    said.expect("it came as far as one field")
}

fn choices() -> Vec<ReportStepForm> {
    let hand = HurtPlace {
        part: BodyPart::Hand,
        side: Side::Left,
    };
    vec![
        ReportStepForm::Safe { value: SafeNow::Safe },
        ReportStepForm::What {
            value: WhatHappened::Animal,
        },
        ReportStepForm::Where { value: vec![hand] },
    ]
}

type Field = fn(&DraftView) -> &Option<String>;
const TEXTS: [Field; 3] = [|form| &form.place_text, |form| &form.witness, |form| &form.note];

fn text_step(n: usize) -> ReportStepForm {
    let text = Some(format!("words {n}"));
    match n % TEXTS.len() {
        0 => ReportStepForm::Place { position: None, text },
        1 => ReportStepForm::Witness { text },
        _ => ReportStepForm::Note { text },
    }
}

fn number(field: &Option<String>) -> Option<usize> {
    field.as_deref()?.strip_prefix("words ")?.parse().ok()
}
