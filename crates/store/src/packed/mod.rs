//! Bodies as they lie in the database: zstd with a dictionary of what all records have in common (ADR 6).
//!
//! One byte names the dictionary, then comes a zstd frame without its magic number. A dictionary that was handed out
//! stays here for ever, unchanged; its recipe is `examples/train_dictionary.rs`.

use crate::StoreError;
use serde_json::Value;
use std::cell::RefCell;
use std::io;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// Dictionaries by number, from 1.
const DICTIONARIES: &[&[u8]] = &[include_bytes!("bodies-1.zdict")];
/// What a zstd frame begins with.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// A record larger than this was not written here.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// A level of zstd: the higher ones gain a few bytes and cost as much as all the rest of a save.
const LEVEL: i32 = 3;

thread_local! {
    static WRITER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static READERS: RefCell<Vec<Option<Decompressor<'static>>>> = const { RefCell::new(Vec::new()) };
}

/// A record as it is stored.
pub(crate) fn pack(resource: &Value) -> Result<Vec<u8>, StoreError> {
    let text = serde_json::to_vec(resource).map_err(StoreError::Body)?;
    let frame = WRITER.with_borrow_mut(|writer| match writer {
        Some(writer) => writer.compress(&text),
        None => writer.insert(new_writer()?).compress(&text),
    });
    let mut packed = frame.map_err(StoreError::Packed)?;
    // The number takes the place of the last byte of the magic number.
    let newest = u8::try_from(DICTIONARIES.len()).unwrap_or(u8::MAX);
    packed.drain(..MAGIC.len() - 1);
    if let Some(first) = packed.first_mut() {
        *first = newest;
    }
    Ok(packed)
}

/// The record that was packed.
pub(crate) fn unpack(packed: &[u8]) -> Result<Value, StoreError> {
    let (number, rest) = packed.split_first().ok_or_else(damaged)?;
    let mut frame = Vec::with_capacity(MAGIC.len() + rest.len());
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(rest);
    let length = zstd::zstd_safe::get_frame_content_size(&frame)
        .ok()
        .flatten()
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length <= MOST_BYTES)
        .ok_or_else(damaged)?;
    let text = READERS
        .with_borrow_mut(|readers| read_with(readers, *number, &frame, length))
        .map_err(StoreError::Packed)?;
    serde_json::from_slice(&text).map_err(StoreError::Body)
}

fn damaged() -> StoreError {
    StoreError::Packed(io::ErrorKind::InvalidData.into())
}

fn new_writer() -> io::Result<Compressor<'static>> {
    let dictionary = DICTIONARIES.last().copied().unwrap_or_default();
    let mut writer = Compressor::with_dictionary(LEVEL, dictionary)?;
    // The number is in front, and each page of the database has its own checksum.
    writer.set_parameter(CParameter::DictIdFlag(false))?;
    writer.set_parameter(CParameter::ChecksumFlag(false))?;
    Ok(writer)
}

fn read_with(
    readers: &mut Vec<Option<Decompressor<'static>>>,
    number: u8,
    frame: &[u8],
    length: usize,
) -> io::Result<Vec<u8>> {
    let at = usize::from(number)
        .checked_sub(1)
        .ok_or(io::ErrorKind::InvalidData)?;
    let dictionary = DICTIONARIES.get(at).ok_or(io::ErrorKind::InvalidData)?;
    if readers.len() < DICTIONARIES.len() {
        readers.resize_with(DICTIONARIES.len(), || None);
    }
    let reader = readers.get_mut(at).ok_or(io::ErrorKind::InvalidData)?;
    match reader {
        Some(reader) => reader.decompress(frame, length),
        None => reader
            .insert(Decompressor::with_dictionary(dictionary)?)
            .decompress(frame, length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    #[test]
    fn what_is_packed_comes_back_and_the_number_is_in_front() {
        let task = json!({ "resourceType": "Task", "id": "t1", "description": "mordió la mano 🐕" });

        let packed = pack(&task).expect("packs");

        assert_eq!(packed.first(), Some(&1));
        assert_eq!(unpack(&packed).expect("unpacks"), task);
        assert!(packed.len() < task.to_string().len());
        let huge = json!({ "text": "x".repeat(3_000_000) });
        assert_eq!(unpack(&pack(&huge).expect("packs")).expect("unpacks"), huge);
    }

    #[test]
    fn what_was_not_packed_here_is_refused() {
        let packed = pack(&json!({ "resourceType": "Task" })).expect("packs");
        for bad in [&[][..], &[0, 1, 2], &[9], &[1], &packed[..packed.len() - 1]] {
            assert!(unpack(bad).is_err());
        }
    }

    #[test]
    fn a_dictionary_that_was_handed_out_never_changes() {
        let digests: Vec<String> = DICTIONARIES
            .iter()
            .map(|bytes| {
                Sha256::digest(bytes)
                    .iter()
                    .take(8)
                    .map(|byte| format!("{byte:02x}"))
                    .collect()
            })
            .collect();

        assert_eq!(digests, ["c3b227c2b9747e00"]);
    }
}
