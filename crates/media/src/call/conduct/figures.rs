//! What a running call tells of itself.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::PoisonError;
use std::time::Instant;

use super::Conductor;
use crate::call::report::{PathKind, RelayProtocol};
use crate::rate::Estimator;

impl Conductor {
    /// Renews the figures. The path's kind is the driver's to say.
    pub(in crate::call) fn publish(&self, now: Instant) {
        let counters = &self.shared.counters;
        let heard = *counters.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |from: Instant, to: Instant| to.saturating_duration_since(from).as_millis() as u64;
        let connected_ms = self.connected_at.map(|at| since(self.began, at));
        let first_frame = counters.first_frame_ms.load(Relaxed);
        self.shared.stats.send_modify(|stats| {
            stats.connected_ms = connected_ms;
            stats.first_frame_ms = connected_ms
                .filter(|_| first_frame > 0)
                .map(|connected| first_frame.saturating_sub(connected));
            stats.connected = self.path_works;
            stats.rtt_ms = self.figures.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0);
            stats.loss = f64::from(self.loss);
            stats.estimate_bps = self.estimator.as_ref().map(Estimator::bps);
            stats.frames_decoded = counters.frames_decoded.load(Relaxed);
            stats.distinct_remote_frames = counters.distinct_frames.load(Relaxed);
            stats.frames_sent = counters.frames_sent.load(Relaxed);
            stats.longest_freeze_ms = counters.longest_freeze_ms.load(Relaxed);
            stats.sharp_percent = self.beside.sharp_percent();
            stats.stills = counters.stills.load(Relaxed);
            stats.audio_packets = heard.packets;
            stats.audio_concealed_ppm = (heard.concealed * 1_000_000)
                .checked_div(heard.samples)
                .unwrap_or(0);
            stats.longest_gap_ms = heard.longest_gap / 48;
            stats.audio_recovered_samples = heard.restored;
            stats.audio_samples = heard.samples;
            stats.jitter_buffer_ms = heard.delay_ms;
            stats.bytes_in = self.figures.bytes_in;
            stats.bytes_out = self.figures.bytes_out;
            stats.busy_permille = counters.busy_permille();
            stats.rung = Some(self.shared.controls.rung());
            stats.muted = self.shared.controls.muted.load(Relaxed);
            stats.camera_on = self.shared.controls.camera_on.load(Relaxed);
            stats.uptime_ms = since(self.began, now);
        });
    }

    /// Says which kind of path is in use: `relay` where it runs through one.
    pub(in crate::call) fn publish_path(&self, relay: Option<RelayProtocol>) {
        let path = self.figures.local.map(|_| match relay {
            Some(_) => PathKind::Relay,
            None => PathKind::Direct,
        });
        self.shared.stats.send_modify(|stats| {
            stats.path = path;
            stats.relay = relay;
        });
    }
}
