//! One queued change on its way to a plain server: what to ask next, and what became of it.
//!
//! What a server does with conditions is found out with the first of our own records, by asking for the same again: a
//! server that heeds them refuses, and one that does not stores the same words once more.

mod create;
mod update;

use super::abilities::{Abilities, Ability};
use super::answer::{weak, Ask, Method, Reply};
use super::fidelity::{arrived, same_meaning};
use super::names::{search_of, version_of, Names};
use create::create_way;
use hms_model::wire::sync::{WireOp, WireReceipt, WireResult};
use serde_json::Value;

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The result as the outbox takes it.
    pub result: WireResult,
    /// What the server calls a record that was made now; also where that is the name it has here.
    pub given: Option<String>,
    /// The record as the server wrote it, where it has what was sent; in the server's words.
    pub written: Option<Value>,
    /// What stands there instead, where the change was not taken because of it: the record in the server's words.
    pub instead: Option<Value>,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    /// Is it there already?
    Look,
    Put,
    /// The same create again: is it refused?
    ProveNoneMatch,
    Post,
    ProveNoneExist,
    /// Everything that carries the mark: two creates at the same moment may have made two (P3).
    Find,
    /// Copies that nobody has touched since, and what became of the one that stays.
    Drop(Vec<String>, Box<Outcome>),
    /// Does the version still stand that the change was made on?
    Read,
    Write,
    /// The same update again, of a version that has passed: is it refused?
    ProveMatch,
    /// Refused for its version: what stands there?
    Compare(u16),
    /// Was anybody else's version between ours and the one it was made on (S2)?
    After,
    AfterRead,
    ReadToDelete,
    Delete,
    Ended(Box<Outcome>),
}

/// A change under way.
#[derive(Debug, Clone)]
pub struct Errand {
    op: WireOp,
    kind: String,
    /// `Type/id` at the server.
    there: String,
    state: State,
    /// A PUT was not taken; whether the server makes no records so, or this one is bad, the POST shows.
    put_refused: bool,
    written: Option<Value>,
    version: Option<String>,
    /// The versions that should stand before ours, newest first.
    before: Vec<String>,
}

impl Errand {
    /// A change of the outbox.
    #[must_use]
    pub fn new(op: WireOp, abilities: &Abilities, names: &Names) -> Self {
        let kind = op.id.split('/').next().unwrap_or_default().to_owned();
        let there = names.there(&op.id).to_owned();
        let state = match (&op.resource, &op.base) {
            (None, _) => State::ReadToDelete,
            (Some(_), Some(_)) if abilities.if_match == Ability::Yes => State::Write,
            (Some(_), Some(_)) => State::Read,
            (Some(_), None) if names.given(&op.id).is_some() => State::Look,
            (Some(_), None) => create_way(abilities),
        };
        Self {
            op,
            kind,
            there,
            state,
            put_refused: false,
            written: None,
            version: None,
            before: Vec::new(),
        }
    }

    /// The change.
    #[must_use]
    pub fn op(&self) -> &WireOp {
        &self.op
    }

    /// What became of it, once it has ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The next request; `None` once it has ended.
    #[must_use]
    pub fn ask(&self, names: &Names) -> Option<Ask> {
        let read = || Ask::get(self.there.clone());
        let search = || {
            let resource = self.op.resource.as_ref().unwrap_or(&Value::Null);
            search_of(&self.op.id, resource)
        };
        Some(match &self.state {
            State::Look | State::Read | State::Compare(_) | State::AfterRead | State::ReadToDelete => read(),
            State::Put | State::ProveNoneMatch => Ask {
                if_none_match: true,
                body: self.body(names, true),
                ..Ask::of(Method::Put, self.there.clone())
            },
            State::Post | State::ProveNoneExist => {
                let mut body = self.body(names, true);
                // The server gives the id; with ours in it some refuse, and some take it without looking.
                if let Some(map) = body.as_mut().and_then(Value::as_object_mut) {
                    map.shift_remove("id");
                }
                Ask {
                    if_none_exist: Some(search()),
                    body,
                    ..Ask::of(Method::Post, self.kind.clone())
                }
            }
            State::Find => Ask::get(format!("{}?{}", self.kind, escape(&search()))),
            State::Drop(left, _) => Ask::of(Method::Delete, left.first()?.clone()),
            State::Write | State::ProveMatch => Ask {
                if_match: self.op.base.as_deref().map(weak),
                body: self.body(names, names.given(&self.op.id).is_some()),
                ..Ask::of(Method::Put, self.there.clone())
            },
            State::After => Ask::get(format!("{}/_history?_count=10", self.there)),
            State::Delete => Ask {
                if_match: self.before.first().map(|version| weak(version)),
                ..Ask::of(Method::Delete, self.there.clone())
            },
            State::Ended(_) => return None,
        })
    }

    fn body(&self, names: &Names, marked: bool) -> Option<Value> {
        let resource = self.op.resource.as_ref()?;
        Some(names.outbound(&self.op.id, resource, marked))
    }

