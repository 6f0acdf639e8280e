//! Figures of the symptom checker by itself: `cargo xtask bench triage [--json] [--quick]`. Loading, one answer, one
//! evaluation, the basis for a clinician, the size of the pack and the memory it takes.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what measures time needs a clock; the engine has none"
)]

#[path = "../tests/it/dice.rs"]
mod dice;

use std::hint::black_box;
use std::time::{Duration, Instant};

use hms_triage::{possibilities, Answer, Basis, Kind, Lang, Milli, Next, Pack, QuestionView, Session};
use serde_json::json;

use dice::Seeded;

fn answer(q: &QuestionView, dice: &mut Seeded) -> Answer {
    if dice.below(6) == 0 {
        return Answer::unknown();
    }
    match q.kind {
        Kind::Boolean => Answer::Flag(dice.below(4) == 0),
        Kind::Choice => {
            let option = q.options.get(dice.below(q.options.len()));
            option.map_or_else(Answer::unknown, |o| Answer::Code(o.code.clone()))
        }
        Kind::Multi => {
            let mut options = q.options.clone();
            options.retain(|_| dice.below(40) == 0);
            Answer::Codes(options.into_iter().map(|o| o.code).collect())
        }
        Kind::Number => q
            .min
            .map_or_else(Answer::unknown, |min| Answer::Number(Milli(min.0 + 30_000))),
    }
}

/// Resident memory of this process in bytes, where the system says so.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// One line of the table, one object of the JSON; the same fields as the other benches print.
fn row(rows: &mut Vec<serde_json::Value>, metric: &str, value: Option<f64>, unit: &str, goal: Option<f64>) {
    let value = value.map(|v| (v * 1_000.0).round() / 1_000.0);
    let met = goal.map(|goal| value.is_some_and(|v| v <= goal));
    rows.push(json!({
        "metric": metric, "value": value, "unit": unit, "goal": goal, "least": false, "met": met,
        "peer": null, "peer_value": null, "load": load(),
    }));
}

/// How often each step is done; the best time counts, so that the turn of another process on a busy machine does not.
/// A step is a pure function of the same answers, so it does the same work each time.
const AGAIN: usize = 5;

fn best<T>(mut step: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let begun = Instant::now();
        let done = black_box(step());
        (begun.elapsed(), done)
    };
    let (mut least, mut done) = once();
    for _ in 1..AGAIN {
        let (time, again) = once();
        least = least.min(time);
        done = again;
    }
    (least, done)
}

fn percentile(times: &mut [Duration], of_100: usize) -> f64 {
    times.sort_unstable();
    let rank = (times.len() * of_100).div_ceil(100).saturating_sub(1);
    times.get(rank).map_or(f64::NAN, |t| t.as_secs_f64() * 1e6)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    let walks = if has("--quick") { 300 } else { 3_000 };
    let mut rows = Vec::new();

    let before = resident();
    let begun = Instant::now();
    let pack = Pack::embedded();
    let first = begun.elapsed();
    let taken = resident()
        .zip(before)
        .map(|(after, before)| (after - before) / 1e6);
    let bytes = serde_json::to_vec(pack.file())
        .map(|b| b.len())
        .unwrap_or_default();
    row(
        &mut rows,
        "load of the pack, cold (read, check, index)",
        Some(first.as_secs_f64() * 1e3),
        "ms",
        Some(50.0),
    );
    row(
        &mut rows,
        "pack",
        Some(bytes as f64 / 1_048_576.0),
        "MiB",
        Some(2.0),
    );
    row(&mut rows, "memory that the loaded pack takes", taken, "MB", None);

    let mut dice = Seeded(2_026);
    let (mut answers, mut as_it_came, mut starts, mut evaluations, mut likely, mut basis) = (
        Vec::new(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
    );
    for _ in 0..walks {
        let mut session = Session::new(pack);
        let (time, mut next) = best(|| session.next(pack, Lang::En));
        starts.push(time);
        while let Next::Question(q) = next {
            let answer = answer(&q, &mut dice);
            let before = session.clone();
            let begun = Instant::now();
            if session.answer(pack, &q.id, answer.clone()).is_err() {
                break;
            }
            black_box(session.next(pack, Lang::En));
            as_it_came.push(begun.elapsed());
            let copies = std::cell::RefCell::new(vec![before; AGAIN]);
            let (time, after) = best(|| {
                let mut copy = copies.borrow_mut().pop()?;
                copy.answer(pack, &q.id, answer.clone()).ok()?;
                Some(copy.next(pack, Lang::En))
            });
            let Some(after) = after else { break };
            answers.push(time);
            next = after;

            // The two bounds are two evaluations of all rules.
            let (rules, _) = best(|| session.bounds(pack));
            let (shown, _) = best(|| possibilities(pack, &session.answers, Lang::En));
            likely.push(shown);
            evaluations.push(rules / 2 + shown);
        }
        basis.push(best(|| Basis::of(pack, &session.answers, Lang::En)).0);
    }
    let count = answers.len();
    row(
        &mut rows,
        &format!("one answer and the next question or the result, p50 of {count}"),
        Some(percentile(&mut answers, 50)),
        "µs",
        None,
    );
    row(
        &mut rows,
        "one answer and the next question or the result, p99",
        Some(percentile(&mut answers, 99)),
        "µs",
        Some(1_000.0),
    );
    row(
        &mut rows,
        "the same with all that ran beside it on this machine, p99",
        Some(percentile(&mut as_it_came, 99)),
        "µs",
        None,
    );
    row(
        &mut rows,
        "the first question, p99",
        Some(percentile(&mut starts, 99)),
        "µs",
        Some(1_000.0),
    );
    row(
        &mut rows,
        "all rules and the differential once, p50",
        Some(percentile(&mut evaluations, 50)),
        "µs",
        Some(50.0),
    );
    row(
        &mut rows,
        "all rules and the differential once, p99",
        Some(percentile(&mut evaluations, 99)),
        "µs",
        None,
    );
    row(
        &mut rows,
        "of that the differential, p50",
        Some(percentile(&mut likely, 50)),
        "µs",
        None,
    );
    row(
        &mut rows,
        "the basis for a clinician (differential, nearest changes), p50",
        Some(percentile(&mut basis, 50)),
        "µs",
        None,
    );
    row(
        &mut rows,
        "the basis for a clinician, p99",
        Some(percentile(&mut basis, 99)),
        "µs",
        None,
    );

    for row in rows {
        if has("--json") {
            println!("{row}");
            continue;
        }
        let goal = row["goal"].as_f64().map_or_else(String::new, |g| {
            format!("  goal ≤ {g}: {}", if row["met"] == true { "yes" } else { "NO" })
        });
        let metric = row["metric"].as_str().unwrap_or_default();
        println!(
            "{metric:<70} {:>12} {}{goal}  load {}",
            row["value"],
            row["unit"].as_str().unwrap_or_default(),
            row["load"]
        );
    }
}
