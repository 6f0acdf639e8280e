//! How a visit went, counted while it lasts: what each side tells the server when it is over.

use hms_model::time::Timestamp;
use hms_model::wire::quality::{QualityEngine, QualityPath, QualitySide, WireQuality, DAY_MS, RUNGS};

use super::quality::Rung;

/// Gauges are looked at this often: a visit of a day is not more than a megabyte of looks.
const LOOK_EVERY_MS: i64 = 1_000;

/// What a running call tells of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The rung of what this side sends.
    pub rung: Rung,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Loss of what this side sends, 0 to 1.
    pub loss: f64,
    /// Delay of the sound's buffer, in milliseconds.
    pub buffer_ms: u64,
    /// Made-up sound, in parts per million.
    pub concealed_ppm: u64,
    /// Longest stretch of it, in milliseconds.
    pub longest_gap_ms: u64,
    /// Longest time between two pictures, in milliseconds.
    pub longest_freeze_ms: u64,
    /// The path in use.
    pub path: QualityPath,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

/// The figures of a visit that is under way.
#[derive(Debug, Clone)]
pub struct Record {
    side: QualitySide,
    engine: QualityEngine,
    rang_ms: u32,
    joined: Timestamp,
    ready: Option<Timestamp>,
    connected: Option<Timestamp>,
    first_frame: Option<Timestamp>,
    looked: Option<Timestamp>,
    on_rung_ms: [i64; RUNGS],
    rtt_ms: Vec<u32>,
    loss_permille: Vec<u32>,
    buffer_ms: Vec<u32>,
    last: Option<Look>,
    path: QualityPath,
    lost: Option<Timestamp>,
    drops: u32,
    lost_ms: i64,
}

impl Record {
    /// A visit that this side joins now, after it has rung since then.
    #[must_use]
    pub fn joined(side: QualitySide, engine: QualityEngine, rang: Timestamp, now: Timestamp) -> Self {
        Self {
            side,
            engine,
            rang_ms: span(now.since_ms(rang)),
            joined: now,
            ready: None,
            connected: None,
            first_frame: None,
            looked: None,
            on_rung_ms: [0; RUNGS],
            rtt_ms: Vec::new(),
            loss_permille: Vec::new(),
            buffer_ms: Vec::new(),
            last: None,
            path: QualityPath::None,
            lost: None,
            drops: 0,
            lost_ms: 0,
        }
    }

    /// The engine has its devices and paths.
    pub fn ready(&mut self, now: Timestamp) {
        self.ready.get_or_insert(now);
    }

    /// A secured path works.
    pub fn connected(&mut self, now: Timestamp) {
        self.connected.get_or_insert(now);
    }

    /// The first picture of the far side is there.
    pub fn first_frame(&mut self, now: Timestamp) {
        self.first_frame.get_or_insert(now);
    }

    /// What the call tells now.
    pub fn look(&mut self, now: Timestamp, look: Look) {
        if look.path != QualityPath::None {
            self.path = look.path;
        }
        let since = self.looked.map_or(LOOK_EVERY_MS, |before| now.since_ms(before));
        if self.connected.is_some() && since >= LOOK_EVERY_MS {
            // A device that slept was on no rung.
            if let (Some(spent), Some(_)) = (self.on_rung_ms.get_mut(look.rung as usize), self.looked) {
                *spent += since.min(10 * LOOK_EVERY_MS);
            }
            self.looked = Some(now);
            self.rtt_ms.extend(look.rtt_ms.map(whole));
            self.loss_permille.push(whole(look.loss * 1000.0).min(1000));
            self.buffer_ms.push(narrow(look.buffer_ms));
        }
        self.last = Some(look);
    }

    /// Nothing comes any more.
    pub fn lost(&mut self, now: Timestamp) {
        if self.lost.is_none() {
            self.lost = Some(now);
            self.drops += 1;
        }
    }

    /// It comes again.
    pub fn back(&mut self, now: Timestamp) {
        if let Some(lost) = self.lost.take() {
            self.lost_ms += now.since_ms(lost).max(0);
        }
    }

    /// The figures of a visit that is over now.
    #[must_use]
    pub fn finish(mut self, now: Timestamp) -> WireQuality {
        self.back(now);
        let last = self.last.as_ref();
        let since = |at: Option<Timestamp>| at.map(|at| span(at.since_ms(self.joined)));
        let connected_ms = since(self.connected);
        let lasted_s = span(now.since_ms(self.joined)) / 1000;
        let mut left = lasted_s;
        let rung_s = self.on_rung_ms.map(|ms| {
            let s = (span(ms) / 1000).min(left);
            left -= s;
            s
        });
        let share = |of: fn(&Look) -> u64| last.map_or(0, |look| narrow(of(look)).min(DAY_MS));
        let bytes = |of: fn(&Look) -> u64| last.map_or(0, of);
        WireQuality {
            side: self.side,
            joined_at: self.joined.0,
            rang_ms: self.rang_ms,
            ready_ms: since(self.ready),
            connected_ms,
            first_frame_ms: since(self.first_frame.filter(|_| connected_ms.is_some())),
            lasted_s,
            rung_s,
            concealed_ppm: share(|look| look.concealed_ppm).min(1_000_000),
            longest_gap_ms: share(|look| look.longest_gap_ms),
            longest_freeze_ms: share(|look| look.longest_freeze_ms),
            buffer_p95_ms: percentile(&mut self.buffer_ms, 95),
            rtt_median_ms: percentile(&mut self.rtt_ms, 50),
            rtt_p95_ms: percentile(&mut self.rtt_ms, 95),
            loss_median_permille: percentile(&mut self.loss_permille, 50),
            loss_p95_permille: percentile(&mut self.loss_permille, 95),
            path: match connected_ms {
                None => QualityPath::None,
                // Connected, and over before the first look at the path: only the direct one is that quick.
                Some(_) if self.path == QualityPath::None => QualityPath::Host,
                Some(_) => self.path,
            },
            engine: self.engine,
            drops: self.drops,
            recovery_ms: span(self.lost_ms),
            bytes_in: bytes(|look| look.bytes_in),
            bytes_out: bytes(|look| look.bytes_out),
        }
    }
}