    /// Takes the answer to [`Errand::ask`], and learns from it what the server can do.
    pub fn answer(&mut self, reply: &Reply, abilities: &mut Abilities, names: &Names) {
        let state = self.state.clone();
        self.state = match state {
            State::Look => self.looked(reply, abilities, names),
            State::Put => self.put(reply, abilities),
            State::ProveNoneMatch => self.proved_none_match(reply, abilities),
            State::Post => self.posted(reply, abilities),
            State::ProveNoneExist => self.proved_none_exist(reply, abilities),
            State::Find => self.found(reply, names),
            State::Drop(left, then) => match left.get(1..) {
                Some(rest) if !rest.is_empty() => State::Drop(rest.to_vec(), then),
                _ => State::Ended(then),
            },
            State::Read => self.read(reply, names),
            State::Write => self.wrote(reply, abilities),
            State::ProveMatch => self.proved_match(reply, abilities),
            State::Compare(status) => self.compared(reply, status, names),
            State::After => self.looked_back(reply, abilities),
            State::AfterRead => self.read_after(reply),
            State::ReadToDelete => self.read_to_delete(reply),
            State::Delete => match reply.status {
                200..=299 | 404 | 410 => self.done(),
                409 | 412 => State::Compare(412),
                _ => self.refused(reply),
            },
            ended @ State::Ended(_) => ended,
        };
    }

    /// A record that is there although it was to be made or changed: ours already, or in its place.
    fn meets(&mut self, there: &Value, status: u16, names: &Names) -> State {
        let is_create = self.op.base.is_none();
        let ours = self.body(names, true).is_some_and(|sent| {
            if is_create {
                same_meaning(&sent, there)
            } else {
                let plain = self.body(names, false);
                arrived(&sent, there) || plain.is_some_and(|sent| arrived(&sent, there))
            }
        });
        if ours {
            self.take(there);
            self.done()
        } else {
            self.ended(status, Some(there.clone()))
        }
    }

    fn take(&mut self, there: &Value) {
        self.version = Some(version_of(there));
        self.written = Some(there.clone());
        if let Some(id) = there.get("id").and_then(Value::as_str) {
            self.there = format!("{}/{id}", self.kind);
        }
    }

    fn take_write(&mut self, reply: &Reply) {
        self.version = reply.version(&self.kind);
        self.written = reply.record(&self.kind).cloned();
    }

    fn compared(&mut self, reply: &Reply, status: u16, names: &Names) -> State {
        match (reply.status, reply.record(&self.kind)) {
            (200..=299, Some(there)) if self.op.resource.is_some() => self.meets(there, status, names),
            (200..=299, Some(there)) => self.ended(status, Some(there.clone())),
            (404 | 410, _) if self.op.resource.is_none() => self.done(),
            // Refused as there, and not there: it is being made at this moment.
            (404, _) if self.op.base.is_none() => self.ended(404, None),
            (404 | 410, _) => self.ended(410, None),
            _ => self.unreadable(reply),
        }
    }

    /// Done, once it is known which version it is: later changes stand on it.
    fn done_or_read(&mut self) -> State {
        match self.version {
            Some(_) => self.done(),
            None => State::AfterRead,
        }
    }

    fn done(&self) -> State {
        let is_report = self
            .op
            .resource
            .as_ref()
            .is_some_and(hms_model::map::report::is_report);
        let created = self.op.base.is_none();
        let outcome = Outcome {
            result: WireResult {
                op: self.op.op,
                status: if created { 201 } else { 200 },
                version: self.version.clone(),
                receipt: (is_report && created).then(|| self.receipt()),
                outcome: None,
            },
            given: created.then(|| self.there.clone()),
            written: self.written.clone(),
            instead: None,
        };
        State::Ended(Box::new(outcome))
    }

    /// The server's word that it has a report is that it names it, and when it stored it.
    fn receipt(&self) -> WireReceipt {
        let id = self.there.split_once('/').map_or("", |(_, id)| id);
        let at = self
            .written
            .as_ref()
            .and_then(|it| it.get("meta")?.get("lastUpdated")?.as_str());
        WireReceipt {
            number: id.to_owned(),
            at: at.unwrap_or_default().to_owned(),
        }
    }

    fn ended(&self, status: u16, instead: Option<Value>) -> State {
        State::Ended(Box::new(Outcome {
            result: WireResult {
                op: self.op.op,
                status,
                version: None,
                receipt: None,
                outcome: None,
            },
            given: None,
            written: None,
            instead,
        }))
    }

    fn refused(&self, reply: &Reply) -> State {
        match self.ended(reply.status, None) {
            State::Ended(mut outcome) => {
                outcome.result.outcome = reply.outcome();
                State::Ended(outcome)
            }
            other => other,
        }
    }

    /// An answer that is none: 200 with something else (N5) is the server's fault, and tried again.
    fn unreadable(&self, reply: &Reply) -> State {
        if reply.is_ok() {
            self.ended(502, None)
        } else {
            self.refused(reply)
        }
    }
}

/// A search as it stands in an address.
fn escape(search: &str) -> String {
    search.replace('|', "%7C")
}
