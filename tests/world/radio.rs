//! Thin and flapping lines, on a virtual clock: how many bytes go more than once, and whether all of it gets through.

use crate::check::Stored;
use crate::device::Device;
use crate::district;
use crate::link::{Dice, Weather};
use crate::server::Server;
use hms_core::sync::driver::SyncInput;
use hms_model::map::task::Priority;
use hms_model::time::Timestamp;

/// A line as it is while it is there.
struct Line {
    rtt_ms: usize,
    up_bytes_a_second: usize,
    down_bytes_a_second: usize,
}

impl Line {
    /// What fits through it within this time.
    fn window(&self, ms: usize) -> Weather {
        let left = ms.saturating_sub(self.rtt_ms);
        Weather::Window(
            left * self.up_bytes_a_second / 1000,
            left * self.down_bytes_a_second / 1000,
        )
    }

    fn ms_of(&self, up: usize, down: usize) -> usize {
        self.rtt_ms + up * 1000 / self.up_bytes_a_second + down * 1000 / self.down_bytes_a_second
    }
}

fn ms(n: usize) -> i64 {
    i64::try_from(n).expect("small")
}

/// Ten minutes of two seconds with and two seconds without a signal; a report every five seconds or so.
async fn ten_minutes(flaps: bool) -> (usize, usize, usize) {
    const FLAP: usize = 2_000;
    let line = Line {
        rtt_ms: 300,
        up_bytes_a_second: 64_000,
        down_bytes_a_second: 128_000,
    };
    let mut server = Server::new().await;
    let mut phone = Device::new(&server, "dana", "radio", 1).await;
    let mut dice = Dice(11);
    let (mut at, mut reports, mut bytes, mut next, mut was_up) = (0, 0, 0, 0, true);
    let mut cuts = 0;
    while at < 600_000 || !phone.store().outbox().await.expect("outbox").is_empty() {
        assert!(at < 900_000, "stuck");
        let now = Timestamp(district::NOON + ms(at));
        if at >= next && at < 600_000 {
            let id = format!("r-{reports}");
            let report = district::bite(&id, Some("dana"));
            let review = district::review(&id, Some("dana"), Priority::Urgent);
            phone.save(vec![report, review], now).await;
            reports += 1;
            next = at + 2_500 + dice.place(5_000);
        }
        let is_up = !flaps || (at / FLAP).is_multiple_of(2);
        if is_up != was_up {
            let input = if is_up {
                SyncInput::NetworkUp
            } else {
                SyncInput::NetworkDown
            };
            phone.store().lift_waits().await.expect("lifts");
            phone.tell(now, input);
            was_up = is_up;
        }
        let left = if flaps { FLAP - at % FLAP } else { 180_000 };
        let passed = if is_up {
            phone.tick_on(&mut server, now, line.window(left)).await
        } else {
            None
        };
        at += match passed {
            Some(passed) if passed.cut => {
                cuts += 1;
                let Weather::Window(up, down) = line.window(left) else {
                    unreachable!()
                };
                bytes += phone.last_request.min(up) + phone.last_answer.min(down);
                left
            }
            Some(_) => {
                bytes += phone.last_request + phone.last_answer;
                line.ms_of(phone.last_request, phone.last_answer)
            }
            None => 50,
        };
    }
    let stored = Stored::read(&server).await;
    assert_eq!(stored.once_each("r-"), reports, "each arrived, once");
    (reports, bytes, cuts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_radio_that_flaps_for_ten_minutes_costs_little_more_than_one_that_does_not() {
    crate::in_memory();
    let (reports, whole, none) = ten_minutes(false).await;
    let (same, flapping, cuts) = ten_minutes(true).await;

    assert_eq!((reports, none), (same, 0));
    assert!(cuts > 5, "{cuts}: it did flap");
    let more = flapping.saturating_sub(whole) * 1000 / whole;
    println!(
        "counts: radio there for 2 s and gone for 2 s, 10 minutes, {reports} reports: {cuts} exchanges cut, {flapping} bytes instead of {whole} ({}.{} % more)",
        more / 10,
        more % 10
    );
    assert!(more <= 200, "{flapping} bytes instead of {whole}");
}

/// Three seconds there and back, 64 kbit/s, and one exchange in five is lost: a desk's first sync, an exchange of
/// three minutes at most, goes on page by page; a phone's queue of two hundred reports gets through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thin_slow_line_that_loses_a_fifth_gets_everything_through() {
    crate::in_memory();
    let line = Line {
        rtt_ms: 3_000,
        up_bytes_a_second: 8_000,
        down_bytes_a_second: 8_000,
    };
    let mut server = Server::new().await;
    let mut phone = Device::new(&server, "dana", "thin", 1).await;
    let mut desk = Device::new(&server, "ada", "desk", 1).await;
    let mut dice = Dice(5);
    let start = Timestamp(district::NOON);
    for n in 0..200 {
        let id = format!("r-{n}");
        let report = district::bite(&id, Some("dana"));
        let review = district::review(&id, Some("dana"), Priority::Urgent);
        phone.save(vec![report, review], start).await;
    }
    let (mut at, mut exchanges) = (0, 0);
    let mut again = 0;
    loop {
        let now = Timestamp(district::NOON + ms(at));
        let mut rest = true;
        for device in [&mut phone, &mut desk] {
            let lost = dice.roll(5) == 0;
            let last = dice.place(60_000);
            // The driver gives an exchange up after three minutes.
            let weather = line.window(if lost { last } else { 180_000 });
            if let Some(passed) = device.tick_on(&mut server, now, weather).await {
                exchanges += 1;
                again += usize::from(passed.cut);
                at += if passed.cut {
                    last.max(3_000)
                } else {
                    line.ms_of(device.last_request, device.last_answer)
                };
            }
            rest &= device.store().outbox().await.expect("outbox").is_empty();
        }
        let at_desk = desk
            .store()
            .list("QuestionnaireResponse")
            .await
            .expect("reads")
            .len();
        if rest && at_desk == 200 {
            break;
        }
        at += 1_000;
        assert!(at < 6 * 3_600_000, "stuck: {at_desk} at the desk");
    }
    let stored = Stored::read(&server).await;
    assert_eq!(stored.once_each("r-"), 200);
    println!(
        "counts: 3 s round trip, 64 kbit/s, one exchange in five lost: 200 reports at the desk after {} minutes of the line, {exchanges} exchanges, {again} cut",
        at / 60_000
    );
}
