//! Sums over 256 ranges of records, by which a device and the server find out in one round trip whether they hold the
//! same versions, and if not, in which ranges they differ.
//!
//! A range is the first byte of SHA-256 of `Type/id`; its sum adds, over its records and modulo 2^64, the first eight
//! bytes of SHA-256 of `Type/id`, a line feed and the version. A sum does not mind the order, so each side makes it in
//! one walk over its rows in whatever order they lie, without sorting and without keeping a tree up to date in every
//! write: what somebody may hold is another set for each account, and is asked about once a week.

use base64::prelude::{Engine, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// How many ranges there are.
pub const LEAVES: usize = 256;
/// A check that is older than this is done again: a week.
pub const CHECK_EVERY_MS: i64 = 7 * 24 * 3600 * 1000;
/// Bytes of a range's sum.
const SUM: usize = 8;

/// The sums of all ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaves {
    sums: Vec<u64>,
    records: u32,
}

impl Default for Leaves {
    fn default() -> Self {
        Self {
            sums: vec![0; LEAVES],
            records: 0,
        }
    }
}

impl Leaves {
    /// Adds a record (`Type/id`) with its version.
    pub fn add(&mut self, id: &str, version: &str) {
        let hash = Sha256::new()
            .chain_update(id)
            .chain_update("\n")
            .chain_update(version)
            .finalize();
        let row = hash
            .iter()
            .take(SUM)
            .fold(0_u64, |row, byte| row << 8 | u64::from(*byte));
        if let Some(sum) = self.sums.get_mut(usize::from(leaf_of(id))) {
            *sum = sum.wrapping_add(row);
        }
        self.records = self.records.saturating_add(1);
    }

    /// How many records were added.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.records
    }

    /// The ranges whose sums are not the same.
    #[must_use]
    pub fn differ(&self, other: &Self) -> Vec<u8> {
        let pairs = self.sums.iter().zip(&other.sums);
        (0_u8..=u8::MAX)
            .zip(pairs)
            .filter(|(_, (mine, theirs))| mine != theirs)
            .map(|(leaf, _)| leaf)
            .collect()
    }

    /// As it travels.
    #[must_use]
    pub fn to_text(&self) -> String {
        let bytes: Vec<u8> = self.sums.iter().flat_map(|sum| sum.to_be_bytes()).collect();
        BASE64_STANDARD_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::to_text`] wrote; how many records there were is not in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(text).ok()?;
        let sums: Vec<u64> = bytes
            .chunks_exact(SUM)
            .filter_map(|chunk| chunk.try_into().ok().map(u64::from_be_bytes))
            .collect();
        (sums.len() == LEAVES && bytes.len() == LEAVES * SUM).then_some(Self { sums, records: 0 })
    }
}

/// The range of a record (`Type/id`).
#[must_use]
pub fn leaf_of(id: &str) -> u8 {
    Sha256::digest(id).first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(&str, &str)]) -> Leaves {
        let mut leaves = Leaves::default();
        for (id, version) in rows {
            leaves.add(id, version);
        }
        leaves
    }

    #[test]
    fn the_order_does_not_matter_and_each_difference_shows_in_its_range() {
        let all = of(&[("Task/a", "1"), ("Task/b", "2"), ("Patient/dana", "7")]);
        assert_eq!(
            all,
            of(&[("Patient/dana", "7"), ("Task/b", "2"), ("Task/a", "1")])
        );
        for (other, id) in [
            (of(&[("Task/a", "1"), ("Task/b", "2")]), "Patient/dana"),
            (
                of(&[("Task/a", "1"), ("Task/b", "3"), ("Patient/dana", "7")]),
                "Task/b",
            ),
            (
                of(&[
                    ("Task/a", "1"),
                    ("Task/b", "2"),
                    ("Patient/dana", "7"),
                    ("Task/c", "1"),
                ]),
                "Task/c",
            ),
        ] {
            assert_eq!(all.differ(&other), [leaf_of(id)]);
        }
        // A version does not run into an id.
        assert_ne!(of(&[("Task/a1", "1")]), of(&[("Task/a", "11")]));
    }

    #[test]
    fn what_travels_reads_back_and_is_small() {
        let leaves = of(&[("Task/a", "1")]);
        let text = leaves.to_text();
        assert_eq!(text.len(), 2731);
        assert!(Leaves::parse(&text).expect("reads").differ(&leaves).is_empty());
        for bad in ["", "AAAA", &text[4..], &format!("{text}AAAA"), "<html>"] {
            assert_eq!(Leaves::parse(bad), None);
        }
    }
}
