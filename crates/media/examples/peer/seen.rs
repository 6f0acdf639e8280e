//! When pictures came, and some of them kept.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use hms_media::VideoFrame;

/// A picture is kept each so many milliseconds: enough for a mean, little enough to cost nothing.
const KEEP_EVERY_MS: f64 = 500.0;

/// A wall clock's time in ms, and the width and height from then on.
pub type SizeFrom = (f64, u32, u32);

/// Pictures so far. Times are the wall clock's, in ms.
pub struct Seen {
    /// When each was decoded.
    times: Vec<f64>,
    /// Width and height, whenever they changed, with the time.
    sizes: Vec<SizeFrom>,
    kept_at: Option<f64>,
    keeper: Option<(mpsc::Sender<Kept>, JoinHandle<io::Result<()>>)>,
}

/// A picture, and when it was seen.
type Kept = (f64, VideoFrame);

impl Seen {
    /// Keeps pictures in this file: for each `LUMA`, width, height and ms (u32, little end first), then the luma plane. A
    /// thread of its own writes: a disk may stand still, the times may not.
    pub fn new(file: Option<&Path>) -> io::Result<Self> {
        let keeper = file.map(File::create).transpose()?.map(|file| {
            let (sender, frames) = mpsc::channel();
            (
                sender,
                std::thread::spawn(move || write(BufWriter::new(file), &frames)),
            )
        });
        Ok(Self {
            times: Vec::new(),
            sizes: Vec::new(),
            kept_at: None,
            keeper,
        })
    }

    /// Takes a picture at a wall clock's time in ms.
    pub fn take(&mut self, frame: &VideoFrame, now: f64) {
        // A still says when its first bytes came; seen is it now.
        let at = if frame.still {
            now
        } else {
            now - frame.taken.elapsed().as_secs_f64() * 1000.0
        };
        self.times.push(at);
        let size = (frame.width, frame.height);
        if self.sizes.last().map(|&(_, width, height)| (width, height)) != Some(size) {
            self.sizes.push((at, size.0, size.1));
        }
        let due = self.kept_at.is_none_or(|last| at >= last + KEEP_EVERY_MS);
        if let (true, Some((sender, _))) = (due, &self.keeper) {
            self.kept_at = Some(at);
            // Gone only after an error, which the end tells.
            let _ = sender.send((at, frame.clone()));
        }
    }

    /// Wall clock times in ms of all pictures, and of each size; waits for what is still to be written.
    pub fn end(self) -> io::Result<(Vec<f64>, Vec<SizeFrom>)> {
        if let Some((sender, writer)) = self.keeper {
            drop(sender);
            writer
                .join()
                .map_err(|_| io::Error::other("the writer panicked"))??;
        }
        Ok((self.times, self.sizes))
    }
}

fn write(mut file: BufWriter<File>, frames: &mpsc::Receiver<Kept>) -> io::Result<()> {
    let mut first = None;
    for (at, frame) in frames {
        let since = at - *first.get_or_insert(at);
        file.write_all(b"LUMA")?;
        for number in [frame.width, frame.height, since as u32] {
            file.write_all(&number.to_le_bytes())?;
        }
        let luma: Vec<u8> = frame.rgba.chunks_exact(4).map(luma_of).collect();
        file.write_all(&luma)?;
    }
    file.flush()
}

/// BT.601, limited range: back from what the window gets to what the codec gave.
fn luma_of(pixel: &[u8]) -> u8 {
    let channel = |at: usize| pixel.get(at).copied().map_or(0.0, f32::from);
    (16.0 + (65.481 * channel(0) + 128.553 * channel(1) + 24.966 * channel(2)) / 255.0).round() as u8
}
