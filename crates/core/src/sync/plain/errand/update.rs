//! A record that is to be changed or deleted, on the version that the person saw.

use super::super::abilities::{Abilities, Ability};
use super::super::answer::Reply;
use super::super::names::{version_of, Names};
use super::{Errand, State};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

impl Errand {
    pub(super) fn read(&mut self, reply: &Reply, names: &Names) -> State {
        match (reply.status, reply.record(&self.kind)) {
            (200..=299, Some(there)) => {
                let version = version_of(there);
                if Some(&version) == self.op.base.as_ref() {
                    self.before = vec![version];
                    State::Write
                } else {
                    self.meets(there, 412, names)
                }
            }
            (404 | 410, _) => self.ended(410, None),
            _ => self.unreadable(reply),
        }
    }

    pub(super) fn wrote(&mut self, reply: &Reply, abilities: &Abilities) -> State {
        match reply.status {
            200..=299 => {
                self.take_write(reply);
                match abilities.if_match {
                    Ability::Yes => self.done_or_read(),
                    Ability::Unknown => State::ProveMatch,
                    Ability::No => after(abilities),
                }
            }
            409 | 412 => State::Compare(412),
            404 | 410 => self.ended(410, None),
            _ => self.refused(reply),
        }
    }

    pub(super) fn proved_match(&mut self, reply: &Reply, abilities: &mut Abilities) -> State {
        match reply.status {
            409 | 412 => {
                Abilities::learn(&mut abilities.if_match, true);
                self.done_or_read()
            }
            200..=299 => {
                Abilities::learn(&mut abilities.if_match, false);
                // The version before this one is our own.
                if let Some(ours) = self.version.take() {
                    self.before.insert(0, ours);
                }
                self.take_write(reply);
                after(abilities)
            }
            _ => self.done_or_read(),
        }
    }

    pub(super) fn looked_back(&mut self, reply: &Reply, abilities: &mut Abilities) -> State {
        let Some(bundle) = reply.record("Bundle").filter(|_| reply.is_ok()) else {
            abilities.downgrade("versions", if reply.status == 404 { 405 } else { reply.status });
            return State::AfterRead;
        };
        let entries = bundle.get("entry").and_then(Value::as_array);
        let records = entries.into_iter().flatten().filter_map(|it| it.get("resource"));
        let mut versions: Vec<&Value> = records.collect();
        // Newest first; where moments are equal, in the order of the answer.
        let moment = |it: &Value| {
            let text = it.get("meta")?.get("lastUpdated")?.as_str()?;
            Timestamp::parse(text)
        };
        versions.sort_by_key(|it| std::cmp::Reverse(moment(it)));
        let at = versions
            .iter()
            .position(|it| Some(version_of(it)) == self.version);
        match at {
            // Somebody wrote over it at once: what both wanted is merged, or settled by a person.
            Some(at) if at > 0 => {
                let newest = versions.first().map(|it| (*it).clone());
                self.ended(412, newest)
            }
            Some(at) => {
                let older = versions.get(at + 1..).unwrap_or_default();
                let between = older.iter().zip(&self.before);
                let lost = between
                    .filter(|(found, expected)| version_of(found) != **expected)
                    .map(|(found, _)| (*found).clone())
                    .next();
                match lost {
                    None => self.done_or_read(),
                    // Ours went over somebody's words: they are what this change meets, under the version that stands.
                    Some(lost) => self.ended(412, Some(under(lost, self.version.as_deref()))),
                }
            }
            None => State::AfterRead,
        }
    }

    pub(super) fn read_after(&mut self, reply: &Reply) -> State {
        match (reply.status, reply.record(&self.kind)) {
            (200..=299, Some(there)) => {
                let version = version_of(there);
                if self.version.as_ref().is_some_and(|ours| *ours != version) {
                    return self.ended(412, Some(there.clone()));
                }
                self.take(there);
                self.done()
            }
            (404 | 410, _) => self.ended(410, None),
            _ => self.unreadable(reply),
        }
    }

    pub(super) fn read_to_delete(&mut self, reply: &Reply) -> State {
        match (reply.status, reply.record(&self.kind)) {
            (200..=299, Some(there)) => {
                let version = version_of(there);
                if self.op.base.as_ref().is_none_or(|base| *base == version) {
                    self.before = vec![version];
                    State::Delete
                } else {
                    self.ended(412, Some(there.clone()))
                }
            }
            (404 | 410, _) => self.done(),
            _ => self.unreadable(reply),
        }
    }
}

fn after(abilities: &Abilities) -> State {
    if abilities.versions == Ability::No {
        State::AfterRead
    } else {
        State::After
    }
}

/// A record as if it had the version that stands.
fn under(mut record: Value, version: Option<&str>) -> Value {
    if let (Some(version), Some(map)) = (version, record.as_object_mut()) {
        let meta = map.entry("meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("versionId".into(), version.into());
        }
    }
    record
}
