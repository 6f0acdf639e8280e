//! What travels beside sound and picture: messages, stills in parts, and what is read off packets in the open.
#![no_main]

use std::time::Instant;

use hms_core::call::data::{cut, Joiner, StillKind, StillPart, STILL_AT_MOST};
use hms_core::call::typed::{Drafts, Edit, LINE_AT_MOST};
use hms_fuzz::Choices;
use hms_media::codec::webp;
use hms_media::door;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    let mut joiner = Joiner::default();
    let mut drafts = Drafts::default();
    for _ in 0..16 {
        let bytes = input.part().to_vec();
        if let Some(edit) = Edit::from_bytes(&bytes) {
            assert_eq!(edit.to_bytes(), bytes);
            drafts.take(&edit);
            assert!(drafts.after(0).unwrap_or_default().len() <= 5 * LINE_AT_MOST);
        }
        if let Some(part) = StillPart::from_bytes(&bytes) {
            assert_eq!(part.to_bytes(), bytes);
            if let Some(still) = joiner.take(part) {
                assert!(still.len() <= STILL_AT_MOST);
                let _ = webp::unwrap(&still);
            }
        }
    }
    let sdp = String::from_utf8_lossy(input.part()).into_owned();
    let packets: Vec<Vec<u8>> = (0..8).map(|_| input.part().to_vec()).collect();
    door::read_packet(Instant::now(), &sdp, &packets);
    let picture = input.rest();
    let mut joined = None;
    for part in cut(StillKind::Sharp, 7, picture) {
        joined = joiner.take(part);
    }
    if !picture.is_empty() && picture.len() <= STILL_AT_MOST {
        assert_eq!(joined.as_deref(), Some(picture));
    }
});
