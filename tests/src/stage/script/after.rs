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
    scene.clinician.press("note-sign").await?;
    let found = newest(
        scene,
        "Composition?status=final&type=11506-3&_sort=-date",
        |note| note.to_string().contains(CANARY),
    );
    let signed = found.await?["attester"][0]["time"].clone();
    ensure!(!signed.is_null(), "the note has no attester");
    scene
        .evidence
        .step("note", &[&scene.clinician], json!({ "signed": signed }))
        .await
}

pub(super) async fn order(scene: &mut Scene) -> Result<()> {
    scene.clinician.press("imaging-order").await?;
    let found = newest(scene, "ServiceRequest?status=active&_sort=-authored", |_| true).await?;
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
    let found = newest(
        scene,
        "Composition?status=final&type=fit-for-duty&_sort=-date",
        |advice| advice.to_string().contains("no-left-hand-use"),
    );
    let advice = found.await?["id"].clone();
    for tap in ["followup-in-7", "followup-book"] {
        scene
            .clinician
            .tap(tap)
            .await
            .with_context(|| format!("tap {tap}"))?;
    }
    let booked = newest(scene, "Appointment?status=booked&_sort=-date", |_| true).await?;
    let confirmed = json!({ "advice": advice, "appointment": booked["start"] });
    scene
        .evidence
        .step("advice", &[&scene.clinician], confirmed)
        .await
}

pub(super) async fn manager(scene: &mut Scene) -> Result<()> {
    let manager = scene.cast.window("manager", true, None).await?;
    let user = scene.cast.user("manager").clone();
    session::sign_in(&manager, &scene.browser, &user).await?;
    manager.press("manager-decide-accept").await?;
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
    scene.clinician.press("visit-leave").await?;
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

/// At the end nothing waits on the phone, as `ach` sees it once the app is closed.
pub(super) async fn outbox(scene: &mut Scene) -> Result<()> {
    scene.cast.restore_link();
    scene.cast.kill_app("carrier").await?;
    let begun = Instant::now();
    loop {
        scene
            .cast
            .ach("carrier", session::PHRASE, &["sync"])
            .await
            .context("ach sync")?;
        let outbox = scene.cast.ach("carrier", session::PHRASE, &["outbox"]).await?;
        if outbox == json!([]) {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(40),
            "something still waits: {outbox}"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    scene
        .evidence
        .step("outbox", &[&scene.clinician], json!({ "ach_outbox_waiting": 0 }))
        .await
}

/// Waits until the newest resource of the carrier that a search by the clinician's token finds is the one meant.
async fn newest(scene: &Scene, search: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let patient = scene.cast.user("carrier")["fhir_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let search = format!("{search}&_count=1&patient=Patient/{patient}");
    let begun = Instant::now();
    loop {
        let found = scene.cast.fhir("clinician", &search).await?;
        let newest = &found["entry"][0]["resource"];
        if newest.is_object() && fits(newest) {
            return Ok(newest.clone());
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "{search} found nothing"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
