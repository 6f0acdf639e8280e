//! Messages of the server and of the other side.

use super::{Side, Stage, VisitEffect, VisitMachine};
use hms_model::time::Timestamp;
use hms_model::wire::signal::{EndedWhy, SdpKind, ToClient, ToServer, WireTurn};

impl VisitMachine {
    pub(super) fn signal(&mut self, now: Timestamp, message: ToClient) {
        match message {
            ToClient::Ring { visit, from, task } => self.rung(now, visit, from, task),
            ToClient::Ringing { visit, connected } if visit == self.id => {
                if let Stage::RingingOut { reached, .. } = &mut self.stage {
                    *reached = connected;
                }
            }
            ToClient::Accepted { visit, turn } if visit == self.id => self.accepted(now, turn),
            ToClient::Sdp { visit, kind, sdp } if visit == self.id => self.described(kind, sdp),
            ToClient::Media { visit, media } if visit == self.id => self.heard_media(media),
            ToClient::Text { visit, number, text } if visit == self.id => self.read(now, number, text),
            ToClient::Peer { visit, connected } if visit == self.id => {
                self.peer_away = !connected;
                // Back on another network: the old paths may be dead without anybody having noticed yet.
                if let (true, Stage::Reconnecting { restart_at, .. }) = (connected, &mut self.stage) {
                    *restart_at = now;
                }
            }
            ToClient::Ended { visit, why } if visit == self.id => self.end(why),
            ToClient::Refused { what, code } if what == "call" && self.side == Side::Caller => {
                if matches!(self.stage, Stage::RingingOut { .. }) {
                    self.refused = Some(code);
                    self.end(EndedWhy::Cancelled);
                }
            }
            ToClient::Refused { what, code } if what == "accept" => {
                if self.side == Side::Called && matches!(self.stage, Stage::Connecting { .. }) {
                    self.refused = Some(code);
                    self.end(EndedWhy::Left);
                }
            }
            // A welcome, a hint to sync, or something about another visit.
            ToClient::Welcome { .. }
            | ToClient::Changed { .. }
            | ToClient::Ringing { .. }
            | ToClient::Accepted { .. }
            | ToClient::Sdp { .. }
            | ToClient::Media { .. }
            | ToClient::Text { .. }
            | ToClient::Peer { .. }
            | ToClient::Ended { .. }
            | ToClient::Refused { .. } => (),
        }
    }

    pub(super) fn rung(&mut self, now: Timestamp, visit: String, from: String, task: String) {
        if self.is_active() {
            if visit != self.id {
                self.effects
                    .push_back(VisitEffect::Send(ToServer::Decline { visit }));
            }
            return;
        }
        self.begin(Side::Called, visit, task, from);
        self.stage = Stage::RingingIn { since: now };
        self.effects.push_back(VisitEffect::Ring(true));
    }

    pub(super) fn accepted(&mut self, now: Timestamp, turn: Vec<WireTurn>) {
        match (self.side, &mut self.stage) {
            (Side::Caller, Stage::RingingOut { .. }) => {
                self.connecting(now, turn.clone());
                self.engine = true;
                self.effects.push_back(VisitEffect::StartOffer { turn });
            }
            (Side::Called, Stage::Connecting { turn: kept, .. }) => *kept = turn,
            _ => (),
        }
    }

    pub(super) fn described(&mut self, kind: SdpKind, sdp: String) {
        if !self.is_active() {
            return;
        }
        let turn = match &self.stage {
            Stage::Connecting { turn, .. } => turn.clone(),
            _ => Vec::new(),
        };
        let effect = match (kind, self.side, self.engine) {
            (SdpKind::Answer, Side::Caller, true) => VisitEffect::TakeAnswer(sdp),
            (SdpKind::Offer, Side::Called, true) => VisitEffect::TakeOffer(sdp),
            (SdpKind::Offer, Side::Called, false) => {
                self.engine = true;
                VisitEffect::StartAnswer { turn, offer: sdp }
            }
            // An answer to nobody's offer, or an offer of the side that makes none.
            (SdpKind::Answer, _, _) | (SdpKind::Offer, Side::Caller, _) => return,
        };
        self.effects.push_back(effect);
    }
}
