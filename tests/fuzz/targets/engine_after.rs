//! A call's packets once it is connected, as from a far side that has the keys: RTP, RTCP, data, new paths.
#![no_main]

use hms_fuzz::{engines::Pair, Choices};
use hms_media::door::open_engine;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut pair = Pair::connected(open_engine);
    pair.play(&mut Choices::of(input));
});
