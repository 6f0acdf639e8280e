//! How the hub takes a visit from the call to its end.

use super::hub::{Effect, Hub, VisitEvent};
use super::visit::{Party, Side, Visit, VisitState, RING_MS};
use hms_model::ids::{TaskId, VisitId};
use hms_model::time::Timestamp;
use hms_model::wire::signal::{EndedWhy, ToClient};

/// The longest SDP that is passed on; complete ones with both media and a relay are about 6 kB.
const SDP_AT_MOST: usize = 64 * 1024;
/// The longest text in a call.
const TEXT_AT_MOST: usize = 4 * 1024;

impl Hub {
    pub(super) fn call(&mut self, session: &str, party: &Party, visit: String, task: String) {
        if VisitId::parse(&visit).is_err() || TaskId::parse(&task).is_err() {
            return self.refuse(session, "call", "bad_message");
        }
        if let Some(known) = self.visits.get(&visit) {
            // A call that was repeated by another connection is the same call.
            if known.caller.party != *party || known.task != task {
                self.refuse(session, "call", "not_yours");
            }
            return;
        }
        if self
            .visits
            .values()
            .any(|v| v.caller.party.user == party.user || v.holds(party))
        {
            return self.refuse(session, "call", "already_in_a_call");
        }
        let caller = Side {
            party: party.clone(),
            away_since: None,
        };
        self.visits.insert(
            visit.clone(),
            Visit {
                task: task.clone(),
                caller,
                state: VisitState::Preparing,
            },
        );
        self.effects.push_back(Effect::Prepare {
            visit,
            task,
            caller: party.clone(),
        });
    }

    pub(super) fn call_refused(&mut self, visit: &str, code: &'static str) {
        if let Some(ended) = self.visits.remove(visit) {
            let message = ToClient::Refused {
                what: "call".into(),
                code: code.into(),
            };
            self.send_to(&ended.caller.party, message);
        }
    }

    pub(super) fn call_ready(&mut self, now: Timestamp, id: &str, callee: Option<String>, from: String) {
        // The caller may have given up while the Encounter was made.
        let Some(visit) = self.visits.get(id).filter(|v| v.state == VisitState::Preparing) else {
            self.record(id, VisitEvent::Ended(EndedWhy::Cancelled));
            return;
        };
        let caller = visit.caller.party.clone();
        let task = visit.task.clone();
        let callee = callee.unwrap_or_default();
        let busy = self
            .visits
            .values()
            .any(|v| v.callee() == Some(callee.as_str()) && !callee.is_empty());
        if busy {
            self.record(id, VisitEvent::Ended(EndedWhy::Cancelled));
            return self.call_refused(id, "already_in_a_call");
        }
        let reached = self.is_connected(&callee);
        let until = now.plus_ms(RING_MS);
        let state = VisitState::Ringing {
            callee: callee.clone(),
            from: from.clone(),
            until,
            reached,
        };
        if let Some(visit) = self.visits.get_mut(id) {
            visit.state = state;
        }
        self.send_to(
            &caller,
            ToClient::Ringing {
                visit: id.to_owned(),
                connected: reached,
            },
        );
        if reached {
            self.send_to_user(
                &callee,
                &ToClient::Ring {
                    visit: id.to_owned(),
                    from,
                    task,
                },
            );
        } else {
            self.record(id, VisitEvent::Unreachable);
        }
    }

    /// Rings a device that connects while its owner is being called.
    pub(super) fn ring_newcomer(&mut self, session: &str, party: &Party) {
        let mut ringing = Vec::new();
        for (id, visit) in &mut self.visits {
            let VisitState::Ringing {
                callee,
                from,
                reached,
                ..
            } = &mut visit.state
            else {
                continue;
            };
            if *callee == party.user {
                let first = !std::mem::replace(reached, true);
                let ring = ToClient::Ring {
                    visit: id.clone(),
                    from: from.clone(),
                    task: visit.task.clone(),
                };
                ringing.push((id.clone(), visit.caller.party.clone(), first, ring));
            }
        }
        for (id, caller, first, ring) in ringing {
            self.send(session, ring);
            if first {
                self.send_to(
                    &caller,
                    ToClient::Ringing {
                        visit: id,
                        connected: true,
                    },
                );
            }
        }
    }

    pub(super) fn accept(&mut self, now: Timestamp, session: &str, party: &Party, id: &str) {
        let Some(visit) = self.visits.get_mut(id) else {
            return self.refuse(session, "accept", "unknown_visit");
        };
        match &visit.state {
            VisitState::Ringing { callee, .. } if *callee == party.user => {}
            VisitState::Active { callee } if callee.party.user == party.user => {
                // The same device again needs no second answer; another device came too late.
                if callee.party != *party {
                    self.refuse(session, "accept", "already_in_a_call");
                }
                return;
            }
            VisitState::Preparing | VisitState::Ringing { .. } | VisitState::Active { .. } => {
                return self.refuse(session, "accept", "not_yours");
            }
        }
        let caller = visit.caller.party.clone();
        visit.state = VisitState::Active {
            callee: Side {
                party: party.clone(),
                away_since: None,
            },
        };
        self.record(id, VisitEvent::Accepted);
        for side in [&caller, party] {
            let turn = self.issue(&side.user, id, now);
            self.send_to(
                side,
                ToClient::Accepted {
                    visit: id.to_owned(),
                    turn,
                },
            );
        }
        let others: Vec<Party> = self
            .sessions
            .values()
            .map(|s| &s.party)
            .filter(|p| p.user == party.user && *p != party)
            .cloned()
            .collect();
        for other in others {
            // Their owner answered elsewhere: stop ringing, without a missed-call notice.
            self.send_to(
                &other,
                ToClient::Ended {
                    visit: id.to_owned(),
                    why: EndedWhy::Left,
                },
            );
        }
        self.note_absent_caller(now, id, &caller);
    }

