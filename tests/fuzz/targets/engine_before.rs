//! A call's packets before it is connected, with the real handshake: paths, DTLS, and what anyone can send.
#![no_main]

use hms_fuzz::{engines::Pair, Choices};
use hms_media::engine::make;
use hms_media::EngineChoice;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut pair = Pair::described(|now| make(EngineChoice::Str0m, now).expect("an engine"));
    pair.play(&mut Choices::of(input));
});
