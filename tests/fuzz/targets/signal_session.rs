//! The client's end of signalling, whatever the server says in whatever order: its numbers have no gap, and nothing grows for ever.
#![no_main]

use hms_core::call::signal::{SignalSession, KEEP_AT_MOST};
use hms_fuzz::Choices;
use hms_model::wire::signal::{Frame, ToClient, ToServer, WirePolled};

fn message(input: &mut Choices<'_>) -> Option<ToClient> {
    let visit = "v".to_owned();
    Some(match input.byte() % 5 {
        0 => return None,
        1 => ToClient::Welcome {
            session: input.byte().to_string(),
            resumed: input.byte() & 1 == 0,
            turn: Vec::new(),
        },
        2 => ToClient::Peer {
            visit,
            connected: true,
        },
        3 => return serde_json::from_slice(input.part()).ok(),
        _ => ToClient::Text {
            number: 0, visit,
            text: String::from_utf8_lossy(input.part()).into_owned(),
        },
    })
}

/// A number near those in use, or any.
fn number(input: &mut Choices<'_>) -> u64 {
    match input.byte() {
        255 => input.number(8),
        254 => u64::MAX,
        near => u64::from(near),
    }
}

fn frame(input: &mut Choices<'_>) -> Frame<ToClient> {
    Frame {
        seq: number(input),
        ack: number(input),
        message: message(input),
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    let mut session = SignalSession::new("device");
    for _ in 0..2000 {
        if input.is_over() {
            return;
        }
        match input.byte() % 9 {
            0 => session.connected(),
            1 => session.disconnected(),
            2 | 3 => session.send(ToServer::Accept { visit: "v".into() }),
            4 => session.send(ToServer::Link {
                rtt_ms: 1,
                loss_permille: 1,
            }),
            5 | 6 => {
                let frame = frame(&mut input);
                session.arrived(frame);
            }
            7 => {
                let frames = (0..input.byte() % 4).map(|_| frame(&mut input)).collect();
                session.polled(WirePolled {
                    session: input.byte().to_string(),
                    frames,
                });
            }
            _ => {
                let mut out = 0;
                while session.poll_frame().is_some() {
                    out += 1;
                    assert!(out < 10_000, "frames without end");
                }
            }
        }
        let body = session.poll_body();
        assert!(body.frames.len() <= KEEP_AT_MOST + 1);
        let numbers: Vec<u64> = body
            .frames
            .iter()
            .map(|frame| frame.seq)
            .filter(|seq| *seq > 0)
            .collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    }
});
