//! A call that goes on: what is heard, what the buttons do, and what a tunnel of twelve seconds does.

use super::Scene;
use anyhow::{bail, ensure, Result};
use serde_json::{json, Value};
use std::time::{Duration, Instant};

/// Likeness of sound to a phrase from which on it counts as heard.
const LIKE: f64 = 0.8;
/// Loudness of a microphone that is muted, at most; the phrases are at some thousands.
const QUIET: f64 = 30.0;
/// Length of the cut.
const CUT: Duration = Duration::from_secs(12);

/// Numbers of different remote pictures that each window has drawn: carrier's, clinician's.
pub(super) async fn drawn(scene: &Scene) -> (u32, u32) {
    let count = |text: Result<String>| text.unwrap_or_default().parse().unwrap_or(0);
    (
        count(scene.carrier.attribute("remote-picture", "data-frames").await),
        count(scene.clinician.attribute("visit-remote", "data-frames").await),
    )
}

/// Each side hears the other's phrase; over a relay nearly everything is counted there.
pub(super) async fn sound(scene: &mut Scene) -> Result<()> {
    let carrier = hears(scene, "carrier").await?;
    let clinician = hears(scene, "clinician").await?;
    let share = match scene.cast.relay_only().map(str::to_owned) {
        None => Value::Null,
        Some(protocol) => json!(relayed(scene, &protocol).await?),
    };
    let confirmed = json!({
        "likeness": { "carrier_hears": carrier, "clinician_hears": clinician },
        "relayed_share": share,
    });
    scene
        .evidence
        .step("sound", &[&scene.carrier, &scene.clinician], confirmed)
        .await
}

async fn hears(scene: &Scene, who: &str) -> Result<f64> {
    let (begun, mut best) = (Instant::now(), 0.0_f64);
    while begun.elapsed() < scene.cast.patience(45) {
        let like = scene.cast.figures(who)?["likeness"].as_f64().unwrap_or(0.0);
        best = best.max(like);
        if like >= LIKE {
            return Ok(like);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bail!("the {who} hears the other's phrase with a likeness of {best:.2} only")
}

/// Share of all that both sides sent which the relay counted, by the protocol that it must be.
async fn relayed(scene: &Scene, protocol: &str) -> Result<f64> {
    let mut sent = 0.0;
    for who in ["carrier", "clinician"] {
        sent += scene.cast.figures(who)?["call"]["bytes_out"]
            .as_f64()
            .unwrap_or(0.0);
    }
    // Read after the figures, so that it can only have grown; both directions pass both sides' allocations.
    let relay = scene.cast.get("administrator", "api/relay").await?;
    let counted: f64 = relay["allocations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|allocation| allocation["transport"] == protocol)
        .filter_map(|allocation| allocation["bytes_to_peers"].as_f64())
        .sum();
    let share = counted / sent.max(1.0);
    ensure!(sent > 100_000.0, "{sent} bytes of media are too few to judge by");
    ensure!(
        share >= 0.9,
        "the relay counted {share:.2} of the {sent} bytes that were sent"
    );
    Ok(share.min(1.0))
}

/// Mute and camera off reach the other side, and end again.
pub(super) async fn controls(scene: &mut Scene) -> Result<()> {
    scene.carrier.tap("visit-mute").await?;
    let quiet = loudness(scene, |loud| loud < QUIET).await?;
    scene.carrier.tap("visit-mute").await?;
    loudness(scene, |loud| loud > 10.0 * QUIET).await?;
    scene.carrier.tap("visit-camera").await?;
    let begun = Instant::now();
    let mut before = drawn(scene).await.1;
    loop {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let now = drawn(scene).await.1;
        if now == before {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "pictures go on though the camera is off"
        );
        before = now;
    }
    scene.carrier.tap("visit-camera").await?;
    let back = Instant::now();
    while drawn(scene).await.1 < before + 15 {
        ensure!(
            back.elapsed() < Duration::from_secs(20),
            "no pictures after the camera is on again"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let confirmed = json!({ "loudness_muted": quiet, "pictures_stopped": true, "pictures_back": true });
    scene
        .evidence
        .step("controls", &[&scene.carrier, &scene.clinician], confirmed)
        .await
}

async fn loudness(scene: &Scene, fits: impl Fn(f64) -> bool) -> Result<f64> {
    let begun = Instant::now();
    loop {
        let loud = scene.cast.figures("clinician")?["loudness"]
            .as_f64()
            .unwrap_or(-1.0);
        if loud >= 0.0 && fits(loud) {
            return Ok(loud);
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "the clinician still hears a loudness of {loud}"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// The carrier drives through a tunnel while the clinician writes. A direct call loses its signalling only (both windows
/// are on this machine); one through the relay loses everything.
pub(super) async fn cut(scene: &mut Scene) -> Result<()> {
    let words = "Typed while the link was cut.";
    let before = drawn(scene).await;
    scene.cast.silence_link();
    let begun = Instant::now();
    scene.clinician.fill("[data-testid=note-text]", words).await?;
    tokio::time::sleep(CUT.saturating_sub(begun.elapsed())).await;
    let during = drawn(scene).await;
    if scene.cast.relay_only().is_some() {
        // What was under way when the link fell silent may still be drawn.
        ensure!(
            during.0 < before.0 + 45 && during.1 < before.1 + 45,
            "pictures went on through a cut link: {before:?}, {during:?}"
        );
    }
    scene.cast.restore_link();
    let restored = Instant::now();
    loop {
        let now = drawn(scene).await;
        if now.0 >= during.0 + 15 && now.1 >= during.1 + 15 {
            break;
        }
        ensure!(
            restored.elapsed() < Duration::from_secs(40),
            "pictures do not come back: {during:?}, {now:?}"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let healed = restored.elapsed().as_secs_f64();
    scene.clinician.see("visit-mute").await?;
    // The signalling is back too: a line typed on the phone arrives at the desk.
    scene
        .carrier
        .fill("[data-testid=visit-text]", "I am back")
        .await?;
    scene.carrier.tap("visit-send").await?;
    scene
        .clinician
        .read_until("visit-last-line", Duration::from_secs(30), |text| {
            text.contains("I am back")
        })
        .await?;
    let kept = scene.clinician.value("[data-testid=note-text]").await?;
    ensure!(kept.contains(words), "the note lost what was typed: {kept:?}");
    let confirmed = json!({
        "cut_seconds": CUT.as_secs(),
        "media_was_cut": scene.cast.relay_only().is_some(),
        "pictures_back_after_s": healed,
        "note_kept": true,
    });
    scene
        .evidence
        .step("cut", &[&scene.carrier, &scene.clinician], confirmed)
        .await
}
