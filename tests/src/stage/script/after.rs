//! Note, order, advice, decision, HR, and what the carrier reads afterwards.

use super::{session, Scene};
use anyhow::{ensure, Context, Result};
use serde_json::{json, Value};
use std::time::{Duration, Instant};

/// A word that must never reach HR.
const CANARY: &str = "zebrafinch-canary";

pub(super) async fn note(scene: &mut Scene) -> Result<()> {
    let words = format!("Two punctures, back of left hand. Bleeding controlled. {CANARY}");
    scene.clinician.fill("[data-testid=note-text]", &words).await?;
    scene.clinician.tap("note-sign").await?;
    let found = wait_for(
        scene,
        "Composition?status=final&type=11506-3&_sort=-date&_count=1",
    )
    .await?;
    let signed = found["attester"][0]["time"].clone();
    ensure!(!signed.is_null(), "the note has no attester");
    scene
        .evidence
        .step("note", &[&scene.clinician], json!({ "signed": signed }))
        .await
}

pub(super) async fn order(scene: &mut Scene) -> Result<()> {
    scene.clinician.tap("imaging-order").await?;
    let found = wait_for(scene, "ServiceRequest?_sort=-authored&_count=1").await?;
    let site = found["locationReference"][0]["reference"].clone();
    scene
        .evidence
        .step("order", &[&scene.clinician], json!({ "site": site }))
        .await
}

pub(super) async fn advice(scene: &mut Scene) -> Result<()> {
    for tap in [
        "advice-status-restricted",
        "advice-limit-no-left-hand-use",
        "advice-sign",
    ] {
        scene
            .clinician
            .tap(tap)
            .await
            .with_context(|| format!("tap {tap}"))?;
    }
    let found = wait_for(
        scene,
        "Composition?status=final&type=fit-for-duty&_sort=-date&_count=1",
    )
    .await?;
    scene.clinician.tap("followup-book").await?;
    let booked = wait_for(scene, "Appointment?status=booked&_sort=-date&_count=1").await?;
    let confirmed = json!({ "advice": found["id"], "appointment": booked["start"] });
    scene
        .evidence
        .step("advice", &[&scene.clinician], confirmed)
        .await
}

pub(super) async fn manager(scene: &mut Scene) -> Result<()> {
    let manager = scene.cast.window("manager", true, None).await?;
    let user = scene.cast.user("manager").clone();
    session::sign_in(&manager, &scene.browser, &user).await?;
    manager.tap("manager-decide-accept").await?;
    let begun = Instant::now();
    loop {
        let tasks = scene
            .cast
            .fhir("manager", "Task?code=duty-decision&status=completed&_count=1")
            .await?;
        if tasks["entry"][0]["resource"]["output"].is_array() {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "the decision did not arrive"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    scene
        .evidence
        .step("manager", &[&manager], json!({ "decided": true }))
        .await?;
    manager.close().await;
    Ok(())
}

pub(super) async fn hr(scene: &mut Scene) -> Result<()> {
    let begun = Instant::now();
    loop {
        let mut received = String::new();
        for entry in std::fs::read_dir(&scene.cast.hr_dir)?.flatten() {
            received.push_str(&std::fs::read_to_string(entry.path()).unwrap_or_default());
        }
        if received.contains("restricted") && received.contains("no-left-hand-use") {
            ensure!(!received.contains(CANARY), "a word of the note reached HR");
            ensure!(
                !received.contains("bite") && !received.contains("animal"),
                "HR learned what happened"
            );
            let confirmed = json!({ "bytes": received.len(), "seconds": begun.elapsed().as_secs_f64() });
            return scene.evidence.step("hr", &[], confirmed).await;
        }
        ensure!(begun.elapsed() < Duration::from_secs(60), "HR received nothing");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

pub(super) async fn carrier_reads(scene: &mut Scene) -> Result<()> {
    scene.clinician.tap("visit-leave").await?;
    scene.carrier.see("screen-visit-ended").await?;
    scene.cast.cut_link();
    scene.carrier.tap("ended-summary").await?;
    let said = scene
        .carrier
        .read_until("screen-summaries", Duration::from_secs(20), |text| {
            text.contains(CANARY)
        })
        .await?;
    let confirmed = json!({ "offline": true, "characters": said.len() });
    scene.evidence.step("after", &[&scene.carrier], confirmed).await
}

/// Waits until a search by the clinician's token finds something; the newest is returned.
async fn wait_for(scene: &Scene, search: &str) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let found = scene.cast.fhir("clinician", search).await?;
        if found["entry"][0]["resource"].is_object() {
            return Ok(found["entry"][0]["resource"].clone());
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "{search} found nothing"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
