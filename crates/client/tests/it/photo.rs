//! A photo of 20 MB: taken small, without where it was made, and sent after the report.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::view::SendState;

use crate::alone::in_own_process;
use crate::proxy::{Fate, Proxy};
use crate::world::{fill_in, sign_in, until, World};

/// 12 megapixels, as phones take them.
const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;
/// What taking the photo may need beside what the app had: the pixels once, the file twice, and room.
const MEMORY_MB: u64 = 160;

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_of_20_mb_gets_small_loses_its_position_and_follows_the_report() {
    // Its own process: what it needs of memory is measured.
    if !in_own_process("photo::a_photo_of_20_mb_gets_small_loses_its_position_and_follows_the_report") {
        return;
    }
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let direct = profile.server.clone();
    let order: Arc<Mutex<Vec<&str>>> = Arc::default();
    let list = Arc::clone(&order);
    let proxy = Proxy::before(&direct, move |request| {
        let what = match &request.line {
            line if line.starts_with("PATCH /api/uploads/") => "photo",
            line if line.contains("$hms-sync ") && request.body.contains("injury-report") => "report",
            _ => return Fate::Pass,
        };
        list.lock().expect("list").push(what);
        Fate::Pass
    })
    .await;
    profile.server = proxy.provisioning(&direct);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let draft = fill_in(&dana).await;
    let photo = photo();
    assert!(photo.len() >= 20 * 1024 * 1024, "{} bytes", photo.len());
    assert!(photo.windows(9).any(|w| w == b"GPSCANARY"));
    let base64 = STANDARD.encode(photo);
    let before = memory_mb("VmRSS:");
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak is counted from here");

    let began = Instant::now();
    let form = dana
        .report_attach(draft.clone(), "image/jpeg".into(), base64)
        .await;
    let took = began.elapsed();

    let kept = form.expect("kept").attachments[0].clone();
    let peak = memory_mb("VmHWM:").saturating_sub(before);
    println!(
        "20 MB photo: {took:?}, {peak} MB of memory, {} bytes kept",
        kept.size
    );
    assert!(peak <= MEMORY_MB, "{peak} MB");
    assert!(took < Duration::from_secs(30), "{took:?}");
    let sent = dana.report_send(draft).await.expect("sent");
    let all = until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        let report = dana.report(sent.id.clone()).await.expect("there");
        matches!(report.attachments[0].send, SendState::Sent { .. }).then_some(report)
    })
    .await;
    assert!(matches!(all.send, SendState::Sent { .. }));
    let order = order.lock().expect("list").clone();
    assert_eq!(order.last(), Some(&"photo"), "{order:?}");
    assert!(order.first() == Some(&"report"), "{order:?}");

    // What the desk gets is small and says nothing of where it was made.
    let ada = world.person("ada").await;
    let seen = until(&ada, async || ada.attachment(kept.id.clone()).await.ok()).await;
    let bytes = STANDARD.decode(seen.base64).expect("base64");
    let picture = image::load_from_memory(&bytes).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (1600, 1200));
    for word in [b"GPSCANARY".as_slice(), b"Exif"] {
        assert!(!bytes.windows(word.len()).any(|w| w == word));
    }
    dana.shutdown().await;
    ada.shutdown().await;
}

/// Noise, which no encoder makes small, with a position in its notes.
fn photo() -> Vec<u8> {
    let mut dice = 0x2545_F491_u32;
    let mut pixels = vec![0_u8; (WIDTH * HEIGHT * 3) as usize];
    for pixel in &mut pixels {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        *pixel = dice as u8;
    }
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 92)
        .encode(&pixels, WIDTH, HEIGHT, image::ExtendedColorType::Rgb8)
        .expect("jpeg");
    let mut out = vec![0xFF, 0xD8];
    out.extend(exif());
    out.extend(&jpeg[2..]);
    out
}

/// An EXIF block with a GPS directory: latitude reference, and a marker word as the name of the area.
fn exif() -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    // One entry: where the GPS directory is.
    tiff.extend([1, 0, 0x25, 0x88, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0]);
    tiff.extend([2, 0]);
    tiff.extend([0x01, 0x00, 2, 0, 2, 0, 0, 0, b'N', 0, 0, 0]);
    tiff.extend([0x1C, 0x00, 2, 0, 12, 0, 0, 0, 56, 0, 0, 0]);
    tiff.extend([0, 0, 0, 0]);
    tiff.extend(b"GPSCANARY42\0");
    let mut block = b"Exif\0\0".to_vec();
    block.extend(tiff);
    let length = u16::try_from(block.len() + 2).expect("short").to_be_bytes();
    [&[0xFF, 0xE1], length.as_slice(), &block].concat()
}

fn memory_mb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("a figure");
    let kilobytes: u64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("kB");
    kilobytes / 1024
}
