//! What the person does, and what becomes of sound and picture.

use super::{Side, Stage, VisitEffect, VisitMachine, RESTART_AGAIN_MS, RESTART_MS};
use crate::call::typed::Drafts;
use hms_model::time::Timestamp;
use hms_model::view::TextLineView;
use hms_model::wire::signal::{EndedWhy, SdpKind, SharpAnswer, ToServer, WireMedia, WireTurn};

impl VisitMachine {
    pub(super) fn call(&mut self, now: Timestamp, visit: String, task: String, peer: String) {
        if self.is_active() {
            return;
        }
        self.begin(Side::Caller, visit.clone(), task.clone(), peer);
        self.stage = Stage::RingingOut {
            since: now,
            reached: true,
        };
        self.effects
            .push_back(VisitEffect::Send(ToServer::Call { visit, task }));
    }

    /// A new visit; what the person chose for the microphone and camera begins anew.
    pub(super) fn begin(&mut self, side: Side, id: String, task: String, peer: String) {
        let effects = std::mem::take(&mut self.effects);
        *self = Self {
            side,
            id,
            task,
            peer,
            effects,
            ..Self::default()
        };
    }

    pub(super) fn accept(&mut self, now: Timestamp) {
        if matches!(self.stage, Stage::RingingIn { .. }) {
            self.effects.push_back(VisitEffect::Ring(false));
            self.effects.push_back(VisitEffect::Send(ToServer::Accept {
                visit: self.id.clone(),
            }));
            self.connecting(now, Vec::new());
        }
    }

    pub(super) fn connecting(&mut self, now: Timestamp, turn: Vec<WireTurn>) {
        self.phone = false;
        let restart_at = now.plus_ms(2 * RESTART_AGAIN_MS);
        self.stage = Stage::Connecting {
            since: now,
            restart_at,
            turn,
        };
    }

    pub(super) fn describe(&mut self, kind: SdpKind, sdp: String) {
        if self.is_active() {
            let visit = self.id.clone();
            self.effects
                .push_back(VisitEffect::Send(ToServer::Sdp { visit, kind, sdp }));
            if matches!(self.stage, Stage::Connecting { .. }) {
                self.tell_media();
            }
        }
    }

    pub(super) fn media_up(&mut self, now: Timestamp) {
        let began = match &self.stage {
            Stage::Connecting { .. } => now,
            Stage::Reconnecting { began, .. } => *began,
            _ => return,
        };
        self.phone = false;
        self.stage = Stage::InCall { since: began };
        self.tell_media();
    }

    pub(super) fn media_lost(&mut self, now: Timestamp) {
        if let Stage::InCall { since } = self.stage {
            self.stage = Stage::Reconnecting {
                began: since,
                lost: now,
                restart_at: now.plus_ms(RESTART_MS),
            };
        }
    }

    /// New ways are of use when both sides know them: the caller offers again at once, and the called one says that it moved.
    pub(super) fn moved(&mut self) {
        if self.side == Side::Caller {
            self.offer_again();
        } else {
            self.media.moves = self.media.moves.wrapping_add(1);
            self.tell_media();
        }
    }

    fn offer_again(&mut self) {
        let runs = matches!(self.stage, Stage::InCall { .. } | Stage::Reconnecting { .. });
        if runs && self.engine && self.side == Side::Caller {
            self.effects.push_back(VisitEffect::Restart);
        }
    }

    pub(super) fn engine_failed(&mut self, now: Timestamp) {
        self.media_lost(now);
        if self.is_active() {
            // Nothing can be carried without an engine; the telephone can.
            self.phone = true;
        }
    }

    pub(super) fn write(&mut self, now: Timestamp, text: String) {
        if self.is_active() && !text.trim().is_empty() {
            let visit = self.id.clone();
            self.texts.push(TextLineView {
                mine: true,
                arrived: false,
                text: text.clone(),
                at: now.as_f64(),
            });
            let number = self.next_line() - 1;
            self.effects
                .push_back(VisitEffect::Send(ToServer::Text { visit, number, text }));
            self.typing(String::new());
        }
    }

