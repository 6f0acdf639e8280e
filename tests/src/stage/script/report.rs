//! The carrier: report and symptom check without a signal, then the receipt.

use super::{session, Scene};
use anyhow::{bail, ensure, Context, Result};
use serde_json::json;
use std::time::{Duration, Instant};

pub(super) async fn fill_in_offline(scene: &mut Scene) -> Result<()> {
    scene.cast.cut_link();
    let carrier = &scene.carrier;
    let taps = [
        "home-hurt",
        "safe-safe",
        "what-animal",
        "map-hand-left",
        "next",
        "next",
        "next",
    ];
    let screens = [
        "report-safe",
        "report-what",
        "report-where",
        "report-where",
        "report-when",
        "report-check",
        "done",
    ];
    for (tap, screen) in taps.iter().zip(screens) {
        carrier.tap(tap).await.with_context(|| format!("tap {tap}"))?;
        carrier
            .see_css(&format!("[data-testid=screen-{screen}]"), Duration::from_secs(10))
            .await?;
    }
    let said = carrier
        .read_until("send-state", Duration::from_secs(10), |text| {
            text.contains("Waiting to send")
        })
        .await?;
    let sealed = scene.cast.journal_bytes("carrier");
    ensure!(sealed > 0, "the sealed journal is empty");
    ensure!(taps.len() <= 8, "more than 8 taps");
    let confirmed =
        json!({ "taps": taps.len(), "keystrokes": 0, "said": said, "sealed_journal_bytes": sealed });
    scene.evidence.step("report", &[&scene.carrier], confirmed).await
}

pub(super) async fn check_symptoms(scene: &mut Scene) -> Result<()> {
    let carrier = &scene.carrier;
    carrier.tap("done-check").await?;
    let mut questions = 0;
    let mut last = String::new();
    let begun = Instant::now();
    while carrier.find("[data-testid=result-card]").await?.is_none() {
        ensure!(
            begun.elapsed() < Duration::from_secs(120),
            "no result after {questions} questions"
        );
        let asked = carrier.text_now("[data-testid=question-text]").await?;
        let Some(asked) = asked.filter(|text| !text.is_empty() && *text != last) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // A calm bite: none of the warning signs, and "no" or "not sure" to the rest. Only a question that
        // takes several answers has a "next"; the others go on by themselves.
        let several = carrier.find("[data-testid=next]").await?.is_some();
        if several {
            carrier.tap("answer-none").await?;
            carrier.tap("next").await?;
        } else if carrier.find("[data-testid=answer-false]").await?.is_some() {
            carrier.tap("answer-false").await?;
        } else {
            carrier.tap("answer-unknown").await?;
        }
        last = asked;
        questions += 1;
    }
    let action = carrier.read("result-action").await?;
    let limit = carrier.read("result-limit").await?;
    let confirmed = json!({ "questions": questions, "says": action, "limit": limit });
    scene.evidence.step("check", &[&scene.carrier], confirmed).await
}

/// The battery dies while everything still waits: `ach` finds it in the store, and the app goes on from there.
pub(super) async fn killed(scene: &mut Scene) -> Result<()> {
    scene.cast.kill_app("carrier").await?;
    let outbox = scene.cast.ach("carrier", session::PHRASE, &["outbox"]).await?;
    let waiting = outbox.as_array().map_or(0, Vec::len);
    ensure!(waiting > 0, "nothing waits after kill -9: {outbox}");
    let again = scene.cast.window("carrier", false, Some(super::POSITION)).await?;
    // The old window's session is gone with its app.
    drop(std::mem::replace(&mut scene.carrier, again));
    session::unlock(&scene.carrier).await?;
    scene.carrier.see("screen-home").await?;
    let confirmed = json!({ "ach_outbox_waiting": waiting });
    scene.evidence.step("killed", &[&scene.carrier], confirmed).await
}

pub(super) async fn receipt(scene: &mut Scene) -> Result<()> {
    let carrier = &scene.carrier;
    carrier.tap("home-reports").await?;
    scene.cast.restore_link();
    let said = carrier
        .read_css_until("[data-testid^=send-]", scene.cast.patience(90), |text| {
            text.contains("HMS-")
        })
        .await?;
    let Some(number) = said.split_whitespace().find(|word| word.starts_with("HMS-")) else {
        bail!("no number in {said:?}");
    };
    scene.memory.number = number.trim_end_matches('.').to_owned();
    let search = format!("QuestionnaireResponse?identifier={}", scene.memory.number);
    let found = scene.cast.fhir("clinician", &search).await?;
    let report = &found["entry"][0]["resource"];
    scene.memory.report = report["id"]
        .as_str()
        .context("the server does not have the report")?
        .to_owned();
    let search = format!("Task?focus=QuestionnaireResponse/{}", scene.memory.report);
    let tasks = scene.cast.fhir("clinician", &search).await?;
    scene.memory.task = tasks["entry"][0]["resource"]["id"]
        .as_str()
        .context("no Task for the report")?
        .to_owned();
    // The symptom check that was made offline is there too, as the engine's answer.
    let patient = scene.cast.user("carrier")["fhir_id"].as_str().unwrap_or_default();
    let search = format!("RiskAssessment?patient=Patient/{patient}&_sort=-date&_count=1");
    let begun = Instant::now();
    let check = loop {
        let found = scene.cast.fhir("clinician", &search).await?;
        let newest = &found["entry"][0]["resource"];
        if newest.to_string().contains(&scene.memory.report) {
            break newest["id"].clone();
        }
        ensure!(
            begun.elapsed() < scene.cast.patience(30),
            "the server does not have the symptom check of the report"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let confirmed = json!({
        "said": said, "report": scene.memory.report, "task": scene.memory.task, "check": check,
    });
    scene.evidence.step("receipt", &[&scene.carrier], confirmed).await
}
