//! The far side's sound as a WAV file.

use crate::failure::Failure;
use hms_client::Client;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::broadcast::{error::TryRecvError, Receiver};

/// Samples a second of the sound that a call gives.
const RATE: u32 = 48_000;

/// A recording under way. Call [`Recording::take`] several times a second: the call keeps about one.
pub struct Recording {
    file: PathBuf,
    sound: Option<Receiver<Arc<[i16]>>>,
    samples: Vec<i16>,
}

impl Recording {
    /// Starts recording the running call.
    pub async fn start(client: &Client, folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|source| Failure::File {
            what: "make",
            file: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            file: folder.join("far-side.wav"),
            sound: client.visit_audio().await?,
            samples: Vec::new(),
        })
    }

    /// Takes what was played since the last time.
    pub fn take(&mut self) {
        while let Some(sound) = &mut self.sound {
            match sound.try_recv() {
                Ok(block) => self.samples.extend_from_slice(&block),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Writes the file.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.take();
        let written = std::fs::write(&self.file, wav(&self.samples));
        written.map_err(|source| Failure::File {
            what: "write",
            file: self.file,
            source,
        })
    }
}

/// 16-bit mono PCM.
fn wav(samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend(b"RIFF");
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * 2).to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_file_says_how_long_it_is() {
        let file = wav(&[1, -1]);
        assert_eq!(file.len(), 48);
        assert_eq!(&file[40..44], &4_u32.to_le_bytes());
        assert_eq!(&file[44..], &[1, 0, 255, 255]);
    }
}
