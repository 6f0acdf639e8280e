//! Sound: packets at any times, genuine with redundancy, changed, or anything, through buffer, decoder and recovery.
#![no_main]

use std::sync::{Arc, OnceLock};

use hms_fuzz::Choices;
use hms_media::codec::{OpusDecoder, OpusEncoder};
use hms_media::devices::{Microphone, SyntheticMicrophone};
use hms_media::sound::{Player, BLOCK};
use hms_media::Voice;

const PACKET: usize = 2880;

/// Two seconds of a voice.
fn genuine() -> &'static [Vec<u8>] {
    static PACKETS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PACKETS.get_or_init(|| {
        let mut encoder = OpusEncoder::new().expect("an encoder");
        encoder.set_rate(24_000, 500).expect("a rate");
        let mut voice = SyntheticMicrophone::new(Voice::Carrier);
        let mut block = [0; PACKET];
        let packets = (0..32).map(|_| {
            voice.fill(&mut block);
            encoder.encode(&block).expect("a packet")
        });
        packets.collect()
    })
}

fn packet(input: &mut Choices<'_>) -> Vec<u8> {
    let how = input.byte();
    if how & 1 == 0 {
        return input.part().to_vec();
    }
    let packets = genuine();
    let mut packet = packets[usize::from(how >> 2) % packets.len()].clone();
    if how & 2 != 0 {
        input.change(&mut packet);
    }
    packet
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    if input.byte() & 3 == 0 {
        alone(&mut input);
    } else {
        played(&mut input);
    }
});

/// The decoder without the buffer before it.
fn alone(input: &mut Choices<'_>) {
    let mut decoder = OpusDecoder::new().expect("a decoder");
    for _ in 0..60 {
        if input.is_over() {
            return;
        }
        match input.byte() % 3 {
            0 => {
                if let Ok(pcm) = decoder.decode(&packet(input)) {
                    assert!(pcm.len() <= 5760);
                }
            }
            1 => {
                let (gap, samples) = (input.long() as usize, usize::from(input.byte()) * 120);
                let later = packet(input);
                if let Ok(Some(pcm)) = decoder.recover(&later, gap, samples) {
                    assert!(pcm.len() <= samples);
                }
            }
            _ => {
                let _ = decoder.conceal(usize::from(input.short()));
            }
        }
    }
}

fn played(input: &mut Choices<'_>) {
    let mut player = Player::new().expect("a player");
    let (mut now, mut at) = (u64::from(input.long()), input.number(8));
    for _ in 0..150 {
        if input.is_over() {
            return;
        }
        let act = input.byte();
        // The packet's place in the sound: the next, one near it, or any.
        at = match act & 3 {
            0 | 1 => at.wrapping_add(PACKET as u64),
            2 => at.wrapping_add(u64::from(input.short())).wrapping_sub(20_000),
            _ => input.number(8),
        };
        if act & 4 == 0 {
            player.take(now, at, Arc::from(packet(input)));
        }
        now += match act >> 3 & 3 {
            0 => 20,
            1 => 60,
            2 => u64::from(input.byte()),
            _ => u64::from(input.short()),
        };
        for _ in 0..act >> 5 {
            assert_eq!(player.block(now).len(), BLOCK);
        }
    }
}
