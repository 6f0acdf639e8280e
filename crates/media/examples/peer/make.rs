//! What a stand-in sends, as files for programs that are not ours.

use std::fs::File;
use std::io::{BufWriter, Write};

use hms_media::codec::SAMPLE_RATE;
use hms_media::devices::{phrase, wav, Camera, SyntheticCamera};

use crate::arguments::Arguments;
use crate::Done;

/// Writes the test picture as Y4M and the voice as WAV, both this long.
pub fn make(arguments: &Arguments) -> Done {
    if let Some(path) = &arguments.y4m {
        let mut out = BufWriter::new(File::create(path)?);
        let mut camera = SyntheticCamera::new(arguments.format);
        let format = camera.format();
        writeln!(
            out,
            "YUV4MPEG2 W{} H{} F{}:1 Ip A1:1 C420jpeg",
            format.width, format.height, format.fps
        )?;
        for _ in 0..arguments.seconds * u64::from(format.fps) {
            out.write_all(b"FRAME\n")?;
            out.write_all(camera.next_picture()?.bytes())?;
        }
        out.flush()?;
    }
    if let Some(path) = &arguments.wav {
        let count = arguments.seconds as usize * SAMPLE_RATE as usize;
        let samples: Vec<i16> = phrase(arguments.voice)
            .samples()
            .iter()
            .copied()
            .cycle()
            .take(count)
            .collect();
        std::fs::write(path, wav::to_bytes(&samples))?;
    }
    Ok(())
}
