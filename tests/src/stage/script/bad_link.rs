//! A visit on a link that gets worse and better: what both windows say of it, and what still gets through.
//!
//! The phone's link is simulated: all that its call and its signalling send passes a line on this machine that is slow,
//! late and lossy as each step says. The evidence and its pictures say so.

use super::{hold, Scene};
use anyhow::{ensure, Context, Result};
use hms_link::Way;
use serde_json::{json, Value};
use std::time::{Duration, Instant};

/// How long the windows may take to say what the link does to them.
const NOTICE: Duration = Duration::from_secs(60);
/// Sound comes in packets of 60 ms: so many of them in five seconds are a voice, with some lost.
const VOICE_PACKETS: u64 = 40;
/// The telephone is offered after 30 s without sound and picture.
const PHONE_OFFERED: Duration = Duration::from_secs(50);

/// Both directions alike.
fn way(kbit_s: f64, delay_ms: f64, loss: f64) -> Way {
    Way {
        kbit_s: Some(kbit_s),
        delay_ms,
        jitter_ms: delay_ms / 15.0,
        loss,
        ..Way::default()
    }
}

/// Makes the link so, and writes that under the pictures from here on.
fn set_link(scene: &mut Scene, name: &str, way: Way) -> Value {
    scene.cast.set_link(way);
    let rate = way
        .kbit_s
        .map_or("no limit".to_owned(), |rate| format!("{rate} kbit/s"));
    let (delay, loss) = (way.delay_ms, way.loss * 100.0);
    scene.evidence.caption = Some(format!(
        "SIMULATED LINK of the phone: {name} ({rate}, {delay} ms each way, {loss} % lost)"
    ));
    json!({ "simulated": true, "kbit_s": way.kbit_s, "delay_ms": delay, "loss": way.loss })
}

pub(super) async fn good(scene: &mut Scene) -> Result<()> {
    let link = set_link(scene, "good", Way::default());
    let said = both_say(scene, "call-quality", "visit-quality", "Good connection").await?;
    ensure!(ages(scene).await == (None, None), "a live picture has an age");
    finish(scene, "good", link, said).await
}

/// Like 3G at the edge of a cell: the picture gets smaller, and goes on.
pub(super) async fn thin(scene: &mut Scene) -> Result<()> {
    let link = set_link(scene, "thin, like 3G", way(140.0, 80.0, 0.0));
    let begun = Instant::now();
    let said = loop {
        let said = moves_again(scene, &["Picture made smaller"]).await?;
        // On its way down from a large picture the call passes a small one: what lasts counts.
        let before = hold::drawn(scene).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let after = hold::drawn(scene).await;
        if after.0 > before.0 + 10 && after.1 > before.1 + 10 {
            break said;
        }
        ensure!(
            begun.elapsed() < scene.cast.patience(150),
            "the small picture does not move: {before:?}, {after:?}"
        );
    };
    finish(scene, "thin", link, said).await
}

