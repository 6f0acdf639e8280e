//! What a call must be on each kind of link. Figures of five seeds; the fast test plays few, `HMS_REHEARSE` prints all.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hms_netlab::{Loss, Plan, Step, Way};

use super::table::{figures, median, Figures};
use super::Rehearsal;
use crate::{EngineChoice, QualityRung};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One call of a cell, both sides, as long as those that are measured.
fn play(cell: &str, seed: u64, engine: EngineChoice) -> [Figures; 2] {
    let told = std::env::var("HMS_REHEARSE_SECONDS")
        .ok()
        .and_then(|told| told.parse().ok());
    let length = told.unwrap_or(if cell == "d" { 65 } else { 45 });
    play_for(cell, seed, engine, s(length))
}

fn play_for(cell: &str, seed: u64, engine: EngineChoice, length: Duration) -> [Figures; 2] {
    let plan = Plan::named(cell).expect("a cell");
    let mut rehearsal = Rehearsal::new(plan, seed, engine);
    rehearsal.run_until(length);
    let verbose = std::env::var_os("HMS_REHEARSE_RUNGS").is_some();
    rehearsal.sides.each_ref().map(|side| {
        if verbose {
            let stats = side.stats();
            println!(
                "   rungs {:?} loss {:.2} estimate {:?} rtt {:?}",
                side.diary.rungs, stats.loss, stats.estimate_bps, stats.rtt_ms
            );
        }
        let from = side.diary.connected.map_or(length, |at| at + s(1)).min(length);
        let mut of = figures(side, from, length);
        if cell == "d" {
            // The outage itself is nobody's fault: what counts is how soon it is over.
            let after = |times: &[Duration]| {
                times
                    .iter()
                    .find(|at| **at >= s(35))
                    .map_or(f64::NAN, |at| (*at - s(35)).as_secs_f64())
            };
            let late = figures(side, s(40), length);
            of = Figures {
                sound_back_s: after(&side.diary.packets),
                picture_back_s: after(&side.diary.pictures),
                fps: late.fps,
                frozen_s: late.frozen_s,
                concealed_percent: late.concealed_percent,
                buffer_p95_ms: late.buffer_p95_ms,
                ..of
            };
        }
        if verbose {
            println!(
                "   seed {seed}: {:.1} fps, frozen {:.1} s, concealed {:.2} %, buffer {:.0}",
                of.fps, of.frozen_s, of.concealed_percent, of.buffer_p95_ms
            );
        }
        of
    })
}

fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let first = std::env::var("HMS_REHEARSE_FROM")
        .ok()
        .and_then(|told| told.parse().ok())
        .unwrap_or(11);
    first..first + count
}

fn cell(cell: &str, count: u64, engine: EngineChoice) -> [Figures; 2] {
    let plays: Vec<[Figures; 2]> = seeds(count).map(|seed| play(cell, seed, engine)).collect();
    [0, 1].map(|side| median(&plays.iter().map(|both| both[side].clone()).collect::<Vec<_>>()))
}

/// What both sides of a short call of a cell got, worst of two seeds. Bounds are wide: figures are printed by
/// [`rehearse`], and these only fail where something broke.
fn worst(cell: &str) -> impl Fn(fn(&Figures) -> f64) -> f64 {
    let plays: Vec<Figures> = seeds(2)
        .flat_map(|seed| play(cell, seed, EngineChoice::Str0m))
        .collect();
    move |figure| plays.iter().map(figure).fold(f64::MIN, f64::max)
}

#[test]
fn on_a_clean_link_nothing_is_made_up_and_the_picture_is_there_at_once() {
    let [first, second] = play_for("clean", 11, EngineChoice::Str0m, s(20));

    for side in [first, second] {
        assert!(
            side.connected_ms < 300.0 && side.first_picture_ms <= 200.0,
            "{side:?}"
        );
        assert!(side.concealed_percent <= 0.3, "{side:?}");
        assert!(side.fps >= 27.0 && side.frozen_s <= 0.5, "{side:?}");
    }
}

#[test]
fn on_a_thin_link_sound_is_whole_and_the_picture_moves() {
    let [first, second] = play_for("a", 11, EngineChoice::Str0m, s(30));

    for side in [first, second] {
        assert!(side.concealed_percent <= 1.0, "{side:?}");
        assert!(side.fps >= 15.0 && side.frozen_s <= 4.0, "{side:?}");
        assert!(side.buffer_p95_ms <= 300.0, "{side:?}");
    }
}

