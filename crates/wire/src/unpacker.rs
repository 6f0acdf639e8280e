//! Unpacking, in pieces and within bounds that the reader sets.

use crate::{dictionary, Coding, WireError};
use flate2::write::GzDecoder;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::LazyLock;
use zstd::dict::DecoderDictionary;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DParameter;

/// The most that is unpacked at a time, in bytes.
pub const PIECE: usize = 64 * 1024;
/// The largest window that a sender may ask the reader to hold, 8 MiB: what RFC 9842 and RFC 9659 name.
const WINDOW_LOG_MOST: u32 = 23;
/// Deflate makes at most 1,032 bytes of one: so many at a time stay near [`PIECE`].
const GZIP_STEP: usize = 64;

static DICTIONARY: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(dictionary::BYTES));

enum Coder {
    Identity,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zstd(Decoder<'static>),
}

/// Unpacks a body piece by piece: [`Self::feed`] it what came, and [`Self::pull`] until there is nothing more.
pub struct Unpacker {
    coder: Coder,
    /// Bytes of the head that are still to come.
    head: VecDeque<u8>,
    waiting: VecDeque<u8>,
    /// Whether what came so far is a whole number of frames.
    whole: bool,
    /// Whether the coder may hold back more than it gave: its last piece was full.
    more: bool,
    /// Bytes that may still come out.
    room: u64,
}

impl Unpacker {
    /// For one body that may unpack to so many bytes at most.
    ///
    /// # Errors
    /// The coder could not be made.
    pub fn new(coding: Coding, most: u64) -> Result<Self, WireError> {
        let bounded = |coder: std::io::Result<Decoder<'static>>| {
            let mut coder = coder.map_err(WireError::Damaged)?;
            coder
                .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MOST))
                .map_err(WireError::Damaged)?;
            Ok(Coder::Zstd(coder))
        };
        let mut head = VecDeque::new();
        let coder = match coding {
            Coding::Identity => Coder::Identity,
            Coding::Gzip => Coder::Gzip(Box::new(GzDecoder::new(Vec::new()))),
            Coding::Zstd => bounded(Decoder::new())?,
            Coding::Dcz => {
                head.extend(dictionary::head());
                bounded(Decoder::with_prepared_dictionary(&DICTIONARY))?
            }
        };
        Ok(Self {
            coder,
            head,
            waiting: VecDeque::new(),
            whole: coding == Coding::Identity,
            more: false,
            room: most,
        })
    }

    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
    }

    /// The next piece, of about [`PIECE`] bytes at most; `None` where more has to come first.
    ///
    /// # Errors
    /// The body is not what its coding says, or larger than may be.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, WireError> {
        while let (Some(due), Some(came)) = (self.head.front(), self.waiting.front()) {
            if due != came {
                return Err(WireError::Dictionary);
            }
            self.head.pop_front();
            self.waiting.pop_front();
        }
        if !self.head.is_empty() {
            return Ok(None);
        }
        // The coder takes being asked again and again for nothing as an error.
        if self.waiting.is_empty() && !self.more {
            return Ok(None);
        }
        let piece = self.step()?;
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.room = self.room.checked_sub(length).ok_or(WireError::TooLarge)?;
        Ok((!piece.is_empty()).then_some(piece))
    }

    /// The sender is done.
    ///
    /// # Errors
    /// [`WireError::Cut`] where the body is not whole.
    pub fn end(self) -> Result<(), WireError> {
        let whole = match self.coder {
            Coder::Gzip(coder) => coder.finish().is_ok(),
            Coder::Identity | Coder::Zstd(_) => self.whole,
        };
        if whole && self.waiting.is_empty() {
            Ok(())
        } else {
            Err(WireError::Cut)
        }
    }

    fn step(&mut self) -> Result<Vec<u8>, WireError> {
        match &mut self.coder {
            Coder::Identity => {
                let length = self.waiting.len().min(PIECE);
                Ok(self.waiting.drain(..length).collect())
            }
            Coder::Gzip(coder) => {
                let mut piece = Vec::new();
                while piece.is_empty() && !self.waiting.is_empty() {
                    let length = self.waiting.len().min(GZIP_STEP);
                    let part: Vec<u8> = self.waiting.drain(..length).collect();
                    coder
                        .write_all(&part)
                        .and_then(|()| coder.flush())
                        .map_err(WireError::Damaged)?;
                    piece.append(coder.get_mut());
                }
                Ok(piece)
            }
            Coder::Zstd(coder) => {
                let mut piece = vec![0; PIECE];
                let mut filled = 0;
                loop {
                    let (first, _) = self.waiting.as_slices();
                    let mut input = InBuffer::around(first);
                    let into = piece.get_mut(filled..).unwrap_or_default();
                    let mut output = OutBuffer::around(into);
                    let left = coder.run(&mut input, &mut output).map_err(WireError::Damaged)?;
                    let (read, written) = (input.pos(), output.pos());
                    filled += written;
                    if read > 0 || written > 0 {
                        self.whole = left == 0;
                    }
                    self.waiting.drain(..read);
                    if filled == PIECE || (read == 0 && written == 0) || self.waiting.is_empty() {
                        break;
                    }
                }
                self.more = filled == PIECE;
                piece.truncate(filled);
                Ok(piece)
            }
        }
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