/// A moving picture would mostly stand still: stills take its place, and say that they are stills.
pub(super) async fn stills(scene: &mut Scene) -> Result<()> {
    let link = set_link(scene, "late and lossy", way(90.0, 300.0, 0.06));
    let mut said = both_say(scene, "call-quality", "visit-quality", "Picture paused").await?;
    let begun = Instant::now();
    let marked = loop {
        let (carrier, clinician) = ages(scene).await;
        let still = |age: &Option<String>| {
            age.as_deref()
                .is_some_and(|text| text.starts_with("Still picture"))
        };
        if still(&carrier) && still(&clinician) {
            break json!({ "carrier": carrier, "clinician": clinician });
        }
        ensure!(
            begun.elapsed() < NOTICE,
            "no still says that it is one: {carrier:?}, {clinician:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    said["marked"] = marked;
    finish(scene, "stills", link, said).await
}

/// Almost nothing: the carrier chooses sound alone, the desk reads so, and the voice goes on.
pub(super) async fn sound_only(scene: &mut Scene) -> Result<()> {
    let link = set_link(scene, "almost nothing", way(34.0, 300.0, 0.03));
    scene.carrier.tap("visit-sound-only").await?;
    let desk = scene
        .clinician
        .read_until("peer-sound-only", NOTICE, |text| {
            text.contains("chose sound only")
        })
        .await?;
    let carrier = scene.carrier.read("sound-only").await?;
    // What was on its way has come or is lost: on such a line that takes a while.
    let begun = Instant::now();
    let (packets, heard) = loop {
        let (pictures, packets) = (hold::drawn(scene).await, packets(scene)?);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (then, heard) = (hold::drawn(scene).await, self::packets(scene)?);
        if then == pictures {
            break (packets, heard);
        }
        ensure!(
            begun.elapsed() < scene.cast.patience(30),
            "pictures go on: {pictures:?}, {then:?}"
        );
    };
    ensure!(
        heard.0 >= packets.0 + VOICE_PACKETS && heard.1 >= packets.1 + VOICE_PACKETS,
        "the voice does not go on: {packets:?}, {heard:?}"
    );
    let said = json!({
        "carrier": carrier, "clinician": desk,
        "packets_of_sound_in_5_s": { "carrier": heard.0 - packets.0, "clinician": heard.1 - packets.1 },
    });
    finish(scene, "sound-only", link, said).await
}

/// Nothing: after half a minute both sides are offered the telephone, and the carrier asks for a call.
pub(super) async fn gone(scene: &mut Scene) -> Result<()> {
    scene.cast.silence_link();
    scene.evidence.caption = Some("SIMULATED LINK of the phone: nothing passes".to_owned());
    let begun = Instant::now();
    let carrier = lost(&scene.carrier, "call-quality").await?;
    let clinician = lost(&scene.clinician, "call-away").await?;
    let wait = PHONE_OFFERED;
    scene.carrier.see_css("[data-testid=visit-phone]", wait).await?;
    let after_s = begun.elapsed().as_secs_f64();
    let number = scene.carrier.attribute("visit-phone", "href").await?;
    let theirs = scene.clinician.see_css("[data-testid=call-phone]", wait).await?;
    ensure!(
        after_s >= 25.0,
        "the telephone was offered after {after_s} s already"
    );
    ensure!(number.starts_with("tel:"), "{number:?} is no number to call");
    scene.carrier.tap("call-me").await?;
    scene.carrier.see("call-me-asked").await?;
    let said = json!({
        "carrier": carrier, "clinician": clinician, "phone_after_s": after_s,
        "carrier_calls": number, "desk_calls": theirs.label,
    });
    finish(
        scene,
        "gone",
        json!({ "simulated": true, "passes": "nothing" }),
        said,
    )
    .await
}

/// The link is back: the same visit goes on where it was, and the wish for a call is read at the desk.
pub(super) async fn back(scene: &mut Scene) -> Result<()> {
    let link = set_link(scene, "good again", Way::default());
    scene.cast.restore_link();
    let restored = Instant::now();
    let wish = scene
        .clinician
        .read_until("call-me-wanted", NOTICE, |text| text.contains("call by phone"))
        .await?;
    scene.carrier.tap("visit-try-video").await?;
    let before = hold::drawn(scene).await;
    moves_again(scene, &["Good connection", "Picture made smaller"]).await?;
    loop {
        let now = hold::drawn(scene).await;
        if now.0 > before.0 + 15 && now.1 > before.1 + 15 {
            break;
        }
        ensure!(
            restored.elapsed() < Duration::from_secs(180),
            "pictures do not come back: {before:?}, {now:?}"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let after_s = restored.elapsed().as_secs_f64();
    let mut said = moves_again(scene, &["Good connection", "Picture made smaller"]).await?;
    said["pictures_back_after_s"] = json!(after_s);
    said["wish_read"] = json!(wish);
    finish(scene, "back", link, said).await
}

/// Waits until both windows say one of these of a picture that moves. A side whose picture is paused is asked to try it,
/// as a person does who wants to see: what is sent as stills tells nobody how much more the link would carry.
async fn moves_again(scene: &Scene, words: &[&str]) -> Result<Value> {
    let (begun, mut pressed, mut tries) = (Instant::now(), None::<Instant>, 0);
    loop {
        let carrier = scene.carrier.read("call-quality").await.unwrap_or_default();
        let clinician = scene.clinician.read("visit-quality").await.unwrap_or_default();
        let fits = |text: &str| words.iter().any(|word| text.contains(word));
        if fits(&carrier) && fits(&clinician) {
            return Ok(json!({ "carrier": carrier, "clinician": clinician, "tries": tries }));
        }
        ensure!(
            begun.elapsed() < scene.cast.patience(120),
            "no picture moves: the carrier's window says {carrier:?}, the desk's {clinician:?}"
        );
        if pressed.is_none_or(|at| at.elapsed() > Duration::from_secs(15)) {
            for (window, said) in [(&scene.carrier, &carrier), (&scene.clinician, &clinician)] {
                if said.contains("Picture paused")
                    && window.find("[data-testid=visit-try-video]").await?.is_some()
                {
                    window.tap("visit-try-video").await?;
                    pressed = Some(Instant::now());
                    tries += 1;
                    // The other side tries too as soon as it hears of it.
                    break;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn lost(window: &crate::stage::webdriver::Window, id: &str) -> Result<String> {
    window
        .read_until(id, Duration::from_secs(40), |text| text.contains("onnection"))
        .await
        .with_context(|| format!("the {} does not say that the connection is lost", window.name))
}

/// Waits until both windows say these words of the link, which each reads from the call's own figures.
async fn both_say(scene: &Scene, carrier: &str, clinician: &str, words: &str) -> Result<Value> {
    let wait = scene.cast.patience(NOTICE.as_secs());
    let fits = |text: &str| text.contains(words);
    let carrier = scene.carrier.read_until(carrier, wait, fits).await?;
    let clinician = scene.clinician.read_until(clinician, wait, fits).await?;
    Ok(json!({ "carrier": carrier, "clinician": clinician }))
}

/// What stands on each far picture of its age, now.
async fn ages(scene: &Scene) -> (Option<String>, Option<String>) {
    let read = |text: Result<Option<String>>| text.ok().flatten();
    (
        read(scene.carrier.text_now("[data-testid=remote-picture-age]").await),
        read(scene.clinician.text_now("[data-testid=visit-remote-age]").await),
    )
}

/// Packets of sound that each side has received so far.
fn packets(scene: &Scene) -> Result<(u64, u64)> {
    let of = |who: &str| -> Result<u64> {
        let figures = scene.cast.figures(who)?;
        figures["call"]["audio_packets"]
            .as_u64()
            .context("no packets are counted")
    };
    Ok((of("carrier")?, of("clinician")?))
}

async fn finish(scene: &mut Scene, step: &str, link: Value, said: Value) -> Result<()> {
    let figures = |who: &str| {
        let figures = scene.cast.figures(who).unwrap_or_default();
        let call = &figures["call"];
        json!({ "rung": call["rung"], "rtt_ms": call["rtt_ms"], "loss": call["loss"], "path": call["path"] })
    };
    let confirmed = json!({
        "link": link, "said": said,
        "carrier_sends": figures("carrier"), "clinician_sends": figures("clinician"),
    });
    scene
        .evidence
        .step(step, &[&scene.carrier, &scene.clinician], confirmed)
        .await
}
