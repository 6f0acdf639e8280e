//! Two sides on this machine, straight to each other.

use hms_media::{
    AudioSink, AudioSource, CallConfig, CallEvent, EndReason, MissingDevice, PathKind, PictureFormat,
    QualityRung, VideoSource, Voice,
};

use crate::side::{config, join};

#[tokio::test]
async fn two_people_see_and_hear_each_other() {
    let (mut carrier, mut clinician) = join(
        config(Voice::Carrier, PictureFormat::SMALL),
        config(Voice::Clinician, PictureFormat::SMALL),
        |_, sdp| sdp,
    )
    .await;

    carrier.event(&CallEvent::Connected).await;
    clinician.event(&CallEvent::FirstFrame).await;
    let (hears_clinician, hears_carrier) =
        tokio::join!(carrier.hears(Voice::Clinician), clinician.hears(Voice::Carrier));
    let seen_by_carrier = carrier
        .until("100 frames", |stats| stats.distinct_remote_frames >= 100)
        .await;
    let seen_by_clinician = clinician
        .until("100 frames", |stats| stats.distinct_remote_frames >= 100)
        .await;

    assert!(hears_clinician >= 0.8, "{hears_clinician}");
    assert!(hears_carrier >= 0.8, "{hears_carrier}");
    for stats in [seen_by_carrier, seen_by_clinician] {
        assert_eq!(stats.path, Some(PathKind::Direct));
        assert!(stats.synthetic && stats.connected);
        assert!(stats.connected_ms.is_some() && stats.first_frame_ms.is_some());
        assert!(stats.bytes_in > 10_000 && stats.bytes_out > 10_000);
        println!("{stats:?}");
    }
    let frame = carrier.frames.borrow().clone().expect("a picture is there");
    assert_eq!(
        (frame.width, frame.height, frame.rgba.len()),
        (160, 120, 160 * 120 * 4)
    );
    assert!(frame.number.is_some());

    carrier.call.hang_up().await;
    clinician.event(&CallEvent::Ended(EndReason::FarSide)).await;
}

#[tokio::test]
async fn mute_is_silence_and_camera_off_stops_the_picture_and_both_come_back() {
    let (mut carrier, mut clinician) = join(
        config(Voice::Carrier, PictureFormat::SMALL),
        config(Voice::Clinician, PictureFormat::SMALL),
        |_, sdp| sdp,
    )
    .await;
    clinician
        .until("frames", |stats| {
            stats.frames_decoded > 5 && stats.audio_packets > 10
        })
        .await;

    carrier.call.set_muted(true);
    carrier.call.set_camera_on(false);
    carrier
        .until("the switches", |stats| stats.muted && !stats.camera_on)
        .await;
    clinician.until_pictures_stop(Voice::Carrier).await;
    // What was under way has come: from here on there is silence.
    let muted = clinician.until_pictures_stop(Voice::Carrier).await;
    let before = clinician.stats.borrow().frames_decoded;
    carrier.call.set_muted(false);
    carrier.call.set_camera_on(true);
    let heard = clinician.hears(Voice::Carrier).await;
    clinician
        .until("new frames", |stats| stats.frames_decoded > before + 5)
        .await;

    assert!(muted < 0.5, "{muted}");
    assert!(heard >= 0.8, "{heard}");
}

#[tokio::test]
async fn the_client_can_hold_the_call_on_sound_alone() {
    let (carrier, mut clinician) = join(
        config(Voice::Carrier, PictureFormat::SMALL),
        config(Voice::Clinician, PictureFormat::SMALL),
        |_, sdp| sdp,
    )
    .await;
    clinician.until("frames", |stats| stats.frames_decoded > 5).await;

    carrier.call.set_rung(QualityRung::SoundOnly);
    clinician.until_pictures_stop(Voice::Carrier).await;
    let heard = clinician.hears(Voice::Carrier).await;

    assert!(heard >= 0.8, "{heard}");
    assert_eq!(carrier.stats.borrow().rung, Some(QualityRung::SoundOnly));
}

#[tokio::test]
async fn without_devices_stand_ins_are_sent_and_it_is_said() {
    let missing = |voice| {
        let format = PictureFormat::SMALL;
        CallConfig {
            video: VideoSource::Device {
                name: Some("/dev/no-such-camera".into()),
                format,
            },
            audio: AudioSource::Device(Some("no such microphone".into())),
            speaker: AudioSink::Device(Some("no such loudspeaker".into())),
            ..config(voice, format)
        }
    };
    let (mut carrier, mut clinician) =
        join(missing(Voice::Carrier), missing(Voice::Clinician), |_, sdp| sdp).await;

    for device in [
        MissingDevice::Microphone,
        MissingDevice::Camera,
        MissingDevice::Loudspeaker,
    ] {
        carrier.event(&CallEvent::StandIn(device)).await;
    }
    let stats = clinician
        .until("frames", |stats| {
            stats.distinct_remote_frames > 5 && stats.audio_packets > 5
        })
        .await;
    assert!(stats.synthetic);
}

#[tokio::test]
async fn new_paths_are_found_in_a_running_call_and_a_dropped_call_ends_for_both() {
    let (mut carrier, mut clinician) = join(
        config(Voice::Carrier, PictureFormat::SMALL),
        config(Voice::Clinician, PictureFormat::SMALL),
        |_, sdp| sdp,
    )
    .await;
    clinician.until("frames", |stats| stats.frames_decoded > 5).await;

    let offer = carrier.call.restart_ice().await.unwrap();
    let answer = clinician.call.accept_offer(&offer).await.unwrap();
    carrier.call.accept_answer(&answer).await.unwrap();
    let seen = clinician.stats.borrow().frames_decoded;
    clinician
        .until("frames go on", |stats| {
            stats.frames_decoded > seen + 15 && stats.connected
        })
        .await;
    carrier
        .until("frames go on", |stats| {
            stats.frames_decoded > 30 && stats.connected
        })
        .await;

    drop(carrier);
    clinician.event(&CallEvent::Ended(EndReason::FarSide)).await;
    assert!(clinician.call.restart_ice().await.is_err());
}
