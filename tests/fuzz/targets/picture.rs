//! Pictures: genuine frames, changed or anything, through the decoder and on to the screen.
#![no_main]

use std::sync::OnceLock;

use hms_fuzz::Choices;
use hms_media::codec::{Picture, Vp8Decoder, Vp8Encoder};
use hms_media::devices::{Camera, SyntheticCamera};
use hms_media::PictureFormat;

/// A key frame, seven after it, and a key frame of another size.
fn genuine() -> &'static [Vec<u8>] {
    static FRAMES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let mut frames = Vec::new();
        for (width, height, count) in [(112, 80, 8), (96, 72, 2)] {
            let format = PictureFormat {
                width,
                height,
                fps: 15,
            };
            let mut camera = SyntheticCamera::new(format);
            let mut encoder = Vp8Encoder::new(width, height, 100_000).expect("an encoder");
            for number in 0..count {
                let picture = camera.next_picture().expect("a picture");
                let coded = encoder.encode(&picture, number * 66, 66, false).expect("coded");
                frames.extend(coded.map(|coded| coded.bytes));
            }
        }
        frames
    })
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    let mut decoder = Vp8Decoder::new().expect("a decoder");
    // Pixels that one input may decode: a large picture takes its time, and that is no fault.
    let mut room = 8_000_000_i64;
    for _ in 0..24 {
        if input.is_over() || room < 0 {
            return;
        }
        let how = input.byte();
        let frame = if how & 1 == 0 {
            input.part().to_vec()
        } else {
            let frames = genuine();
            let mut frame = frames[usize::from(how >> 2) % frames.len()].clone();
            if how & 2 != 0 {
                input.change(&mut frame);
                // The size in a key frame's head, which chance seldom hits.
                let size = input.long();
                if let (1, Some(place)) = (size % 2, frame.get_mut(6..10)) {
                    place.copy_from_slice(&size.to_be_bytes());
                }
            }
            frame
        };
        if let Ok(Some(picture)) = decoder.decode(&frame) {
            room -= i64::from(picture.width()) * i64::from(picture.height());
            shown(&picture);
        }
    }
});

fn shown(picture: &Picture) {
    let pixels = picture.width() as usize * picture.height() as usize;
    assert_eq!(picture.bytes().len(), pixels * 3 / 2);
    assert_eq!(picture.to_rgba().len(), pixels * 4);
    if picture.width() >= 16 {
        let small = picture.shrunk_to(320);
        assert!(small.width() <= 320);
    }
}
