//! `POST /api/visits/{id}/quality`: how a visit went for one of its two sides. Figures alone: no name, no address, no words.

use serde::{Deserialize, Serialize};

/// A visit is over in a day; so is whatever is timed in it, in milliseconds.
pub const DAY_MS: u32 = 86_400_000;
/// No device takes in or sends more in a day: 100 Mbit/s.
const BYTES_AT_MOST: u64 = 1_080_000_000_000;
/// Steps of the quality ladder.
pub const RUNGS: usize = 7;

/// How a visit went for one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireQuality {
    /// Whose figures these are.
    pub side: QualitySide,
    /// When this side joined: the call was answered, Unix milliseconds by this side's clock.
    pub joined_at: i64,
    /// How long it had rung until then, in milliseconds.
    pub rang_ms: u32,
    /// From joining to this side being ready with its devices and paths, in milliseconds.
    pub ready_ms: Option<u32>,
    /// From joining to the first secured path, in milliseconds.
    pub connected_ms: Option<u32>,
    /// From joining to the first picture of the far side, in milliseconds.
    pub first_frame_ms: Option<u32>,
    /// From joining to the end, in seconds.
    pub lasted_s: u32,
    /// Seconds on each rung of the ladder of what this side sends, worst first.
    pub rung_s: [u32; RUNGS],
    /// Share of the played sound that was made up, in parts per million.
    pub concealed_ppm: u32,
    /// Longest stretch of sound that was made up, in milliseconds.
    pub longest_gap_ms: u32,
    /// Longest time between two pictures, in milliseconds.
    pub longest_freeze_ms: u32,
    /// Delay of the sound's buffer that 95 of 100 looks did not exceed, in milliseconds.
    pub buffer_p95_ms: Option<u32>,
    /// Round trip in the middle of all looks, in milliseconds.
    pub rtt_median_ms: Option<u32>,
    /// Round trip that 95 of 100 looks did not exceed, in milliseconds.
    pub rtt_p95_ms: Option<u32>,
    /// Loss of what this side sends, in thousandths, in the middle of all looks.
    pub loss_median_permille: Option<u32>,
    /// The same that 95 of 100 looks did not exceed.
    pub loss_p95_permille: Option<u32>,
    /// The kind of the last path.
    pub path: QualityPath,
    /// What carried the call.
    pub engine: QualityEngine,
    /// How often nothing came from the far side for some seconds.
    pub drops: u32,
    /// How long that was, all together, in milliseconds.
    pub recovery_ms: u32,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

/// A side of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualitySide {
    /// Called.
    Caller,
    /// Was called.
    Called,
}

/// How packets went, without saying where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityPath {
    /// None was ever found.
    None,
    /// Straight to the other machine.
    Host,
    /// Over this side's relay, in datagrams.
    RelayUdp,
    /// Over this side's relay, in one TCP connection, plain or in TLS.
    RelayTcp,
}

/// What carries calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityEngine {
    /// `str0m`.
    Str0m,
    /// `webrtc`.
    Webrtc,
}

