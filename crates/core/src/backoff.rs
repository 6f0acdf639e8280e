//! How long to wait before trying again: doubling, capped, and jittered so that a whole depot whose
//! signal returns at once does not call at once.

/// Longest wait by itself: 15 minutes.
pub const LONGEST_MS: i64 = 15 * 60 * 1000;
const FIRST_MS: i64 = 2_000;

/// Milliseconds to wait after try number `attempt` (from 1) failed: between half of and the full
/// 2 s, 4 s, 8 s … 15 min. The same seed gives the same wait.
#[must_use]
pub fn wait_ms(attempt: u32, seed: u64) -> i64 {
    let doublings = attempt.saturating_sub(1).min(20);
    let full = FIRST_MS.saturating_mul(1_i64 << doublings).min(LONGEST_MS);
    let half = full / 2;
    let spread = u64::try_from(full - half).unwrap_or(0).saturating_add(1);
    let jitter = split_mix(seed ^ u64::from(attempt).wrapping_mul(0x9E37_79B9_7F4A_7C15)) % spread;
    half + i64::try_from(jitter).unwrap_or(0)
}

/// One step of SplitMix64: spreads a seed evenly. Not for secrets.
#[must_use]
pub fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_fifteen_minutes_and_never_leave_their_band() {
        for seed in 0..500 {
            for attempt in 1..40 {
                let full = (FIRST_MS << (attempt - 1).min(20)).min(LONGEST_MS);

                let wait = wait_ms(attempt, seed);

                assert!(
                    (full / 2..=full).contains(&wait),
                    "attempt {attempt} seed {seed}: {wait}"
                );
            }
        }
    }

    #[test]
    fn two_phones_wait_differently() {
        let waits: std::collections::BTreeSet<i64> = (0..100).map(|seed| wait_ms(6, seed)).collect();
        assert!(waits.len() > 90);
    }
}
