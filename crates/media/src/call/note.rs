//! A spoken note: what a person says where the line carries no talk, kept as an Ogg Opus file (RFC 7845) to be sent later.

use ogg::{PacketWriteEndInfo, PacketWriter};

use crate::codec::OpusEncoder;
use crate::sound::BLOCK;
use crate::CodecError;

/// A note ends by itself after two minutes: 360 kB.
pub(super) const MOST_SECONDS: u64 = 120;
const BPS: u32 = 24_000;
/// What the decoder is to pass over at the beginning, in samples at 48 kHz: libopus looks ahead by so much.
const PRE_SKIP: u16 = 312;
const SAMPLES_A_SECOND: u64 = 48_000;
/// One stream in the file: its number says nothing.
const SERIAL: u32 = 1;

/// A note that is being spoken.
pub(super) struct Note {
    encoder: OpusEncoder,
    file: PacketWriter<'static, Vec<u8>>,
    samples: u64,
    /// Whether a packet waits to be the last one: the file says which is.
    pending: Option<Vec<u8>>,
}

impl Note {
    pub(super) fn begin() -> Result<Self, CodecError> {
        let mut encoder = OpusEncoder::new()?;
        encoder.set_rate(BPS, 0)?;
        let mut note = Self {
            encoder,
            file: PacketWriter::new(Vec::new()),
            samples: 0,
            pending: None,
        };
        note.write(head(), PacketWriteEndInfo::EndPage);
        note.write(tags(), PacketWriteEndInfo::EndPage);
        Ok(note)
    }

    /// Takes the next 20 ms of the microphone. What comes after [`MOST_SECONDS`] is not taken.
    pub(super) fn take(&mut self, block: &[i16; BLOCK]) {
        if self.seconds() >= MOST_SECONDS {
            return;
        }
        let Ok(packet) = self.encoder.encode(block) else {
            return;
        };
        if let Some(packet) = self.pending.replace(packet) {
            self.write(packet, PacketWriteEndInfo::NormalPacket);
        }
        self.samples += block.len() as u64;
    }

    /// How long it is.
    pub(super) fn seconds(&self) -> u64 {
        self.samples / SAMPLES_A_SECOND
    }

    /// The file; `None` where nothing was spoken.
    pub(super) fn end(mut self) -> Option<Vec<u8>> {
        let last = self.pending.take()?;
        self.write(last, PacketWriteEndInfo::EndStream);
        Some(self.file.into_inner())
    }

    fn write(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo) {
        // Time is counted to the end of the packet, from the file's second page on.
        let at = self.samples;
        // Writing into memory does not fail.
        let _ = self.file.write_packet(packet, SERIAL, end, at);
    }
}

fn head() -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(PRE_SKIP.to_le_bytes());
    head.extend(48_000_u32.to_le_bytes());
    // No gain, one channel in the usual order.
    head.extend([0, 0, 0]);
    head
}

fn tags() -> Vec<u8> {
    let vendor = b"HMS-ACH";
    let mut tags = b"OpusTags".to_vec();
    tags.extend((vendor.len() as u32).to_le_bytes());
    tags.extend(vendor);
    tags.extend(0_u32.to_le_bytes());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::OpusDecoder;
    use crate::devices::{Microphone, SyntheticMicrophone};
    use crate::sound::likeness;
    use crate::Voice;
    use ogg::PacketReader;
    use std::io::Cursor;

    fn spoken(seconds: usize) -> Option<Vec<u8>> {
        let mut microphone = SyntheticMicrophone::new(Voice::Carrier);
        let mut note = Note::begin().unwrap();
        let mut block = [0; BLOCK];
        for _ in 0..seconds * 50 {
            microphone.fill(&mut block);
            note.take(&block);
        }
        note.end()
    }

    #[test]
    fn what_was_said_is_in_the_file() {
        let file = spoken(4).unwrap();
        let mut reader = PacketReader::new(Cursor::new(&file));
        let head = reader.read_packet_expected().unwrap();
        assert!(head.data.starts_with(b"OpusHead") && head.data.len() == 19);
        assert!(reader
            .read_packet_expected()
            .unwrap()
            .data
            .starts_with(b"OpusTags"));

        let mut decoder = OpusDecoder::new().unwrap();
        let (mut heard, mut last) = (Vec::new(), 0);
        while let Some(packet) = reader.read_packet().unwrap() {
            heard.extend(decoder.decode(&packet.data).unwrap());
            last = packet.absgp_page();
            assert_eq!(packet.last_in_stream(), heard.len() == 4 * 48_000);
        }
        assert_eq!(last, 4 * 48_000);
        let phrase = crate::devices::phrase(Voice::Carrier);
        assert!(likeness(phrase.samples(), &heard) > 0.8);
        println!("{} bytes for 4 s", file.len());
    }

    #[test]
    fn it_ends_by_itself_and_silence_before_a_word_is_no_note() {
        assert!(Note::begin().unwrap().end().is_none());
        let file = spoken(121).unwrap();
        assert!(file.len() < 400_000, "{}", file.len());
        let mut reader = PacketReader::new(Cursor::new(&file));
        let mut last = 0;
        while let Some(packet) = reader.read_packet().unwrap() {
            last = packet.absgp_page();
        }
        assert_eq!(last, MOST_SECONDS * 48_000);
    }
}
