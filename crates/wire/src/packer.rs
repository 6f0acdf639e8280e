//! Packing, with a flush wherever the reader should be able to read on.

use crate::{dictionary, Coding, WireError};
use flate2::write::GzEncoder;
use flate2::Compression;
use std::io::Write;
use std::sync::LazyLock;
use zstd::dict::EncoderDictionary;
use zstd::stream::raw::{Encoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::CParameter;

/// Streams: two processors serve a district.
const LEVEL: i32 = 3;
/// Whole bodies, which are small and come from phones one at a time.
const WHOLE_LEVEL: i32 = 9;
/// Window of streams, 512 KiB: lines repeat what is near, and each stream holds its window in memory.
const WINDOW_LOG: u32 = 19;

static STREAMS: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(dictionary::BYTES, LEVEL));
static WHOLE: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(dictionary::BYTES, WHOLE_LEVEL));

enum Coder {
    Identity,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(Encoder<'static>),
}

/// Packs a body piece by piece.
pub struct Packer {
    coder: Coder,
    /// What goes in front of the first piece.
    head: Vec<u8>,
}

impl Packer {
    /// A packer of one body.
    ///
    /// # Errors
    /// The coder could not be made.
    pub fn new(coding: Coding) -> Result<Self, WireError> {
        let coder = match coding {
            Coding::Identity => Coder::Identity,
            Coding::Gzip => Coder::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Zstd => Coder::Zstd(windowed(Encoder::new(LEVEL))?),
            Coding::Dcz => Coder::Zstd(windowed(Encoder::with_prepared_dictionary(&STREAMS))?),
        };
        Ok(Self::with(coder, coding))
    }

    fn with(coder: Coder, coding: Coding) -> Self {
        let head = match coding {
            Coding::Dcz => dictionary::head().to_vec(),
            Coding::Identity | Coding::Gzip | Coding::Zstd => Vec::new(),
        };
        Self { coder, head }
    }

    /// Packs a piece such that all of it can be read from what was given so far.
    ///
    /// # Errors
    /// The coder failed.
    pub fn piece(&mut self, bytes: &[u8]) -> Result<Vec<u8>, WireError> {
        let mut out = std::mem::take(&mut self.head);
        match &mut self.coder {
            Coder::Identity => out.extend_from_slice(bytes),
            Coder::Gzip(coder) => {
                coder
                    .write_all(bytes)
                    .and_then(|()| coder.flush())
                    .map_err(WireError::Pack)?;
                out.append(coder.get_mut());
            }
            Coder::Zstd(coder) => {
                run(coder, bytes, &mut out)?;
                until_empty(&mut out, |into| coder.flush(into))?;
            }
        }
        Ok(out)
    }

    /// What is left: the end of the body.
    ///
    /// # Errors
    /// The coder failed.
    pub fn finish(mut self) -> Result<Vec<u8>, WireError> {
        let mut out = std::mem::take(&mut self.head);
        match self.coder {
            Coder::Identity => {}
            Coder::Gzip(coder) => out.append(&mut coder.finish().map_err(WireError::Pack)?),
            Coder::Zstd(mut coder) => until_empty(&mut out, |into| coder.finish(into, true))?,
        }
        Ok(out)
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

/// A whole body, packed as small as is worth the time.
///
/// # Errors
/// The coder failed.
pub fn pack(coding: Coding, bytes: &[u8]) -> Result<Vec<u8>, WireError> {
    if coding != Coding::Dcz {
        let mut packer = Packer::new(coding)?;
        let mut out = packer.piece(bytes)?;
        out.append(&mut packer.finish()?);
        return Ok(out);
    }
    let mut coder = Encoder::with_prepared_dictionary(&WHOLE).map_err(WireError::Pack)?;
    coder
        .set_pledged_src_size(u64::try_from(bytes.len()).ok())
        .map_err(WireError::Pack)?;
    let mut out = dictionary::head().to_vec();
    run(&mut coder, bytes, &mut out)?;
    until_empty(&mut out, |into| coder.finish(into, true))?;
    Ok(out)
}

fn windowed(coder: std::io::Result<Encoder<'static>>) -> Result<Encoder<'static>, WireError> {
    let mut coder = coder.map_err(WireError::Pack)?;
    coder
        .set_parameter(CParameter::WindowLog(WINDOW_LOG))
        .map_err(WireError::Pack)?;
    Ok(coder)
}

fn run(coder: &mut Encoder<'static>, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let mut input = InBuffer::around(bytes);
    let mut buffer = [0; 4096];
    while input.pos() < bytes.len() {
        let mut into = OutBuffer::around(&mut buffer[..]);
        coder.run(&mut input, &mut into).map_err(WireError::Pack)?;
        out.extend_from_slice(into.as_slice());
    }
    Ok(())
}

fn until_empty(
    out: &mut Vec<u8>,
    mut step: impl FnMut(&mut OutBuffer<'_, [u8]>) -> std::io::Result<usize>,
) -> Result<(), WireError> {
    let mut buffer = [0; 4096];
    loop {
        let mut into = OutBuffer::around(&mut buffer[..]);
        let left = step(&mut into).map_err(WireError::Pack)?;
        out.extend_from_slice(into.as_slice());
        if left == 0 {
            return Ok(());
        }
    }
}
