//! The second engine carries whole calls too, also towards the first.

use hms_media::{
    CallConfig, CallEvent, EndReason, EngineChoice, PathKind, PictureFormat, RelayProtocol, Voice,
};

use crate::relayed;
use crate::side::{config, join};

fn webrtc(voice: Voice) -> CallConfig {
    CallConfig {
        engine: EngineChoice::Webrtc,
        ..config(voice, PictureFormat::SMALL)
    }
}

async fn call(carrier: CallConfig, clinician: CallConfig, path: PathKind) {
    let (mut carrier, mut clinician) = join(carrier, clinician, |_, sdp| sdp).await;

    clinician.event(&CallEvent::FirstFrame).await;
    let (hears_clinician, hears_carrier) =
        tokio::join!(carrier.hears(Voice::Clinician), clinician.hears(Voice::Carrier));
    let near = carrier
        .until("100 frames", |stats| stats.distinct_remote_frames >= 100)
        .await;
    let far = clinician
        .until("100 frames", |stats| stats.distinct_remote_frames >= 100)
        .await;
    println!("{near:?}\n{far:?}");

    assert!(hears_clinician >= 0.8, "{hears_clinician}");
    assert!(hears_carrier >= 0.8, "{hears_carrier}");
    assert_eq!((near.path, far.path), (Some(path), Some(path)));
    carrier.call.hang_up().await;
    clinician.event(&CallEvent::Ended(EndReason::FarSide)).await;
}

#[tokio::test]
async fn two_people_see_and_hear_each_other() {
    call(webrtc(Voice::Carrier), webrtc(Voice::Clinician), PathKind::Direct).await;
}

#[tokio::test]
async fn each_engine_can_call_the_other() {
    let str0m = |voice| config(voice, PictureFormat::SMALL);

    tokio::join!(
        call(webrtc(Voice::Carrier), str0m(Voice::Clinician), PathKind::Direct),
        call(str0m(Voice::Carrier), webrtc(Voice::Clinician), PathKind::Direct),
    );
}

#[tokio::test]
async fn a_call_through_the_relay() {
    let relay = relayed::relay().await;
    let with_relay = |voice| CallConfig {
        turn: vec![relayed::server(&relay, RelayProtocol::Tcp)],
        relay_only: true,
        ..webrtc(voice)
    };

    call(
        with_relay(Voice::Carrier),
        with_relay(Voice::Clinician),
        PathKind::Relay,
    )
    .await;
}
