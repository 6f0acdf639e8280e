//! What a cut and loss do to a call, and that it heals by itself.

use std::time::Duration;

use hms_media::{CallEvent, PictureFormat, Voice};

use crate::link::Link;
use crate::side::{config, join, Side};

/// Measured at 0.7 to 1.3 s; the rest is for a machine that is busy elsewhere.
const HEALS_WITHIN: Duration = Duration::from_secs(8);

async fn over(link: &Link) -> (Side, Side) {
    let (mut carrier, mut clinician) = join(
        config(Voice::Carrier, PictureFormat::SMALL),
        config(Voice::Clinician, PictureFormat::SMALL),
        |way, sdp| link.rewrite(way, &sdp),
    )
    .await;
    carrier.until("frames", |stats| stats.frames_decoded > 10).await;
    clinician.until("frames", |stats| stats.frames_decoded > 10).await;
    (carrier, clinician)
}

/// Cuts the link, joins it again and tells how long sound and picture took to come back.
async fn cut(seconds: u64) -> (Side, Side, Duration) {
    let link = Link::new(5).await;
    let (mut carrier, mut clinician) = over(&link).await;

    link.set_cut(true);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let (seen, heard) = {
        let stats = clinician.stats.borrow();
        (stats.frames_decoded, stats.audio_packets)
    };
    link.set_cut(false);
    let joined = tokio::time::Instant::now();
    clinician
        .until("sound and picture", |stats| {
            stats.frames_decoded > seen + 5 && stats.audio_packets > heard + 10 && stats.connected
        })
        .await;
    carrier.until("the path", |stats| stats.connected).await;
    let healed = joined.elapsed();
    let likeness = clinician.hears(Voice::Carrier).await;

    assert!(link.dropped() > 20);
    assert!(likeness >= 0.8, "{likeness}");
    (carrier, clinician, healed)
}

#[tokio::test]
async fn a_short_cut_heals_by_itself() {
    let (_, _, healed) = cut(3).await;

    println!("healed in {healed:?}");
    assert!(healed < HEALS_WITHIN, "{healed:?}");
}

/// Twelve seconds: run with `HMS_DEEP=1`.
#[tokio::test]
async fn a_twelve_second_cut_heals_by_itself_and_is_told() {
    if std::env::var_os("HMS_DEEP").is_none() {
        return;
    }
    let (_, mut clinician, healed) = cut(12).await;

    println!("healed in {healed:?}");
    assert!(healed < HEALS_WITHIN, "{healed:?}");
    clinician.event(&CallEvent::Lost).await;
    clinician.event(&CallEvent::Recovered).await;
}

#[tokio::test]
async fn most_of_the_sound_survives_loss() {
    let link = Link::new(11).await;
    let (_carrier, mut clinician) = over(&link).await;

    link.set_loss(100);
    let heard = clinician.hears(Voice::Carrier).await;
    clinician
        .until("restored sound", |stats| stats.audio_recovered_samples > 0)
        .await;
    let stats = clinician.stats.borrow().clone();

    println!("{stats:?}");
    assert!(heard >= 0.8, "{heard}");
    assert!(link.dropped() > 10);
}
