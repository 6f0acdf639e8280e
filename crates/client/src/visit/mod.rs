//! The call: the state machine of the visit, the engine that carries sound and picture, and the window's view.

mod engine;
mod figures;
mod media;
mod note;
mod record;
mod sharp;

use std::sync::Arc;

use hms_core::call::visit::VisitMachine;
use hms_media::{Call, CallStats, PathKind, RelayProtocol};
use hms_model::view::{VisitCode, VisitView};
use hms_model::wire::signal::ToServer;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

pub(crate) use media::CallOptions;
pub(crate) use sharp::SharpFile;

/// The call of this profile.
#[derive(Default)]
pub(crate) struct Visit {
    pub(crate) machine: VisitMachine,
    /// The running engine, once it has started.
    pub(crate) call: Option<Arc<Call>>,
    /// Counts engines, so that news of an earlier one is not taken for this one's.
    pub(crate) engine_number: u64,
    /// Work that belongs to the running engine.
    pub(crate) tasks: Vec<AbortHandle>,
    pub(crate) stats: Option<CallStats>,
    pub(crate) last_frame: Option<u32>,
    /// The code of the running engine's transport.
    pub(crate) code: VisitCode,
    /// How the visit goes, for the server to be told afterwards.
    pub(crate) counted: record::Counted,
    /// The newest sharp picture of the far side, in memory alone and for as long as the call lasts.
    pub(crate) sharp: Option<SharpFile>,
    /// The wish for a sharp picture that is being answered.
    pub(crate) giving: Option<u32>,
    /// Spoken notes that are not in the store yet: the report, and the file.
    pub(crate) spoken: Vec<(String, Vec<u8>)>,
    /// Those of this visit that are.
    pub(crate) notes_kept: u32,
    /// Number to call instead.
    pub(crate) phone: Option<String>,
    /// The signalling task, while the app is open.
    pub(crate) signal: Option<mpsc::Sender<ToServer>>,
    pub(crate) signal_live: bool,
    pub(crate) was_active: bool,
}

impl Visit {
    /// The call as this window sees it.
    pub(crate) fn view(&self) -> VisitView {
        let mut view = self.machine.view();
        if self.machine.offers_phone() {
            view.phone = self.phone.clone();
        }
        if let Some(call) = &self.call {
            view.code = self.code.clone();
            view.live_text = call.shows_typing();
            view.note_seconds = call
                .note_seconds()
                .map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
        }
        view.notes_kept = self.notes_kept;
        view.sharp_id = self.sharp.as_ref().map(|file| file.id.clone());
        if let Some(stats) = self.stats.as_ref().filter(|_| self.call.is_some()) {
            view.sharp_percent = stats.sharp_percent;
            view.rtt_ms = stats.rtt_ms.map(whole);
            view.loss_permille = Some(whole(stats.loss * 1000.0));
            view.frames = u32::try_from(stats.frames_decoded).unwrap_or(u32::MAX);
            view.frame_numbers = u32::try_from(stats.distinct_remote_frames).unwrap_or(u32::MAX);
            view.last_frame = self.last_frame;
            view.path = stats.path.map(|path| match path {
                PathKind::Direct => "host".to_owned(),
                PathKind::Relay => "relay".to_owned(),
            });
            view.relay_protocol = stats.relay.map(|relay| match relay {
                RelayProtocol::Udp => "udp".to_owned(),
                RelayProtocol::Tcp => "tcp".to_owned(),
                RelayProtocol::Tls => "tls".to_owned(),
            });
            if view.quality != "reconnecting" {
                let alone = view.sound_only || view.peer_sound_only;
                view.quality = media::quality_word(stats, alone).to_owned();
            }
        }
        view
    }
}

impl crate::engine::Engine {
    /// Counts what the call has sent and received since its last figures.
    pub(crate) fn meter_call(&self, now: &CallStats) {
        let before = self.visit.stats.as_ref();
        let (sent, received) = before.map_or((0, 0), |stats| (stats.bytes_out, stats.bytes_in));
        self.shared.http.meter().add(
            hms_model::view::DataKind::Calls,
            now.bytes_out.saturating_sub(sent),
            now.bytes_in.saturating_sub(received),
        );
    }
}

/// A non-negative figure without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits"
)]
fn whole(figure: f64) -> u32 {
    figure.round().clamp(0.0, f64::from(u32::MAX)) as u32
}
