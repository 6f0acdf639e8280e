//! The recipe of the dictionaries in `src/packed/`: made-up records, each as it is stored, and zstd's own trainer.
//!
//! `cargo run --release -p hms-store --example train_dictionary > crates/store/src/packed/bodies-N.zdict`
//!
//! A dictionary that was handed out never changes; a better one gets the next number beside it.

#[allow(dead_code, reason = "shared with figures and tests")]
#[path = "../tests/common/district.rs"]
mod district;

use std::io::Write;

/// Another seed than that of the figures.
const SEED: u64 = 1;
/// Records that the trainer sees.
const SAMPLES: usize = 20_000;
/// Most bytes of the dictionary.
const SIZE: usize = 32 * 1024;

fn main() -> std::io::Result<()> {
    let samples: Vec<Vec<u8>> = district::people(SEED)
        .take(SAMPLES)
        .map(|resource| resource.to_string().into_bytes())
        .collect();
    let dictionary = zstd::dict::from_samples(&samples, SIZE)?;
    std::io::stdout().write_all(&dictionary)
}
