//! The clinician sees the report, opens the chart and calls.

use super::{hold, Scene};
use anyhow::{ensure, Context, Result};
use serde_json::json;
use std::time::{Duration, Instant};

pub(super) async fn queue(scene: &mut Scene) -> Result<()> {
    let mine = format!("[data-task=\"{}\"]", scene.memory.task);
    let item = scene.clinician.see_css(&mine, Duration::from_secs(10)).await?;
    scene.clinician.tap_css(&mine).await?;
    scene.clinician.tap("queue-claim").await?;
    let mut owner = serde_json::Value::Null;
    let begun = Instant::now();
    while owner.is_null() {
        ensure!(begun.elapsed() < Duration::from_secs(15), "the Task has no owner");
        tokio::time::sleep(Duration::from_millis(200)).await;
        owner = scene
            .cast
            .fhir("clinician", &format!("Task/{}", scene.memory.task))
            .await?["owner"]
            .clone();
    }
    let notices = scene
        .cast
        .fhir(
            "manager",
            "Task?code=supervisor-notice&_sort=-authored-on&_count=1",
        )
        .await?;
    let notice = &notices["entry"][0]["resource"];
    ensure!(
        notice["focus"].is_null(),
        "the supervisor's notice refers to the report"
    );
    let confirmed =
        json!({ "entry": item.label, "owner": owner, "notice_due": notice["restriction"]["period"]["end"] });
    scene.evidence.step("queue", &[&scene.clinician], confirmed).await
}

pub(super) async fn chart(scene: &mut Scene) -> Result<()> {
    let said = scene
        .clinician
        .read_css_until("body", Duration::from_secs(15), |text| {
            text.contains(&scene.memory.number)
        })
        .await?;
    // From outside: whoever opened the chart stands in the audit, which the clinician cannot write.
    let report = format!("QuestionnaireResponse/{}", scene.memory.report);
    let search = format!("AuditEvent?entity={report}&_sort=-date&_count=50");
    let begun = Instant::now();
    let seen = loop {
        let events = scene.cast.fhir("compliance", &search).await?;
        let reads = |event: &&serde_json::Value| event["resource"]["action"] == "R";
        let found = events["entry"].as_array().into_iter().flatten().find(reads);
        if let Some(event) = found {
            break event["resource"]["recorded"].clone();
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "no one's look at the report is in the audit"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let confirmed = json!({ "characters": said.len(), "number_shown": true, "audited": seen });
    scene.evidence.step("chart", &[&scene.clinician], confirmed).await
}

pub(super) async fn call(scene: &mut Scene) -> Result<()> {
    scene.clinician.tap("visit-call").await?;
    let begun = Instant::now();
    scene.carrier.tap("visit-accept").await?;
    let patience = scene.cast.patience(90);
    let mut counts = (0, 0);
    while counts.0 < 100 || counts.1 < 100 {
        ensure!(begun.elapsed() < patience, "frames drawn: {counts:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        counts = hold::drawn(scene).await;
    }
    let visit = scene
        .cast
        .fhir("clinician", "Encounter?status=in-progress")
        .await?;
    let id = visit["entry"][0]["resource"]["id"]
        .as_str()
        .context("no Encounter is in progress")?;
    let confirmed = json!({
        "relay_only": scene.cast.relay_only(),
        "different_frames": { "carrier": counts.0, "clinician": counts.1 },
        "seconds": begun.elapsed().as_secs_f64(),
        "encounter": id,
    });
    scene
        .evidence
        .step("call", &[&scene.carrier, &scene.clinician], confirmed)
        .await
}
