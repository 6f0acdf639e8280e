//! Draws that depend on a seed and a packet's number only, not on how many draws others made before.

/// What a draw decides. Each has draws of its own, so that one more jitter does not move a loss.
#[derive(Clone, Copy)]
pub(crate) enum Draw {
    Loss = 1,
    Start = 2,
    Jitter = 3,
    Reorder = 4,
    Duplicate = 5,
}

/// A number in 0..1 for this packet and this question.
pub(crate) fn draw(seed: u64, packet: u64, what: Draw) -> f64 {
    let bits = mix(mix(seed ^ (what as u64).wrapping_mul(0xD1B5_4A32_D192_ED03)).wrapping_add(packet));
    // The upper 53 bits are what a double holds exactly.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64's step and finish.
pub(crate) fn mix(value: u64) -> u64 {
    let mut bits = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
