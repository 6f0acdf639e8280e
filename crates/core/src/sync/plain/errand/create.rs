//! A record that is to be made: once, whichever answers get lost.

use super::super::abilities::{Abilities, Ability};
use super::super::answer::Reply;
use super::super::fidelity::same_meaning;
use super::super::names::{is_marked, Names};
use super::{Errand, State};
use hms_model::time::Timestamp;
use serde_json::Value;

impl Errand {
    pub(super) fn looked(&mut self, reply: &Reply, abilities: &Abilities, names: &Names) -> State {
        match (reply.status, reply.record(&self.kind)) {
            (200..=299, Some(there)) => self.meets(there, 409, names),
            // It arrived once, and somebody deleted it there since.
            (410, _) => self.refused(reply),
            (404, _) if names.given(&self.op.id).is_some() => self.ended(410, None),
            (404, _) if abilities.update_creates == Ability::No || self.put_refused => State::Post,
            (404, _) => State::Put,
            _ => self.unreadable(reply),
        }
    }

    pub(super) fn put(&mut self, reply: &Reply, abilities: &mut Abilities) -> State {
        match reply.status {
            200..=299 => {
                Abilities::learn(&mut abilities.update_creates, true);
                self.take_write(reply);
                if abilities.if_none_match == Ability::Unknown {
                    State::ProveNoneMatch
                } else {
                    self.done_or_read()
                }
            }
            // There already: from an earlier try whose answer was lost, most often (P2).
            304 | 409 | 412 => State::Compare(409),
            400 | 403 | 404 | 405 | 422 | 501 if abilities.update_creates != Ability::Yes => {
                self.put_refused = true;
                State::Post
            }
            _ => self.refused(reply),
        }
    }

    pub(super) fn proved_none_match(&mut self, reply: &Reply, abilities: &mut Abilities) -> State {
        match reply.status {
            304 | 409 | 412 => Abilities::learn(&mut abilities.if_none_match, true),
            200..=299 => {
                Abilities::learn(&mut abilities.if_none_match, false);
                self.take_write(reply);
            }
            _ => (),
        }
        self.done_or_read()
    }

    pub(super) fn posted(&mut self, reply: &Reply, abilities: &mut Abilities) -> State {
        match reply.status {
            200..=299 => {
                if self.put_refused {
                    Abilities::learn(&mut abilities.update_creates, false);
                }
                self.take_write(reply);
                match reply.id(&self.kind) {
                    Some(id) => self.there = format!("{}/{id}", self.kind),
                    // Which one it is says the mark.
                    None => return State::Find,
                }
                if abilities.if_none_exist == Ability::Unknown && reply.status == 201 {
                    State::ProveNoneExist
                } else {
                    State::Find
                }
            }
            304 | 409 | 412 => State::Find,
            _ => self.refused(reply),
        }
    }

    pub(super) fn proved_none_exist(&mut self, reply: &Reply, abilities: &mut Abilities) -> State {
        let again = reply.id(&self.kind).map(|id| format!("{}/{id}", self.kind));
        match (reply.status, again) {
            (304 | 409 | 412, _) => Abilities::learn(&mut abilities.if_none_exist, true),
            (200..=299, Some(again)) => {
                let same = again == self.there;
                Abilities::learn(&mut abilities.if_none_exist, same);
            }
            _ => (),
        }
        State::Find
    }

    pub(super) fn found(&mut self, reply: &Reply, names: &Names) -> State {
        let Some(bundle) = reply.record("Bundle").filter(|_| reply.is_ok()) else {
            // No searching here: what the create itself said is all there is.
            return match self.version {
                Some(_) => self.done(),
                None if reply.status == 404 => State::Post,
                None => self.unreadable(reply),
            };
        };
        let entries = bundle.get("entry").and_then(Value::as_array);
        let records = entries.into_iter().flatten().filter_map(|it| it.get("resource"));
        // A server that does not know the parameter gives everything: only what carries the mark counts.
        let mut found: Vec<&Value> = records.filter(|it| is_marked(it, &self.op.id)).collect();
        let Some(sent) = self.body(names, true) else {
            return self.done();
        };
        // One that somebody has worked on stays before untouched copies; among those, the oldest.
        found.sort_by_key(|it| {
            let changed = same_meaning(&sent, it);
            let at = it.get("meta").and_then(|meta| meta.get("lastUpdated")?.as_str());
            let at = at.and_then(Timestamp::parse);
            (
                changed,
                at,
                it.get("id").and_then(Value::as_str).map(str::to_owned),
            )
        });
        let Some((first, others)) = found.split_first() else {
            return match self.version {
                // Made, and the search is behind.
                Some(_) => self.done(),
                None => State::Post,
            };
        };
        let copies: Vec<String> = others
            .iter()
            .filter(|it| same_meaning(&sent, it))
            .filter_map(|it| Some(format!("{}/{}", self.kind, it.get("id")?.as_str()?)))
            .collect();
        let state = self.meets(first, 409, names);
        if let Some(id) = first.get("id").and_then(Value::as_str) {
            self.there = format!("{}/{id}", self.kind);
        }
        match self.named(state) {
            State::Ended(outcome) if !copies.is_empty() => State::Drop(copies, outcome),
            state => state,
        }
    }

    /// Also of a record that is not as it was sent, this device must know what it is called there.
    pub(super) fn named(&self, state: State) -> State {
        match state {
            State::Ended(mut outcome) => {
                outcome.given = Some(self.there.clone());
                State::Ended(outcome)
            }
            other => other,
        }
    }
}

/// Which way a record is made there, as far as is known of the server.
pub(super) fn create_way(abilities: &Abilities) -> State {
    match (
        abilities.if_none_match,
        abilities.if_none_exist,
        abilities.update_creates,
    ) {
        (Ability::Yes, _, _) => State::Put,
        (Ability::Unknown, _, Ability::Unknown | Ability::Yes) => State::Look,
        // No guard on PUT: a create that is known again by its mark, where there is that.
        (_, Ability::Unknown | Ability::Yes, _) => State::Post,
        (_, Ability::No, Ability::Yes) => State::Look,
        (_, Ability::No, Ability::Unknown | Ability::No) => State::Find,
    }
}
