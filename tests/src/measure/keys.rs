//! How long the PIN takes to open the profile: slow on purpose for whoever guesses, quick enough for whoever knows.

use super::row::{Row, Times};
use anyhow::Result;
use hms_store::keys::{random_key, KdfCost, WrappedKey};
use std::time::Instant;

/// A person waits no longer than this, in milliseconds.
const GOAL_MS: f64 = 400.0;
const TIMES: usize = 20;

/// `measure keys`.
pub(super) fn keys() -> Result<Vec<Row>> {
    let key = random_key()?;
    let cost = KdfCost::UNLOCK;
    let wrapped = WrappedKey::wrap(&key, "284619", Some(&key), cost)?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        let _opened = wrapped.unwrap("284619", Some(&key))?;
        times.push(begun.elapsed());
    }
    let times = Times::of(times);
    let what = format!(
        "PIN to key, Argon2id {} KiB, {} passes",
        cost.memory_kib, cost.passes
    );
    Ok(vec![
        Row::new(format!("{what}, median of {TIMES}"), times.median(), "ms").at_most(GOAL_MS),
        Row::new(format!("{what}, worst"), times.worst(), "ms"),
    ])
}