/// The value that so many of 100 do not exceed; `None` of nothing.
#[must_use]
pub fn percentile(values: &mut [u32], of_100: usize) -> Option<u32> {
    values.sort_unstable();
    let at = (values.len() * of_100).div_ceil(100).saturating_sub(1);
    values.get(at).copied()
}

/// Milliseconds within a day: a clock that was set meanwhile tells nothing.
fn span(ms: i64) -> u32 {
    u32::try_from(ms.clamp(0, i64::from(DAY_MS))).unwrap_or(DAY_MS)
}

fn narrow(figure: u64) -> u32 {
    u32::try_from(figure).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits"
)]
fn whole(figure: f64) -> u32 {
    figure.round().clamp(0.0, f64::from(DAY_MS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_795_000_000_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp(START + ms)
    }

    fn look(rung: Rung, rtt_ms: f64) -> Look {
        Look {
            rung,
            rtt_ms: Some(rtt_ms),
            loss: rtt_ms / 1000.0,
            buffer_ms: 120,
            concealed_ppm: 5_000,
            longest_gap_ms: 180,
            longest_freeze_ms: 700,
            path: QualityPath::RelayUdp,
            bytes_in: 10,
            bytes_out: 20,
        }
    }

    fn joined() -> Record {
        Record::joined(QualitySide::Caller, QualityEngine::Str0m, at(-4_000), at(0))
    }

    #[test]
    fn a_visit_is_told_in_its_figures() {
        let mut record = joined();
        record.ready(at(150));
        record.connected(at(900));
        record.first_frame(at(1_200));
        for second in 1..=100_i64 {
            let rung = if second <= 20 { Rung::Stills } else { Rung::Full };
            // Looks come more often than they are counted.
            for part in 0..4 {
                record.look(at(second * 1_000 + part * 250), look(rung, second as f64));
            }
        }
        record.lost(at(60_000));
        record.lost(at(61_000));
        record.back(at(66_500));
        let told = record.finish(at(101_400));

        assert!(told.is_possible(), "{told:?}");
        assert_eq!(
            (told.rang_ms, told.ready_ms, told.joined_at),
            (4_000, Some(150), START)
        );
        assert_eq!((told.connected_ms, told.first_frame_ms), (Some(900), Some(1_200)));
        assert_eq!((told.rtt_median_ms, told.rtt_p95_ms), (Some(50), Some(95)));
        assert_eq!(
            (told.loss_median_permille, told.loss_p95_permille),
            (Some(50), Some(95))
        );
        assert_eq!(told.rung_s, [0, 0, 19, 0, 0, 0, 80]);
        assert_eq!((told.drops, told.recovery_ms, told.lasted_s), (1, 6_500, 101));
        assert_eq!(
            (told.longest_gap_ms, told.concealed_ppm, told.bytes_out),
            (180, 5_000, 20)
        );
        assert_eq!(
            (told.path, told.buffer_p95_ms),
            (QualityPath::RelayUdp, Some(120))
        );
    }

    #[test]
    fn a_visit_that_never_connected_or_whose_clock_was_set_is_told_within_bounds() {
        let told = joined().finish(at(30_000));
        assert!(told.is_possible(), "{told:?}");
        assert_eq!(
            (told.connected_ms, told.path, told.rtt_p95_ms),
            (None, QualityPath::None, None)
        );

        let mut record = joined();
        record.ready(at(-9_000_000));
        record.connected(at(1));
        record.first_frame(at(i64::from(u32::MAX) * 3));
        let strange = Look {
            rtt_ms: Some(f64::INFINITY),
            loss: 7.0,
            buffer_ms: 1,
            concealed_ppm: u64::MAX,
            longest_gap_ms: u64::MAX,
            longest_freeze_ms: u64::MAX,
            path: QualityPath::None,
            ..look(Rung::None, 1.0)
        };
        record.look(at(0), strange.clone());
        record.look(at(1_000_000_000), strange);
        record.lost(at(5));
        let told = record.finish(at(-5));
        assert!(told.is_possible(), "{told:?}");
        assert_eq!(told.path, QualityPath::Host);
    }

    #[test]
    fn percentiles_are_of_what_was_seen() {
        assert_eq!(percentile(&mut [], 95), None);
        assert_eq!(percentile(&mut [7], 50), Some(7));
        assert_eq!(percentile(&mut [4, 1, 3, 2], 50), Some(2));
        assert_eq!(percentile(&mut (1..=20).collect::<Vec<_>>(), 95), Some(19));
    }
}