    /// The number that this side's next line will have.
    fn next_line(&self) -> u32 {
        let written = self.texts.iter().filter(|line| line.mine).count();
        u32::try_from(written).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Words before they are sent: they go to the other side's screen, and become a line only when the person sends them.
    pub(super) fn typing(&mut self, text: String) {
        if self.is_active() {
            let line = self.next_line();
            self.effects.push_back(VisitEffect::ShowTyping { line, text });
        }
    }

    /// A line of the other side. One that is sent again, because nobody knew that it was here, is shown once.
    pub(super) fn read(&mut self, now: Timestamp, number: u32, text: String) {
        if !self.is_active() || (number > 0 && number <= self.media.texts_shown) {
            return;
        }
        self.texts.push(TextLineView {
            mine: false,
            arrived: true,
            text,
            at: now.as_f64(),
        });
        if number > 0 {
            self.media.texts_shown = number;
            self.tell_media();
        }
    }

    pub(super) fn call_me(&mut self) {
        if self.is_active() {
            self.media.call_me = true;
            self.tell_media();
        }
    }

    pub(super) fn tell_media(&mut self) {
        if matches!(
            self.stage,
            Stage::Connecting { .. } | Stage::InCall { .. } | Stage::Reconnecting { .. }
        ) {
            self.effects.push_back(VisitEffect::Send(ToServer::Media {
                visit: self.id.clone(),
                media: self.media,
            }));
        }
    }

    /// Whether a picture of this side goes out: the camera is on, and nobody of the two wants sound alone.
    #[must_use]
    pub fn shows_picture(&self) -> bool {
        self.media.camera && !self.media.sound_only && !self.peer_media.sound_only
    }

    pub(super) fn show_or_not(&mut self) {
        let shows = self.shows_picture();
        self.effects.push_back(VisitEffect::SetCamera(shows));
    }

    pub(super) fn sound_only(&mut self, only: bool) {
        if !self.is_active() {
            return;
        }
        if self.media.sound_only && !only {
            // Who asks for the picture wants to see whether it comes.
            return self.try_picture();
        }
        self.media.sound_only = only;
        self.show_or_not();
        self.tell_media();
    }

    /// Both pictures are tried: this side's at once, the other's when it hears of it.
    pub(super) fn try_picture(&mut self) {
        if self.is_active() {
            self.media.sound_only = false;
            self.media.tries = self.media.tries.wrapping_add(1);
            self.show_or_not();
            self.effects.push_back(VisitEffect::TryPicture);
            self.tell_media();
        }
    }

    /// The number of the other side's wish for a sharp picture, while it waits for an answer.
    #[must_use]
    pub fn wants_sharp(&self) -> Option<u32> {
        let asked = self.peer_media.sharp_asked;
        (self.is_active() && asked != self.media.sharp_answered).then_some(asked)
    }

    /// One wish at a time: who waits for an answer has asked already.
    pub(super) fn ask_sharp(&mut self) {
        if self.is_active() && self.media.sharp_asked == self.peer_media.sharp_answered {
            self.media.sharp_asked = self.media.sharp_asked.wrapping_add(1);
            self.tell_media();
        }
    }

    pub(super) fn answer_sharp(&mut self, answer: SharpAnswer) {
        if let Some(number) = self.wants_sharp() {
            self.media.sharp_answered = number;
            self.media.sharp_answer = Some(answer);
            self.tell_media();
        }
    }

    /// What the other side sends and wishes.
    pub(super) fn heard_media(&mut self, media: WireMedia) {
        let before = std::mem::replace(&mut self.peer_media, media);
        if before.sound_only != media.sound_only {
            self.show_or_not();
        }
        if before.moves != media.moves {
            self.offer_again();
        }
        if before.tries != media.tries {
            self.effects.push_back(VisitEffect::TryPicture);
        }
    }

    pub(super) fn decline(&mut self) {
        if matches!(self.stage, Stage::RingingIn { .. }) {
            self.effects.push_back(VisitEffect::Send(ToServer::Decline {
                visit: self.id.clone(),
            }));
            self.end(EndedWhy::Declined);
        }
    }

    pub(super) fn leave(&mut self) {
        let visit = self.id.clone();
        match &self.stage {
            Stage::None | Stage::Ended { .. } => (),
            Stage::RingingIn { .. } => self.decline(),
            Stage::RingingOut { .. } => {
                self.effects
                    .push_back(VisitEffect::Send(ToServer::Decline { visit }));
                self.end(EndedWhy::Cancelled);
            }
            Stage::Connecting { .. } | Stage::InCall { .. } | Stage::Reconnecting { .. } => {
                self.effects
                    .push_back(VisitEffect::Send(ToServer::Leave { visit, lost: false }));
                self.end(EndedWhy::Left);
            }
        }
    }

    pub(super) fn end(&mut self, why: EndedWhy) {
        if !self.is_active() {
            return;
        }
        if matches!(self.stage, Stage::RingingIn { .. }) {
            self.effects.push_back(VisitEffect::Ring(false));
        }
        if std::mem::take(&mut self.engine) {
            self.effects.push_back(VisitEffect::StopEngine);
        }
        self.peer_away = false;
        self.drafts = Drafts::default();
        self.stage = Stage::Ended { why };
    }
}