impl WireQuality {
    /// Can these figures be true? What cannot is refused, so that one broken device does not spoil everybody's.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let day_s = DAY_MS / 1000;
        let times = [self.ready_ms, self.connected_ms, self.first_frame_ms];
        let waits = [
            Some(self.rang_ms),
            Some(self.recovery_ms),
            Some(self.longest_gap_ms),
        ];
        let gauges = [self.buffer_p95_ms, self.rtt_median_ms, self.rtt_p95_ms];
        let freeze = [Some(self.longest_freeze_ms)];
        let in_a_day = |ms: &u32| *ms <= DAY_MS;
        let losses = [self.loss_median_permille, self.loss_p95_permille];
        let in_order =
            |median: Option<u32>, p95: Option<u32>| median.is_some() == p95.is_some() && median <= p95;
        // From 2020 to 2100: a clock that was never set is not one.
        (1_577_836_800_000..4_102_444_800_000).contains(&self.joined_at)
            && times
                .iter()
                .chain(&waits)
                .chain(&gauges)
                .chain(&freeze)
                .flatten()
                .all(in_a_day)
            && self.lasted_s <= day_s
            && self.rung_s.iter().map(|s| u64::from(*s)).sum::<u64>() <= u64::from(self.lasted_s) + 1
            && self.concealed_ppm <= 1_000_000
            && losses.iter().flatten().all(|loss| *loss <= 1000)
            && in_order(self.rtt_median_ms, self.rtt_p95_ms)
            && in_order(self.loss_median_permille, self.loss_p95_permille)
            && (self.first_frame_ms.is_none() || self.connected_ms.is_some())
            && (self.path == QualityPath::None) == self.connected_ms.is_none()
            && self.drops <= day_s
            && self.bytes_in <= BYTES_AT_MOST
            && self.bytes_out <= BYTES_AT_MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> WireQuality {
        WireQuality {
            side: QualitySide::Called,
            joined_at: 1_795_000_000_000,
            rang_ms: 4_000,
            ready_ms: Some(90),
            connected_ms: Some(800),
            first_frame_ms: Some(1_200),
            lasted_s: 600,
            rung_s: [0, 0, 10, 0, 0, 0, 580],
            concealed_ppm: 12_000,
            longest_gap_ms: 240,
            longest_freeze_ms: 800,
            buffer_p95_ms: Some(160),
            rtt_median_ms: Some(70),
            rtt_p95_ms: Some(240),
            loss_median_permille: Some(0),
            loss_p95_permille: Some(30),
            path: QualityPath::RelayTcp,
            engine: QualityEngine::Str0m,
            drops: 1,
            recovery_ms: 5_300,
            bytes_in: 9_000_000,
            bytes_out: 8_000_000,
        }
    }

    #[test]
    fn each_figure_has_its_bounds() {
        assert!(good().is_possible());
        type Spoil = fn(&mut WireQuality);
        let spoils: [Spoil; 23] = [
            |q| q.joined_at = 0,
            |q| q.joined_at = i64::MAX,
            |q| q.rang_ms = DAY_MS + 1,
            |q| q.ready_ms = Some(DAY_MS + 1),
            |q| q.connected_ms = Some(DAY_MS + 1),
            |q| q.connected_ms = None,
            |q| q.first_frame_ms = Some(DAY_MS + 1),
            |q| q.lasted_s = DAY_MS,
            |q| q.rung_s = [u32::MAX; RUNGS],
            |q| q.rung_s[0] = 20,
            |q| q.concealed_ppm = 1_000_001,
            |q| q.longest_gap_ms = u32::MAX,
            |q| q.longest_freeze_ms = u32::MAX,
            |q| q.buffer_p95_ms = Some(u32::MAX),
            |q| q.rtt_p95_ms = Some(60),
            |q| q.rtt_p95_ms = None,
            |q| q.rtt_p95_ms = Some(u32::MAX),
            |q| q.loss_p95_permille = Some(1_001),
            |q| q.loss_median_permille = Some(31),
            |q| q.path = QualityPath::None,
            |q| q.drops = u32::MAX,
            |q| q.recovery_ms = u32::MAX,
            |q| (q.bytes_in, q.bytes_out) = (u64::MAX, u64::MAX),
        ];
        for (at, spoil) in spoils.into_iter().enumerate() {
            let mut spoiled = good();
            spoil(&mut spoiled);
            assert!(!spoiled.is_possible(), "{at}: {spoiled:?}");
        }
    }

    #[test]
    fn what_is_not_a_figure_is_not_taken() {
        let mut json = serde_json::to_value(good()).expect("json");
        assert_eq!(
            serde_json::from_value::<WireQuality>(json.clone()).expect("read"),
            good()
        );
        json["note"] = "Dana's hand".into();
        assert!(serde_json::from_value::<WireQuality>(json).is_err());
    }
}
