//! Files that stand in for a camera (Y4M) or a microphone (WAV).
#![no_main]

use std::io::Cursor;

use hms_fuzz::Choices;
use hms_media::devices::wav::{to_bytes, Wave};
use hms_media::devices::Microphone;
use hms_media::door::y4m;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    match input.byte() % 4 {
        0 => sound(input.rest()),
        1 => {
            let mut bytes = to_bytes(&[77; 300]);
            for _ in 0..4 {
                input.change(&mut bytes);
            }
            sound(&bytes);
        }
        2 => picture(input.rest().to_vec()),
        _ => {
            let mut bytes = b"YUV4MPEG2 W32 H16 F30:1 Ip A1:1 C420jpeg\n".to_vec();
            for shade in [10u8, 20] {
                bytes.extend_from_slice(b"FRAME\n");
                bytes.extend_from_slice(&[shade; 32 * 16 * 3 / 2]);
            }
            for _ in 0..4 {
                input.change(&mut bytes);
            }
            picture(bytes);
        }
    }
});

fn sound(bytes: &[u8]) {
    if let Ok(wave) = Wave::parse(bytes) {
        // From 8 kHz to 48 kHz is the most that a file grows.
        assert!(wave.samples().len() <= bytes.len() * 3);
        wave.looped().fill(&mut [0; 960]);
    }
}

fn picture(bytes: Vec<u8>) {
    if let Ok(mut camera) = y4m(Cursor::new(bytes)) {
        let format = camera.format();
        assert!(format.fps >= 1);
        for _ in 0..4 {
            let Ok(picture) = camera.next_picture() else {
                return;
            };
            assert_eq!((picture.width(), picture.height()), (format.width, format.height));
        }
    }
}
