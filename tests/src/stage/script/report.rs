//! The carrier: report and symptom check without a signal, then the receipt.

use super::Scene;
use anyhow::{bail, ensure, Context, Result};
use serde_json::json;
use std::time::Duration;

pub(super) async fn fill_in_offline(scene: &mut Scene) -> Result<()> {
    scene.cast.cut_link();
    let carrier = &scene.carrier;
    let taps = [
        "home-hurt",
        "safe-safe",
        "what-animal",
        "body-hand-left",
        "report-next",
        "report-send",
    ];
    for tap in taps {
        carrier.tap(tap).await.with_context(|| format!("tap {tap}"))?;
    }
    let said = carrier
        .read_until("send-state", Duration::from_secs(10), |text| {
            text.contains("Waiting to send")
        })
        .await?;
    let sealed = scene.cast.journal_bytes("carrier");
    ensure!(sealed > 0, "the sealed journal is empty");
    let confirmed = json!({ "taps": taps.len(), "said": said, "sealed_journal_bytes": sealed });
    scene.evidence.step("report", &[&scene.carrier], confirmed).await
}

pub(super) async fn check_symptoms(scene: &mut Scene) -> Result<()> {
    let carrier = &scene.carrier;
    carrier.tap("report-check-symptoms").await?;
    let mut questions = 0;
    while carrier.find("[data-testid=check-outcome]").await?.is_none() {
        questions += 1;
        ensure!(questions <= 30, "no outcome after 30 questions");
        if carrier.find("[data-testid=check-none]").await?.is_some() {
            carrier.tap("check-none").await?;
        } else if carrier.find("[data-testid=check-unknown]").await?.is_some() {
            carrier.tap("check-unknown").await?;
        } else {
            tokio::time::sleep(Duration::from_millis(150)).await;
            questions -= 1;
        }
    }
    let action = carrier.read("check-outcome").await?;
    let confirmed = json!({ "questions": questions, "says": action });
    scene.evidence.step("check", &[&scene.carrier], confirmed).await
}

pub(super) async fn receipt(scene: &mut Scene) -> Result<()> {
    scene.cast.restore_link();
    let carrier = &scene.carrier;
    carrier.tap("to-home").await?;
    carrier.tap("home-reports").await?;
    let said = carrier
        .read_until("send-state", Duration::from_secs(60), |text| {
            text.contains("HMS-")
        })
        .await?;
    let Some(number) = said.split_whitespace().find(|word| word.starts_with("HMS-")) else {
        bail!("no number in {said:?}");
    };
    scene.memory.number = number.trim_end_matches('.').to_owned();
    let found = scene
        .cast
        .fhir(
            "clinician",
            &format!("QuestionnaireResponse?identifier={}", scene.memory.number),
        )
        .await?;
    let report = &found["entry"][0]["resource"];
    scene.memory.report = report["id"]
        .as_str()
        .context("the server does not have the report")?
        .to_owned();
    let tasks = scene
        .cast
        .fhir(
            "clinician",
            &format!("Task?focus=QuestionnaireResponse/{}", scene.memory.report),
        )
        .await?;
    scene.memory.task = tasks["entry"][0]["resource"]["id"]
        .as_str()
        .context("no Task for the report")?
        .to_owned();
    let confirmed = json!({ "said": said, "report": scene.memory.report, "task": scene.memory.task });
    scene.evidence.step("receipt", &[&scene.carrier], confirmed).await
}
