//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses its own part")]

use serde_json::Value;
use std::io::Read;

const PACKED: &[u8] = include_bytes!("../corpus/r4-examples.ndjson.gz");

/// The official examples that are committed.
pub fn corpus() -> Vec<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(PACKED)
        .read_to_string(&mut text)
        .expect("the corpus unpacks");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

/// The resource type of an example.
pub fn type_of(resource: &Value) -> &str {
    resource["resourceType"]
        .as_str()
        .expect("each example has a type")
}

/// The address by which a failure can be found: never printed for real patients, only for examples.
pub fn label(resource: &Value) -> String {
    format!("{}/{}", type_of(resource), resource["id"].as_str().unwrap_or("?"))
}

/// A small seeded generator (SplitMix64), so that a failure can be repeated.
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