#[test]
fn from_afar_with_losses_there_is_sound_and_a_fresh_still_and_never_a_frozen_picture() {
    let worst = worst("b");
    assert!(worst(|side| side.concealed_percent) <= 1.0);
    assert!(worst(|side| side.longest_without_still_s) <= 20.0);
    assert!(worst(|side| side.fps) == 0.0);
    assert!(worst(|side| side.connected_ms) <= 4_000.0);
}

#[test]
fn where_every_fifth_packet_is_lost_in_rows_people_still_hear_each_other() {
    let worst = worst("c");
    assert!(worst(|side| side.concealed_percent) <= 6.0);
    assert!(worst(|side| side.buffer_p95_ms) <= 700.0);
}

#[test]
fn after_a_cut_of_fifteen_seconds_sound_is_there_at_once_and_the_picture_soon() {
    let [first, second] = play_for("d", 11, EngineChoice::Str0m, s(50));

    for side in [first, second] {
        assert!(side.sound_back_s <= 1.0 && side.picture_back_s <= 2.0, "{side:?}");
        assert!(side.fps >= 15.0, "{side:?}");
    }
}

/// The router forgets at 15 and at 30 seconds: what is sent to the old port is let in nowhere.
#[test]
fn a_router_that_gives_the_phone_other_ports_costs_two_seconds_of_sound_at_most() {
    let mut rehearsal = Rehearsal::new(Plan::named("f").expect("a cell"), 11, EngineChoice::Str0m);
    rehearsal.run_until(s(45));

    for side in &rehearsal.sides {
        for (from, until) in [(s(14), s(29)), (s(29), s(44))] {
            let packets = side
                .diary
                .packets
                .iter()
                .filter(|at| **at >= from && **at <= until);
            let times: Vec<&Duration> = packets.collect();
            let gap = times
                .windows(2)
                .map(|pair| *pair[1] - *pair[0])
                .max()
                .expect("sound");
            assert!(gap <= s(2), "{gap:?}");
            let of = figures(side, from + s(4), until);
            println!("longest gap of sound {gap:?}, then {of:?}");
            assert!(of.concealed_percent <= 1.0, "{of:?}");
            // The second side's packets were lost for a while: its picture may rest, and then comes in stills.
            assert!(of.fps >= 10.0 || of.longest_without_still_s <= 10.0, "{of:?}");
        }
    }
}

#[test]
fn a_line_that_becomes_good_again_gets_its_picture_back() {
    let mut plan = Plan::named("d").expect("a cell");
    plan.steps = vec![
        (s(8), Step::Rate(Some(45_000))),
        (s(25), Step::Rate(Some(300_000))),
    ];
    let mut rehearsal = Rehearsal::new(plan, 11, EngineChoice::Str0m);
    rehearsal.run_until(s(110));

    for side in &rehearsal.sides {
        let thin = figures(side, s(15), s(24));
        let after = figures(side, s(100), s(110));
        println!(
            "{:.1} then {:.1} pictures a second; {:?}",
            thin.fps, after.fps, side.diary.rungs
        );
        assert!(thin.fps < 1.0, "{thin:?}");
        assert!(after.fps >= 10.0, "{after:?}");
    }
}

/// No two sound cards run at the same pace: 200 millionths apart, a buffer that is left alone is 120 ms off after ten minutes.
#[test]
fn clocks_that_run_apart_neither_starve_the_ear_nor_keep_it_waiting() {
    let mut rehearsal = Rehearsal::new(Plan::named("clean").expect("a cell"), 11, EngineChoice::Str0m);
    rehearsal.drift = 200e-6;
    for side in &rehearsal.sides {
        side.shared.controls.camera_on.store(false, Relaxed);
    }
    rehearsal.run_until(s(600));

    for side in &rehearsal.sides {
        let (first, last) = (figures(side, s(20), s(80)), figures(side, s(530), s(590)));
        println!(
            "buffer {:.0} then {:.0} ms, made up {:.3} %",
            first.buffer_p50_ms, last.buffer_p50_ms, last.concealed_percent
        );
        assert!(
            (last.buffer_p50_ms - first.buffer_p50_ms).abs() <= 60.0,
            "{first:?} {last:?}"
        );
        assert!(last.concealed_percent <= 0.3, "{last:?}");
    }
}

