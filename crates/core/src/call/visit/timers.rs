//! Waits that end by themselves: the telephone, new paths, and giving up.

use super::{Side, Stage, VisitEffect, VisitMachine, LOST_MS, NO_ANSWER_MS, PHONE_MS, RESTART_AGAIN_MS};
use hms_model::time::Timestamp;
use hms_model::wire::signal::{EndedWhy, ToServer};
use std::collections::VecDeque;

impl VisitMachine {
    /// When [`VisitInput::Timer`] is wanted.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let phone = |since: Timestamp| (!self.phone).then(|| since.plus_ms(PHONE_MS));
        let caller = |at: Timestamp| (self.side == Side::Caller).then_some(at);
        match &self.stage {
            Stage::None | Stage::Ended { .. } | Stage::InCall { .. } => None,
            Stage::RingingOut { since, .. } | Stage::RingingIn { since } => phone(*since)
                .into_iter()
                .chain([since.plus_ms(NO_ANSWER_MS)])
                .min(),
            Stage::Connecting {
                since, restart_at, ..
            } => {
                let times = [phone(*since), caller(*restart_at), Some(since.plus_ms(LOST_MS))];
                times.into_iter().flatten().min()
            }
            Stage::Reconnecting { lost, restart_at, .. } => {
                let times = [phone(*lost), caller(*restart_at), Some(lost.plus_ms(LOST_MS))];
                times.into_iter().flatten().min()
            }
        }
    }

    pub(super) fn timers(&mut self, now: Timestamp) {
        let offer = self.side == Side::Caller && self.engine;
        let mut over = None;
        match &mut self.stage {
            Stage::None | Stage::Ended { .. } | Stage::InCall { .. } => (),
            Stage::RingingOut { since, .. } | Stage::RingingIn { since } => {
                let waited = now.since_ms(*since);
                self.phone |= waited >= PHONE_MS;
                over = (waited >= NO_ANSWER_MS).then_some(EndedWhy::NoAnswer);
            }
            Stage::Connecting {
                since, restart_at, ..
            } => {
                let waited = now.since_ms(*since);
                self.phone |= waited >= PHONE_MS;
                over = (waited >= LOST_MS).then_some(EndedWhy::Lost);
                restart(&mut self.effects, restart_at, now, offer);
            }
            Stage::Reconnecting { lost, restart_at, .. } => {
                let waited = now.since_ms(*lost);
                self.phone |= waited >= PHONE_MS;
                over = (waited >= LOST_MS).then_some(EndedWhy::Lost);
                restart(&mut self.effects, restart_at, now, offer);
            }
        }
        if let Some(why) = over {
            let visit = self.id.clone();
            let message = match why {
                EndedWhy::Lost => ToServer::Leave { visit, lost: true },
                _ => ToServer::Decline { visit },
            };
            // The server ends an unanswered call itself, and makes the call-back; only a caller says so once more.
            if self.side == Side::Caller || why == EndedWhy::Lost {
                self.effects.push_back(VisitEffect::Send(message));
            }
            self.end(why);
        }
    }
}

fn restart(effects: &mut VecDeque<VisitEffect>, restart_at: &mut Timestamp, now: Timestamp, offer: bool) {
    if now >= *restart_at {
        *restart_at = now.plus_ms(RESTART_AGAIN_MS);
        if offer {
            effects.push_back(VisitEffect::Restart);
        }
    }
}
