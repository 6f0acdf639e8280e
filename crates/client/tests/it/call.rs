//! A call from the desk to the phone, through the server's signalling, with synthetic devices on both sides.

use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::{Client, MediaChoice, SyntheticSide};
use hms_model::view::{VisitCode, VisitState};
use hms_model::wire::quality::{QualityPath, QualitySide, WireQuality};
use hms_model::wire::signal::SharpAnswer;
use hms_server::db::sqlite::table;

use crate::words::words;
use crate::world::{report_bite, sign_in, until, World, PASSPHRASE};

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_calls_the_phone_rings_and_pictures_flow_both_ways() {
    std::env::set_var("HMS_CALL_PICTURE", "small");
    let mut world = World::new().await;
    let dana = world.person("dana").await;
    let mut desk = world.profile("ada");
    desk.media = MediaChoice::Synthetic {
        side: SyntheticSide::Clinician,
    };
    let ada = desk.start().await;
    sign_in(&ada, &desk, "ada").await;
    report_bite(&dana).await;
    dana.sync_now().await.expect("syncs");
    let task = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let entry = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        entry
            .signal
            .is_some_and(|signal| signal.connected)
            .then_some(entry.task)
    })
    .await;
    ada.queue_claim(task.clone()).await.expect("claimed");

    let calling = ada.visit_call(task.clone()).await.expect("calls");
    assert_eq!(calling.peer.as_deref(), Some("Dana Reyes"));
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.state == VisitState::RingingIn).then_some(())
    })
    .await;
    dana.visit_accept().await.expect("answered");

    for side in [&dana, &ada] {
        let view = until(side, async || {
            let view = side.visit().await.expect("the call");
            (view.state == VisitState::InCall && view.frame_numbers >= 10).then_some(view)
        })
        .await;
        assert!(
            view.peer_synthetic && view.synthetic,
            "both stand-ins are named: {view:?}"
        );
    }
    sound_alone(&ada, &dana).await;
    sharp(&ada, &dana, &task).await;
    one_code(&ada, &dana).await;
    ada.visit_typing("Can you he".into()).await.expect("typed");
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.peer_typing.as_deref() == Some("Can you he") && view.texts.is_empty()).then_some(())
    })
    .await;
    ada.visit_text("Can you hear me?".into()).await.expect("sent");
    dana.visit_mute(true).await.expect("muted");
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        view.texts
            .iter()
            .any(|line| !line.mine && line.text == "Can you hear me?" && view.peer_typing.is_none())
            .then_some(())
    })
    .await;
    until(&ada, async || {
        let texts = ada.visit().await.expect("the call").texts;
        texts.iter().all(|line| line.arrived).then_some(())
    })
    .await;
    until(&ada, async || {
        ada.visit().await.expect("the call").peer_muted.then_some(())
    })
    .await;

    let form = hms_model::form::IntakeForm {
        identified_by: vec!["name".into(), "birth-date".into()],
        place: "RR 7, box 112".into(),
        callback: "555-0173".into(),
        with: "alone".into(),
        consent: true,
        interpreter: "none".into(),
    };
    let chart = ada.intake_save(task.clone(), form).await.expect("kept");
    assert!(chart.intake.is_some_and(|intake| intake.saved && intake.consent));

    dana.visit_leave().await.expect("left");
    until(&ada, async || {
        (ada.visit().await.expect("the call").state == VisitState::Ended).then_some(())
    })
    .await;
    let told = until(&ada, async || {
        Some(told(&world).await).filter(|told| told.len() == 2)
    })
    .await;
    for side in &told {
        assert!(side.is_possible() && side.path == QualityPath::Host, "{side:?}");
        assert!(
            side.connected_ms.is_some() && side.first_frame_ms.is_some(),
            "{side:?}"
        );
        assert!(
            side.bytes_in > 10_000 && side.rung_s.iter().sum::<u32>() > 0,
            "{side:?}"
        );
    }
    assert_ne!(told[0].side, told[1].side);
    without_a_server(&mut world, &ada, dana, &task).await;
    ada.shutdown().await;
}

/// How a visit went, as the server was told.
async fn told(world: &World) -> Vec<WireQuality> {
    let app = world.server.as_ref().expect("running").app.clone();
    let read = app.db.read(|read| table::quality::since(read.conn(), 0)).await;
    let bodies = read.expect("read");
    let read = bodies
        .iter()
        .map(|body| serde_json::from_str(body).expect("a record"));
    read.collect()
}

