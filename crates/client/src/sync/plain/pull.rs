//! What is new at a plain server: page by page, each with its cursor in one transaction.

use hms_core::sync::plain::{Abilities, Ability, Course, Cursor, Finding, PageEnd, TYPES};
use hms_model::time::Timestamp;
use hms_model::wire::sync::{ChangeBody, GoneWhy, WireChange};
use hms_store::{Store, StoreError};
use serde_json::Value;

use super::line::Line;
use super::memory::{keep, Memory};
use super::PlainError;
use crate::net::Fault;

/// What reading works with.
pub(super) struct Pull<'a> {
    pub(super) line: Line<'a>,
    pub(super) store: &'a Store,
    /// `Patient/…` of a person who holds their own records only.
    pub(super) patient: Option<&'a str>,
    pub(super) now: Timestamp,
}

impl Pull<'_> {
    /// Reads every type to its end. `changed` gets the ids of what is shown differently.
    pub(super) async fn run(
        &self,
        abilities: &mut Abilities,
        memory: &Memory,
        changed: &mut Vec<String>,
    ) -> Result<(), PlainError> {
        let mut cursor = Cursor::read(self.line.base, self.store.cursor().await?.as_deref());
        let known = abilities.clone();
        for kind in TYPES {
            if abilities.has(kind) && !abilities.refused.contains(&format!("GET {kind}")) {
                self.read(kind, &mut cursor, abilities, memory, changed).await?;
            }
        }
        let sweeps = cursor.sweep_is_due(abilities);
        self.apply(Vec::new(), &cursor, changed).await?;
        if *abilities != known {
            keep(self.store, abilities).await?;
        }
        if sweeps {
            for kind in TYPES {
                if abilities.has(kind) && !abilities.refused.contains(&format!("GET {kind}")) {
                    self.sweep(kind, &cursor, memory, changed).await?;
                }
            }
        }
        Ok(())
    }

    async fn read(
        &self,
        kind: &str,
        cursor: &mut Cursor,
        abilities: &mut Abilities,
        memory: &Memory,
        changed: &mut Vec<String>,
    ) -> Result<(), PlainError> {
        loop {
            let mut course = Course::new(cursor, kind, self.patient);
            let url = course.ask(abilities);
            let reply = self.line.get(&url).await?;
            let (200..=299, Some(bundle)) = (reply.status, &reply.body) else {
                if reply.status >= 500 && reply.status != 501 {
                    return Err(Fault::Server(reply.status).into());
                }
                if (200..300).contains(&reply.status) {
                    return Err(Fault::Unreadable.into());
                }
                if course.refused(reply.status, abilities) {
                    continue;
                }
                tracing::debug!(
                    kind,
                    status = reply.status,
                    "The server gives nothing of this type"
                );
                return Ok(());
            };
            let (news, end) = course.page(self.line.base, bundle, abilities);
            let mut changes = Vec::with_capacity(news.len());
            for finding in news {
                changes.extend(self.change(finding, memory).await?);
            }
            match end {
                PageEnd::Unreadable => return Err(Fault::Unreadable.into()),
                PageEnd::More | PageEnd::Done | PageEnd::Broken => {
                    self.apply(changes, cursor, changed).await?
                }
            }
            match end {
                PageEnd::More => (),
                PageEnd::Broken => {
                    tracing::warn!(
                        kind,
                        "A list goes on elsewhere, in a circle or without end, and is left"
                    );
                    return Ok(());
                }
                PageEnd::Done | PageEnd::Unreadable => return Ok(()),
            }
        }
    }

    async fn apply(
        &self,
        changes: Vec<WireChange>,
        cursor: &Cursor,
        changed: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let report = self.store.apply_page(changes, cursor.write(), self.now).await?;
        changed.extend(report.changed);
        changed.extend(report.conflicts);
        Ok(())
    }

    /// What a finding changes here.
    async fn change(&self, finding: Finding, memory: &Memory) -> Result<Option<WireChange>, StoreError> {
        let (id, record) = match finding {
            Finding::Gone { there, .. } => {
                let id = memory.names.here(&there).to_owned();
                let is_known = self.known(&id).await?.is_some();
                return Ok(is_known.then(|| gone(id, GoneWhy::Deleted)));
            }
            Finding::Here { record, .. } => match memory.read(self.line.base, &record) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let known = self.known(&id).await?;
        if !self.is_ours(&record) {
            return Ok(known.map(|_| gone(id, GoneWhy::OutOfScope)));
        }
        let version = record
            .get("meta")
            .and_then(|meta| meta.get("versionId")?.as_str());
        // The version that this device has, its own words most often: no news, however they are written there.
        let is_same = known.is_some_and(|known| known.as_deref() == version);
        Ok((!is_same).then_some(WireChange {
            change: ChangeBody::Resource(record),
        }))
    }

    /// The version of a record here, where it is here.
    async fn known(&self, id: &str) -> Result<Option<Option<String>>, StoreError> {
        let Some((kind, local)) = id.split_once('/') else {
            return Ok(None);
        };
        Ok(self.store.get(kind, local).await?.map(|stored| stored.version))
    }

    fn is_ours(&self, record: &Value) -> bool {
        let Some(patient) = self.patient else { return true };
        let local = patient.trim_start_matches("Patient/");
        let kind = record.get("resourceType").and_then(Value::as_str);
        kind == Some("Practitioner")
            || hms_fhir::in_patient_compartment(record, local)
            || (kind == Some("Task")
                && hms_core::sync::plain::references_of(record)
                    .iter()
                    .any(|it| it == patient))
    }

    /// Compares what is there with what is here. What is not in the list is asked for by itself: only a record that the
    /// server says is not there is gone.
    async fn sweep(
        &self,
        kind: &str,
        cursor: &Cursor,
        memory: &Memory,
        changed: &mut Vec<String>,
    ) -> Result<(), PlainError> {
        let stored = self.store.list(kind).await?;
        if stored.is_empty() {
            return Ok(());
        }
        // A list of its own, so that nothing of the real one is passed over.
        let mut own = Cursor::read(self.line.base, None);
        let mut never = Abilities::of(self.line.base);
        never.history = Ability::No;
        let mut there = std::collections::BTreeSet::new();
        loop {
            let mut course = Course::new(&mut own, kind, self.patient);
            let url = course.ask(&never);
            let elements = if url.contains("_elements=") {
                ""
            } else {
                "&_elements=id,meta"
            };
            let reply = self.line.get(&format!("{url}{elements}")).await?;
            let (200..=299, Some(bundle)) = (reply.status, &reply.body) else {
                return Ok(());
            };
            let (found, end) = course.page(self.line.base, bundle, &mut never);
            there.extend(found.into_iter().map(|it| match it {
                Finding::Here { there, .. } | Finding::Gone { there, .. } => {
                    memory.names.here(&there).to_owned()
                }
            }));
            if end != PageEnd::More {
                break;
            }
        }
        let mut gone_there = Vec::new();
        for record in stored.iter().filter(|it| it.version.is_some()) {
            let Some(local) = record.resource.get("id").and_then(Value::as_str) else {
                continue;
            };
            let id = format!("{kind}/{local}");
            if there.contains(&id) {
                continue;
            }
            let reply = self.line.get(memory.names.there(&id)).await?;
            let says_so = reply
                .body
                .as_ref()
                .and_then(|it| it.get("resourceType")?.as_str())
                == Some("OperationOutcome");
            match reply.status {
                410 => gone_there.push(gone(id, GoneWhy::Deleted)),
                404 if says_so => gone_there.push(gone(id, GoneWhy::Deleted)),
                403 => gone_there.push(gone(id, GoneWhy::OutOfScope)),
                _ => (),
            }
        }
        if !gone_there.is_empty() {
            self.apply(gone_there, cursor, changed).await?;
        }
        Ok(())
    }
}

fn gone(id: String, why: GoneWhy) -> WireChange {
    WireChange {
        change: ChangeBody::Gone { id, why },
    }
}