/// An hour with a picture, on clocks that run apart: `HMS_REHEARSE` names its link. Figures of every ten minutes, and what this
/// process holds.
#[test]
#[ignore = "takes minutes; prints figures and checks that memory stays flat"]
fn an_hour() {
    let name = std::env::var("HMS_REHEARSE").unwrap_or_else(|_| "a".into());
    let plan = Plan::named(&name).expect("a cell");
    let mut rehearsal = Rehearsal::new(plan, 11, EngineChoice::Str0m);
    rehearsal.drift = 200e-6;
    let mut held = Vec::new();
    for minutes in (10..=60).step_by(10) {
        rehearsal.run_until(s(minutes * 60));
        held.push(resident_mb());
        for side in &rehearsal.sides {
            let of = figures(side, s(minutes * 60 - 60), s(minutes * 60 - 1));
            println!(
                "minute {minutes}: {:.1} MB held; sound {:.2} % made up, buffer {:.0} and {:.0} ms; {:.1} pictures a second, frozen {:.1} s",
                held.last().copied().unwrap_or_default(),
                of.concealed_percent, of.buffer_p50_ms, of.buffer_p95_ms, of.fps, of.frozen_s
            );
        }
    }
    // The diaries of both sides grow by about 7 MB in 50 minutes.
    assert!(held[5] - held[0] < 20.0, "{held:?}");
}

fn resident_mb() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<f64>().ok());
    resident.unwrap_or_default() * 4096.0 / 1e6
}

/// Figures, not a check: `HMS_REHEARSE="clean a b c d"` names the cells.
#[test]
#[ignore = "prints figures; the tests beside it check them"]
fn rehearse() {
    let cells = std::env::var("HMS_REHEARSE").unwrap_or_else(|_| "clean a b c d".into());
    let count = std::env::var("HMS_REHEARSE_SEEDS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(5);
    println!("cell | connect ms | first picture ms | concealed % | buffer p50 p95 ms | fps | frozen s | stills | longest without | kbit/s out | sound back s | picture back s");
    for name in cells.split_whitespace() {
        let began = std::time::Instant::now();
        let both = cell(name, count, chosen());
        let pair = |of: fn(&Figures) -> f64| format!("{:.1} / {:.1}", of(&both[0]), of(&both[1]));
        println!(
            "{name} | {} | {} | {:.2} / {:.2} | {} ; {} | {} | {} | {} | {} | {} | {} | {}   ({:.0?})",
            pair(|f| f.connected_ms),
            pair(|f| f.first_picture_ms),
            both[0].concealed_percent,
            both[1].concealed_percent,
            pair(|f| f.buffer_p50_ms),
            pair(|f| f.buffer_p95_ms),
            pair(|f| f.fps),
            pair(|f| f.frozen_s),
            pair(|f| f.stills),
            pair(|f| f.longest_without_still_s),
            pair(|f| f.kbit_out),
            pair(|f| f.sound_back_s),
            pair(|f| f.picture_back_s),
            began.elapsed(),
        );
    }
}

/// `HMS_REHEARSE_ENGINE=webrtc` plays them with the other engine, where it is built in.
fn chosen() -> EngineChoice {
    match std::env::var("HMS_REHEARSE_ENGINE").as_deref() {
        #[cfg(feature = "engine-webrtc")]
        Ok("webrtc") => EngineChoice::Webrtc,
        _ => EngineChoice::default(),
    }
}

/// A line that becomes late from one moment to the next has a longer way, and no queue: a call that takes it for one gives
/// up its picture, and then its stills, for as long as it remembers the shorter way.
#[test]
fn on_a_line_that_becomes_late_and_lossy_stills_come_soon_and_go_on() {
    let way = |kbit: u64, delay_ms: u64, loss| Way {
        bits_per_s: Some(kbit * 1_000),
        delay: Duration::from_millis(delay_ms),
        jitter: Duration::from_millis(delay_ms / 15),
        loss,
        ..Way::default()
    };
    let mut plan = Plan::named("clean").expect("a cell");
    plan.steps = vec![
        (s(4), Step::Ways([way(140, 80, Loss::None); 2])),
        (s(16), Step::Ways([way(90, 300, Loss::Random(0.06)); 2])),
    ];
    let mut rehearsal = Rehearsal::new(plan, 18, EngineChoice::Str0m);
    rehearsal.run_until(s(60));

    for side in &rehearsal.sides {
        let late = figures(side, s(18), s(60));
        println!("{:?} {:?}", side.diary.stills, side.diary.rungs);
        assert!(late.longest_without_still_s <= 15.0, "{late:?}");
        let gave_up = |(_, rung): &&(Duration, _)| *rung < QualityRung::Stills;
        assert_eq!(side.diary.rungs.iter().find(gave_up), None);
    }
}