/// A visit whose end the server does not see is told of when there is one again, also by an app that was closed meanwhile.
async fn without_a_server(world: &mut World, ada: &Client, dana: Client, task: &str) {
    ada.visit_call(task.to_owned()).await.expect("calls");
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.state == VisitState::RingingIn).then_some(())
    })
    .await;
    dana.visit_accept().await.expect("answered");
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.state == VisitState::InCall).then_some(())
    })
    .await;
    let address = world.stop_server().await;
    dana.visit_leave().await.expect("left");
    dana.shutdown().await;
    world.start_server(&address).await;
    assert_eq!(told(world).await.len(), 2, "the second visit was not told of");

    let dana = world.profile("dana").start().await;
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    until(&dana, async || {
        let told = told(world).await;
        let second = told
            .iter()
            .filter(|told| told.side == QualitySide::Called)
            .nth(1)?;
        assert!(second.connected_ms.is_some(), "{second:?}");
        Some(())
    })
    .await;
    dana.shutdown().await;
}

/// Both screens show the same six digits.
async fn one_code(ada: &Client, dana: &Client) {
    let mut codes = Vec::new();
    for side in [ada, dana] {
        let digits = until(side, async || match side.visit().await.expect("the call").code {
            VisitCode::Digits { digits } => Some(digits),
            VisitCode::Waiting | VisitCode::None | VisitCode::Failed => None,
        });
        codes.push(digits.await);
    }
    assert_eq!(codes[0], codes[1]);
    assert_eq!(codes[0].len(), 6);
}

/// The desk chooses sound alone: no picture goes either way while sound goes on, and both come back when it tries again.
async fn sound_alone(ada: &Client, dana: &Client) {
    ada.visit_sound_only(true).await.expect("chosen");
    until(dana, async || {
        dana.visit()
            .await
            .expect("the call")
            .peer_sound_only
            .then_some(())
    })
    .await;
    // What was on its way is there by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = [figures(ada).await, figures(dana).await];
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (side, (frames, packets)) in [ada, dana].into_iter().zip(before) {
        let now = figures(side).await;
        assert_eq!(now.0, frames, "pictures of the far side");
        assert!(now.1 > packets + 10, "sound goes on: {packets} to {}", now.1);
    }

    ada.visit_sound_only(false).await.expect("tried");
    for (side, (frames, _)) in [ada, dana].into_iter().zip(before) {
        until(side, async || (figures(side).await.0 > frames + 5).then_some(())).await;
    }
    let view = dana.visit().await.expect("the call");
    assert!(!view.peer_sound_only && !view.sound_only);
}

/// The desk asks for a sharp picture. The phone gives one that is kept with the report, and then none.
async fn sharp(ada: &Client, dana: &Client, task: &str) {
    let photos = async || {
        let chart = ada.chart(task.to_owned()).await.expect("the chart");
        chart.report.expect("the report").photos.len()
    };
    let before = photos().await;
    let asked = ada.visit_ask_sharp().await.expect("asked");
    assert!(asked.sharp_asked && asked.sharp_id.is_none());
    wanted(dana).await;

    let given = dana.visit_give_sharp(true).await.expect("given");
    assert_eq!(given.sharp_given, Some(SharpAnswer::Kept));
    // Pressed once more it is given once.
    dana.visit_give_sharp(true).await.expect("nothing to give");

    let view = until(ada, async || {
        let view = ada.visit().await.expect("the call");
        (view.sharp_id.is_some() && !view.sharp_asked).then_some(view)
    })
    .await;
    assert_eq!(view.sharp_answer, Some(SharpAnswer::Kept));
    let file = ada
        .attachment(view.sharp_id.expect("an id"))
        .await
        .expect("the picture");
    assert_eq!(file.content_type, "image/jpeg");
    let bytes = STANDARD.decode(file.base64).expect("base64");
    let picture = image::load_from_memory(&bytes).expect("a picture");
    assert_eq!(
        (picture.width(), picture.height()),
        (160, 120),
        "the camera's full size"
    );
    until(ada, async || (photos().await == before + 1).then_some(())).await;

    ada.visit_ask_sharp().await.expect("asked again");
    wanted(dana).await;
    dana.visit_refuse_sharp().await.expect("refused");
    until(ada, async || {
        let view = ada.visit().await.expect("the call");
        (view.sharp_answer == Some(SharpAnswer::Declined)).then_some(())
    })
    .await;
    assert_eq!(photos().await, before + 1);
}

