//! Descriptions: a first offer, an answer, a later offer; any text, or a genuine one with changed lines.
#![no_main]

use std::time::{Duration, Instant};

use hms_fuzz::Choices;
use hms_media::door::open_engine;
use hms_media::engine::{CallEngine, LocalAddress};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fastrand::seed(7);
    let now = Instant::now();
    let mut input = Choices::of(input);
    let [mut caller, mut called] = ["10.0.0.1:4000", "10.0.0.2:4000"].map(|address| {
        let mut engine = open_engine(now);
        let address = address.parse().expect("an address");
        engine
            .add_local(LocalAddress::Host(address))
            .expect("a local address");
        engine
    });
    let how = input.byte();
    let offer = caller.offer(now).expect("an offer");
    match how & 3 {
        0 => {
            let offer = other(&offer, how, &mut input);
            if let Ok(answer) = called.accept_offer(now, &offer) {
                let _ = caller.accept_answer(now, &answer);
            }
        }
        1 => {
            let answer = called.accept_offer(now, &offer).expect("an answer");
            let _ = caller.accept_answer(now, &other(&answer, how, &mut input));
        }
        // The second description of a call, and the third.
        _ => {
            let answer = called.accept_offer(now, &offer).expect("an answer");
            caller.accept_answer(now, &answer).expect("a description");
            if how & 3 == 2 {
                let again = caller.restart_ice(now).expect("a second offer");
                if let Ok(answer) = called.accept_offer(now, &other(&again, how, &mut input)) {
                    let _ = caller.accept_answer(now, &answer);
                }
            } else {
                let again = called.restart_ice(now).expect("a second offer");
                if let Ok(answer) = caller.accept_offer(now, &again) {
                    let _ = called.accept_answer(now, &other(&answer, how, &mut input));
                }
            }
        }
    }
    for engine in [&mut caller, &mut called] {
        live(engine.as_mut(), now);
    }
});

/// What was taken must be lived with.
fn live(engine: &mut dyn CallEngine, now: Instant) {
    for step in 0..50 {
        let now = now + Duration::from_millis(step * 20);
        engine.tick(now);
        engine.send_audio(now, step * 960, vec![8; 40]);
        engine.send_video(now, step * 1800, vec![16; 2000]);
        engine.request_key_frame(now);
        while engine.poll().is_some() {}
    }
    let _ = engine.restart_ice(now + Duration::from_secs(2));
}

/// Any text, or the genuine one with some lines changed, moved, doubled or left out.
fn other(genuine: &str, how: u8, input: &mut Choices<'_>) -> String {
    if how & 4 != 0 {
        return String::from_utf8_lossy(input.rest()).into_owned();
    }
    let mut lines: Vec<String> = genuine.lines().map(str::to_owned).collect();
    for _ in 0..16 {
        if input.is_over() {
            break;
        }
        let (act, place) = (input.byte(), usize::from(input.byte()));
        let place = place % lines.len().max(1);
        match act % 6 {
            0 if !lines.is_empty() => {
                lines.remove(place);
            }
            1 => lines.insert(place, String::from_utf8_lossy(input.part()).into_owned()),
            2 => {
                let moved = lines.get(usize::from(input.byte()) % lines.len().max(1)).cloned();
                lines.insert(place, moved.unwrap_or_default());
            }
            3 => lines.truncate(place),
            _ => {
                if let Some(line) = lines.get_mut(place) {
                    let mut bytes = std::mem::take(line).into_bytes();
                    input.change(&mut bytes);
                    *line = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
        }
    }
    lines.join("\r\n") + "\r\n"
}
