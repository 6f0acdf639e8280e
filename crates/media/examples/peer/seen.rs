//! When pictures came, and some of them kept.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use hms_media::VideoFrame;

/// A picture is kept each so many milliseconds: enough for a mean, little enough to cost nothing.
const KEEP_EVERY_MS: f64 = 500.0;

/// Pictures so far.
pub struct Seen {
    /// When each came, wall clock in ms.
    pub times: Vec<f64>,
    /// Width and height, whenever they changed, with the time.
    pub sizes: Vec<(f64, u32, u32)>,
    keep: Option<BufWriter<File>>,
    kept_at: f64,
}

impl Seen {
    /// Keeps pictures in this file: for each `LUMA`, width, height and ms (u32, little end first), then the luma plane.
    pub fn new(file: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            times: Vec::new(),
            sizes: Vec::new(),
            keep: file.map(File::create).transpose()?.map(BufWriter::new),
            kept_at: 0.0,
        })
    }

    pub fn take(&mut self, frame: &VideoFrame, now: f64) -> io::Result<()> {
        self.times.push(now);
        let size = (frame.width, frame.height);
        if self.sizes.last().map(|&(_, width, height)| (width, height)) != Some(size) {
            self.sizes.push((now, size.0, size.1));
        }
        let Some(file) = &mut self.keep else {
            return Ok(());
        };
        if now - self.kept_at < KEEP_EVERY_MS {
            return Ok(());
        }
        self.kept_at = now;
        file.write_all(b"LUMA")?;
        for number in [size.0, size.1, frame.at_ms as u32] {
            file.write_all(&number.to_le_bytes())?;
        }
        let luma: Vec<u8> = frame.rgba.chunks_exact(4).map(luma_of).collect();
        file.write_all(&luma)?;
        file.flush()
    }
}

/// BT.601, limited range: back from what the window gets to what the codec gave.
fn luma_of(pixel: &[u8]) -> u8 {
    let channel = |at: usize| pixel.get(at).copied().map_or(0.0, f32::from);
    (16.0 + (65.481 * channel(0) + 128.553 * channel(1) + 24.966 * channel(2)) / 255.0).round() as u8
}
