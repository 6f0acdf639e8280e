//! TURN on a stream: wherever it is cut, the same messages come out, and nothing waits that will never be one.
#![no_main]

use hms_core::call::framing::{padded, Framing, NotTurn};
use hms_fuzz::Choices;

/// One message and one reading of the stream are the most that may wait.
const MOST_WAITING: usize = 16 * 1024 + 256;

fn all<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Result<(), NotTurn>) {
    let (mut framing, mut messages, mut waiting) = (Framing::default(), Vec::new(), 0);
    for part in parts {
        framing.push(part);
        waiting += part.len();
        loop {
            match framing.next_message() {
                Ok(Some(message)) => {
                    waiting -= message.len().next_multiple_of(4);
                    messages.push(message);
                }
                Ok(None) => break,
                Err(not) => return (messages, Err(not)),
            }
        }
        assert!(waiting <= MOST_WAITING, "{waiting} bytes wait");
    }
    (messages, Ok(()))
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    let size = usize::from(input.byte()).max(1);
    let stream = input.rest();
    let (messages, end) = all(stream.chunks(size));
    assert_eq!((&messages, end), {
        let (one_by_one, end) = all(stream.chunks(1));
        (&one_by_one.clone(), end)
    });
    // What was cut out goes back in.
    let again: Vec<u8> = messages.iter().cloned().flat_map(padded).collect();
    assert_eq!(all(again.chunks(size)), (messages, Ok(())));
});
