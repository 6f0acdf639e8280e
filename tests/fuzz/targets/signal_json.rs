//! Signalling as text, both ways: what is read is written as something that reads back the same.
#![no_main]

use hms_model::wire::signal::{Frame, ToClient, ToServer, WirePoll, WirePolled};
use serde_json::{from_slice, to_vec};

macro_rules! read {
    ($($kind:ty),*) => {
        |input: &[u8]| {
            $(if let Ok(read) = from_slice::<$kind>(input) {
                let again = to_vec(&read).expect("what was read can be written");
                assert_eq!(from_slice::<$kind>(&again).expect("what was written can be read"), read);
            })*
        }
    };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    read!(Frame<ToServer>, Frame<ToClient>, WirePoll, WirePolled)(input);
});