async fn wanted(side: &Client) {
    until(side, async || {
        side.visit().await.expect("the call").sharp_wanted.then_some(())
    })
    .await;
}

/// Pictures of the far side so far, stills too, and packets of its sound.
async fn figures(client: &Client) -> (u64, u64) {
    let stats = client.visit_stats().await.expect("the call").expect("figures");
    (stats.frames_decoded + stats.stills, stats.audio_packets)
}

/// Devices that cannot be opened: not there, taken by another program, or refused by the system. All are one to the
/// call.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_camera_and_microphone_calls_with_stand_ins_and_both_sides_are_told() {
    if std::path::Path::new("/dev/video0").exists() || std::path::Path::new("/dev/snd").exists() {
        println!("skipped: this machine has devices of its own");
        return;
    }
    std::env::set_var("HMS_CALL_PICTURE", "small");
    let world = World::new().await;
    let mut phone = world.profile("dana");
    phone.media = MediaChoice::Devices;
    let dana = phone.start().await;
    sign_in(&dana, &phone, "dana").await;
    // The desk sends a film, so that on its side nothing stands in.
    let film = world.dir.path().join("desk.y4m");
    write_film(&film);
    let mut desk = world.profile("ada");
    desk.media = MediaChoice::File(film);
    let ada = desk.start().await;
    sign_in(&ada, &desk, "ada").await;
    report_bite(&dana).await;
    dana.sync_now().await.expect("syncs");
    let task = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let item = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        item.signal
            .is_some_and(|signal| signal.connected)
            .then_some(item.task)
    })
    .await;
    ada.queue_claim(task.clone()).await.expect("claimed");
    ada.visit_call(task).await.expect("calls");
    until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.state == VisitState::RingingIn).then_some(())
    })
    .await;
    dana.visit_accept().await.expect("answered");

    let here = until(&dana, async || {
        let view = dana.visit().await.expect("the call");
        (view.state == VisitState::InCall && view.synthetic && view.frames > 0).then_some(view)
    })
    .await;
    assert!(!here.peer_synthetic, "the desk's picture is no stand-in");
    let there = until(&ada, async || {
        let view = ada.visit().await.expect("the call");
        (view.state == VisitState::InCall && view.peer_synthetic && view.frame_numbers >= 5).then_some(view)
    })
    .await;
    assert!(!there.synthetic);
    assert!(words("visit.synthetic").starts_with("Test picture"));
    assert!(words("visit.peerSynthetic").starts_with("Test picture"));
    assert_eq!(
        words("error.device_refused.what"),
        "We cannot use the camera or the microphone."
    );
    dana.shutdown().await;
    ada.shutdown().await;
}

/// Two grey pictures and a second of silence.
fn write_film(path: &std::path::Path) {
    let mut film = b"YUV4MPEG2 W160 H120 F15:1 Ip A1:1 C420\n".to_vec();
    for grey in [90_u8, 120] {
        film.extend(b"FRAME\n");
        film.extend(vec![grey; 160 * 120]);
        film.extend(vec![128; 160 * 120 / 2]);
    }
    std::fs::write(path, film).expect("a film");
    let bytes = 48_000_u32 * 2;
    let mut sound = b"RIFF".to_vec();
    sound.extend((36 + bytes).to_le_bytes());
    sound.extend(b"WAVEfmt ");
    sound.extend(16_u32.to_le_bytes());
    for word in [1_u16, 1] {
        sound.extend(word.to_le_bytes());
    }
    sound.extend(48_000_u32.to_le_bytes());
    sound.extend(96_000_u32.to_le_bytes());
    for word in [2_u16, 16] {
        sound.extend(word.to_le_bytes());
    }
    sound.extend(b"data");
    sound.extend(bytes.to_le_bytes());
    sound.extend(vec![0; bytes as usize]);
    std::fs::write(path.with_extension("wav"), sound).expect("a sound");
}
