//! Wiping what a key leaves behind on the stack: a value that is moved is copied, and only the last copy is wiped when
//! it goes.

use zeroize::Zeroize;

/// How deep the calls go that handle keys, and more.
const DEPTH: usize = 128 * 1024;

/// Wipes what the calls made so far left on this thread's stack. Called once a key is not needed any more: from where
/// it was handled, or from above.
#[inline(never)]
pub fn wipe_stack() {
    let mut below = [0_u8; DEPTH];
    below.zeroize();
    std::hint::black_box(&below);
}