    /// A caller who is away at the moment of the answer is shown as away to the one who answered.
    fn note_absent_caller(&mut self, now: Timestamp, id: &str, caller: &Party) {
        let here = self.sessions.values().any(|s| s.connected && s.party == *caller);
        let Some(visit) = self.visits.get_mut(id) else {
            return;
        };
        if !here && visit.set_away(caller, Some(now)) {
            if let Some(other) = visit.other(caller).cloned() {
                self.send_to(
                    &other,
                    ToClient::Peer {
                        visit: id.to_owned(),
                        connected: false,
                    },
                );
            }
        }
    }

    pub(super) fn decline(&mut self, session: &str, party: &Party, id: &str) {
        let Some(visit) = self.visits.get(id) else {
            return self.refuse(session, "decline", "unknown_visit");
        };
        let why = match &visit.state {
            VisitState::Preparing | VisitState::Ringing { .. } if visit.caller.party == *party => {
                EndedWhy::Cancelled
            }
            VisitState::Ringing { callee, .. } if *callee == party.user => EndedWhy::Declined,
            VisitState::Active { .. } if visit.holds(party) => EndedWhy::Left,
            VisitState::Preparing | VisitState::Ringing { .. } | VisitState::Active { .. } => {
                return self.refuse(session, "decline", "not_yours");
            }
        };
        self.end(id, why);
    }

    pub(super) fn leave(&mut self, session: &str, party: &Party, id: &str, lost: bool) {
        match self.visits.get(id) {
            None => self.refuse(session, "leave", "unknown_visit"),
            Some(visit) if visit.holds(party) => {
                let why = match (&visit.state, lost) {
                    (VisitState::Active { .. }, true) => EndedWhy::Lost,
                    (VisitState::Active { .. }, false) => EndedWhy::Left,
                    (VisitState::Preparing | VisitState::Ringing { .. }, _) => EndedWhy::Cancelled,
                };
                self.end(id, why);
            }
            Some(_) => self.refuse(session, "leave", "not_yours"),
        }
    }

    pub(super) fn relay(&mut self, session: &str, party: &Party, id: &str, what: &str, message: ToClient) {
        let Some(visit) = self.visits.get(id) else {
            return self.refuse(session, what, "unknown_visit");
        };
        let Some(other) = visit.other(party).cloned() else {
            return self.refuse(session, what, "not_yours");
        };
        let too_long = match &message {
            ToClient::Sdp { sdp, .. } => sdp.len() > SDP_AT_MOST,
            ToClient::Text { text, .. } => text.len() > TEXT_AT_MOST || text.is_empty(),
            _ => false,
        };
        if too_long {
            return self.refuse(session, what, "bad_message");
        }
        self.send_to(&other, message);
    }

    fn end(&mut self, id: &str, why: EndedWhy) {
        let Some(visit) = self.visits.remove(id) else {
            return;
        };
        let message = ToClient::Ended {
            visit: id.to_owned(),
            why,
        };
        self.send_to(&visit.caller.party, message.clone());
        match &visit.state {
            // Its Encounter may just be in the making; the answer to that finds no visit and cancels it.
            VisitState::Preparing => return,
            VisitState::Ringing { callee, .. } => self.send_to_user(&callee.clone(), &message),
            VisitState::Active { callee } => self.send_to(&callee.party.clone(), message),
        }
        self.record(id, VisitEvent::Ended(why));
    }

    /// Tells the other side of a visit that this one's connection is lost or back.
    pub(super) fn presence_of_visits(&mut self, now: Timestamp, party: &Party, connected: bool) {
        let away = (!connected).then_some(now);
        let told: Vec<(String, Party)> = self
            .visits
            .iter_mut()
            .filter_map(|(id, visit)| visit.set_away(party, away).then_some((id, visit)))
            .filter_map(|(id, visit)| Some((id.clone(), visit.other(party)?.clone())))
            .collect();
        for (visit, other) in told {
            self.send_to(&other, ToClient::Peer { visit, connected });
        }
    }

    pub(super) fn tick_visits(&mut self, now: Timestamp) {
        let due: Vec<String> = self
            .visits
            .iter()
            .filter(|(_, v)| v.deadline().is_some_and(|at| at <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let ringing = matches!(
                self.visits.get(&id).map(|v| &v.state),
                Some(VisitState::Ringing { .. })
            );
            self.end(
                &id,
                if ringing {
                    EndedWhy::NoAnswer
                } else {
                    EndedWhy::Lost
                },
            );
        }
    }

    fn record(&mut self, visit: &str, event: VisitEvent) {
        self.effects.push_back(Effect::Record {
            visit: visit.to_owned(),
            event,
        });
    }

    fn refuse(&mut self, session: &str, what: &str, code: &str) {
        self.send(
            session,
            ToClient::Refused {
                what: what.to_owned(),
                code: code.to_owned(),
            },
        );
    }
}

#[cfg(test)]
mod tests;
