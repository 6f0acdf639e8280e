//! What the window shows of the visit.

use super::{Stage, VisitMachine};
use hms_model::time::Timestamp;
use hms_model::view::{TextLineView, VisitCode, VisitState, VisitView};

impl VisitMachine {
    /// What the window shows. Figures of the engine are left empty for the client to fill in; so is `phone`'s
    /// number: it is to be shown where [`VisitMachine::offers_phone`].
    #[must_use]
    pub fn view(&self) -> VisitView {
        let (state, since) = match &self.stage {
            Stage::None => (VisitState::None, None),
            Stage::RingingOut { since, reached: true } => (VisitState::RingingOut, Some(*since)),
            Stage::RingingOut {
                since,
                reached: false,
            } => (VisitState::NotConnected, Some(*since)),
            Stage::RingingIn { since } => (VisitState::RingingIn, Some(*since)),
            Stage::Connecting { since, .. } => (VisitState::Connecting, Some(*since)),
            Stage::InCall { since } => (VisitState::InCall, Some(*since)),
            Stage::Reconnecting { began, .. } => (VisitState::Reconnecting, Some(*began)),
            Stage::Ended { .. } => (VisitState::Ended, None),
        };
        let shown = self.stage != Stage::None;
        VisitView {
            state,
            id: shown.then(|| self.id.clone()),
            task: shown.then(|| self.task.clone()),
            peer: shown.then(|| self.peer.clone()),
            ended: match &self.stage {
                Stage::Ended { why } => Some(*why),
                _ => None,
            },
            muted: self.media.muted,
            camera: self.media.camera,
            synthetic: self.media.synthetic,
            sound_only: self.media.sound_only,
            peer_muted: self.peer_media.muted,
            peer_camera: self.peer_media.camera,
            peer_synthetic: self.peer_media.synthetic,
            peer_sound_only: self.peer_media.sound_only,
            peer_away: self.peer_away,
            since: since.map(Timestamp::as_f64),
            rtt_ms: None,
            loss_permille: None,
            frames: 0,
            frame_numbers: 0,
            last_frame: None,
            path: None,
            relay_protocol: None,
            quality: match state {
                VisitState::Reconnecting => "reconnecting".to_owned(),
                _ => "good".to_owned(),
            },
            sharp_asked: self.media.sharp_asked != self.peer_media.sharp_answered,
            sharp_answer: self
                .peer_media
                .sharp_answer
                .filter(|_| self.media.sharp_asked == self.peer_media.sharp_answered),
            sharp_percent: None,
            sharp_id: None,
            sharp_wanted: self.wants_sharp().is_some(),
            sharp_given: self.media.sharp_answer.filter(|_| self.wants_sharp().is_none()),
            call_me: self.media.call_me,
            peer_call_me: self.peer_media.call_me,
            code: VisitCode::default(),
            texts: self.lines(),
            peer_typing: self.drafts.after(self.media.texts_shown),
            live_text: false,
            note_seconds: None,
            notes_kept: 0,
            phone: None,
        }
    }

    /// The typed lines; those of this side with whether the other one shows them.
    fn lines(&self) -> Vec<TextLineView> {
        let mut mine = 0;
        let lines = self.texts.iter().cloned().map(|mut line| {
            if line.mine {
                mine += 1;
                line.arrived = mine <= self.peer_media.texts_shown;
            }
            line
        });
        lines.collect()
    }

    /// True where the telephone is to be offered: 30 s without an answer, or without sound and picture.
    #[must_use]
    pub fn offers_phone(&self) -> bool {
        let not_connected = matches!(self.stage, Stage::RingingOut { reached: false, .. });
        self.is_active() && (self.phone || not_connected)
    }
}
