//! A change in progress: what a closure of [`super::Db::write`] works with.

use super::sqlite::table;
use super::sqlite::table::resource::NewState;
use super::sqlite::table::version::VersionRow;
use super::{Changed, DbError, Prepared, WriteError};
use crate::audit::chain::Head;
use crate::audit::AuditEntry;
use hms_model::time::Timestamp;
use rusqlite::Connection;
use serde_json::{json, Value};
use std::sync::Arc;

/// What must hold for a resource to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: create it, or replace whatever is there.
    None,
    /// It does not exist yet (`If-None-Match: *`).
    Absent,
    /// Its current version is this one (`If-Match`).
    Version(i64),
}

/// What storing a resource did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Resource type.
    pub kind: String,
    /// Resource id.
    pub id: String,
    /// Its version now.
    pub version: i64,
    /// Place in the order of commits.
    pub seq: i64,
    /// Unix ms.
    pub last_updated: i64,
    /// True where it did not exist, or was deleted, before.
    pub created: bool,
    /// The body as stored, with its `meta`.
    pub body: String,
}

/// A stored version.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Internal key.
    pub key: i64,
    /// Resource type.
    pub kind: String,
    /// Resource id.
    pub id: String,
    /// Version, from 1.
    pub version: i64,
    /// Place in the order of commits.
    pub seq: i64,
    /// Unix ms.
    pub last_updated: i64,
    /// Whether this version is a deletion.
    pub deleted: bool,
    /// The Patient whose compartment it is in.
    pub patient: Option<String>,
    /// JSON as stored; `None` for a deletion.
    pub body: Option<String>,
}

impl Stored {
    /// The resource as a value.
    ///
    /// # Errors
    /// Where the stored text is damaged. A deletion gives `null`.
    pub fn value(&self) -> Result<Value, DbError> {
        self.body.as_deref().map_or(Ok(Value::Null), |text| {
            serde_json::from_str(text).map_err(DbError::Body)
        })
    }
}

/// A side effect that belongs to a change: it runs in the same transaction, and its failure undoes the change.
pub trait Hook: Send + Sync {
    /// Called before a resource is stored: may complete it (a receipt number), or refuse it.
    ///
    /// # Errors
    /// Refuses the whole change.
    fn storing(
        &self,
        _tx: &mut Tx<'_>,
        resource: Prepared,
        _before: Option<&Stored>,
    ) -> Result<Prepared, WriteError> {
        Ok(resource)
    }

    /// Called after a resource was stored. What it stores itself calls the hooks again, four levels deep.
    ///
    /// # Errors
    /// Refuses the whole change.
    fn stored(
        &self,
        tx: &mut Tx<'_>,
        put: &Put,
        resource: &Value,
        before: Option<&Stored>,
    ) -> Result<(), WriteError>;

    /// Called once at the end of a change with everything that it stored, hooks included: for what depends on
    /// all of it, such as a report that came without its Task.
    ///
    /// # Errors
    /// Undoes the whole change.
    fn finished(&self, _tx: &mut Tx<'_>, _stored: &[Changed]) -> Result<(), DbError> {
        Ok(())
    }
}

/// How deep hooks may cause changes that call hooks.
const MAX_DEPTH: u8 = 4;

/// A change in progress. Everything done through it is kept or undone together.
pub struct Tx<'c> {
    conn: &'c Connection,
    hooks: &'c [Arc<dyn Hook>],
    batch: &'c mut Batch,
    depth: u8,
    /// Where this change begins in the batch.
    start: usize,
    /// Whether the hooks are left out.
    quiet: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c Connection, hooks: &'c [Arc<dyn Hook>], batch: &'c mut Batch) -> Self {
        let start = batch.changed.len();
        Self {
            conn,
            hooks,
            batch,
            depth: 0,
            start,
            quiet: false,
        }
    }

    /// Leaves the hooks out for the rest of this change: it stores what has happened before, and nothing follows
    /// from it now.
    pub fn without_consequences(&mut self) {
        self.quiet = true;
    }

    /// Runs what the hooks do at the end of a change.
    pub(super) fn finish(&mut self) -> Result<(), DbError> {
        if self.hooks.is_empty() || self.quiet {
            return Ok(());
        }
        let stored = self.batch.changed.get(self.start..).unwrap_or_default().to_vec();
        let hooks = self.hooks;
        hooks.iter().try_for_each(|hook| hook.finished(self, &stored))
    }

    /// For the functions of [`super::sqlite::table`].
    #[must_use]
    pub fn conn(&self) -> &'c Connection {
        self.conn
    }

    /// The moment of this commit, Unix ms.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.batch.now_ms
    }

    /// The current version of a resource, also when it is deleted.
    ///
    /// # Errors
    /// A failed statement.
    pub fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, DbError> {
        table::resource::get(self.conn, kind, id)
    }

    /// Stores a resource as its next version, then runs the hooks.
    ///
    /// # Errors
    /// [`WriteError::Precondition`], or whatever a hook refuses.
    pub fn put(&mut self, resource: Prepared, precondition: Precondition) -> Result<Put, WriteError> {
        let resource = match resource.id {
            Some(_) => resource,
            None => resource.with_id(crate::random::id()),
        };
        let id = resource.id.clone().unwrap_or_default();
        let row = table::resource::row(self.conn, &resource.kind, &id)?;
        let current = row.as_ref().filter(|r| !r.deleted).map_or(0, |r| r.version);
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Absent => current == 0,
            Precondition::Version(version) => current == version && current != 0,
        };
        if !holds {
            return Err(WriteError::Precondition { current });
        }
        let before = if row.is_some() && !self.hooks.is_empty() {
            self.get(&resource.kind, &id)?
        } else {
            None
        };
        let hooks: &[Arc<dyn Hook>] = if self.quiet { &[] } else { self.hooks };
        let resource = hooks.iter().try_fold(resource, |resource, hook| {
            hook.storing(self, resource, before.as_ref())
        })?;

        let version = row.as_ref().map_or(1, |r| r.version + 1);
        let seq = self.batch.take_seq();
        let now = self.batch.now_ms;
        let mut body = resource.body;
        stamp(&mut body, version, now);
        let text = body.to_string();
        let state = NewState {
            version,
            seq,
            last_updated: now,
            deleted: false,
            patient: resource.patient.as_deref(),
        };
        let key = match &row {
            Some(row) => {
                table::resource::update(self.conn, row.key, state)?;
                table::index::remove(self.conn, row.key)?;
                row.key
            }
            None => table::resource::insert(self.conn, &resource.kind, &id, state)?,
        };
        let created = current == 0;
        let method = if created { "POST" } else { "PUT" };
        table::version::append(
            self.conn,
            VersionRow {
                seq,
                key,
                version,
                at: now,
                method,
                body: Some(&text),
            },
        )?;
        table::index::insert(self.conn, key, &resource.kind, &resource.index)?;
        table::relation::replace(self.conn, key, row.is_none(), &resource.relations)?;
        self.batch.changed.push(Changed {
            seq,
            kind: resource.kind.clone(),
            id: id.clone(),
            patient: resource.patient,
            deleted: false,
        });

        let put = Put {
            kind: resource.kind,
            id,
            version,
            seq,
            last_updated: now,
            created,
            body: text,
        };
        self.run_hooks(&put, &body, before.as_ref())?;
        Ok(put)
    }

    /// Deletes a resource; its history stays. `None` where there was nothing to delete.
    ///
    /// # Errors
    /// [`WriteError::Precondition`] where `version` is given and is not the current one.
    pub fn delete(&mut self, kind: &str, id: &str, version: Option<i64>) -> Result<Option<Put>, WriteError> {
        let Some(row) = table::resource::row(self.conn, kind, id)?.filter(|r| !r.deleted) else {
            return if version.is_some() {
                Err(WriteError::Precondition { current: 0 })
            } else {
                Ok(None)
            };
        };
        if version.is_some_and(|v| v != row.version) {
            return Err(WriteError::Precondition { current: row.version });
        }
        let patient = self.get(kind, id)?.and_then(|s| s.patient);
        let seq = self.batch.take_seq();
        let now = self.batch.now_ms;
        let next = row.version + 1;
        // The patient stays noted: who may see the history still depends on it.
        let state = NewState {
            version: next,
            seq,
            last_updated: now,
            deleted: true,
            patient: patient.as_deref(),
        };
        table::resource::update(self.conn, row.key, state)?;
        table::index::remove(self.conn, row.key)?;
        table::relation::replace(self.conn, row.key, false, &[])?;
        table::version::append(
            self.conn,
            VersionRow {
                seq,
                key: row.key,
                version: next,
                at: now,
                method: "DELETE",
                body: None,
            },
        )?;
        self.batch.changed.push(Changed {
            seq,
            kind: kind.to_owned(),
            id: id.to_owned(),
            patient,
            deleted: true,
        });
        Ok(Some(Put {
            kind: kind.to_owned(),
            id: id.to_owned(),
            version: next,
            seq,
            last_updated: now,
            created: false,
            body: String::new(),
        }))
    }

    /// Appends an audit event to the chain; it is committed with the change, or not at all.
    ///
    /// # Errors
    /// A failed statement.
    pub fn audit(&mut self, entry: &AuditEntry) -> Result<(), DbError> {
        let (id, body) = entry.render(self.batch.now_ms);
        let head = self.batch.audit.next(body.as_bytes());
        table::audit::append(
            self.conn,
            table::audit::AuditRow {
                idx: head.count,
                id: &id,
                at: self.batch.now_ms,
                action: entry.action.as_str(),
                agent: Some(&entry.agent.reference),
                patient: entry.patient.as_deref(),
                entity: entry.entity.as_deref(),
                body: &body,
                hash: &head.hash,
            },
        )?;
        self.batch.audit = head;
        self.batch.audit_moved = true;
        Ok(())
    }

    /// The next number of a counter; the first is `first`.
    ///
    /// # Errors
    /// A failed statement.
    pub fn next_number(&mut self, name: &str, first: i64) -> Result<i64, DbError> {
        table::counter::next(self.conn, name, first)
    }

    fn run_hooks(&mut self, put: &Put, resource: &Value, before: Option<&Stored>) -> Result<(), WriteError> {
        if self.depth >= MAX_DEPTH || self.quiet {
            return Ok(());
        }
        let hooks = self.hooks;
        self.depth += 1;
        let outcome = hooks
            .iter()
            .try_for_each(|hook| hook.stored(self, put, resource, before));
        self.depth -= 1;
        outcome
    }
}

/// Sets `meta.versionId` and `meta.lastUpdated`, right after type and id.
fn stamp(body: &mut Value, version: i64, now_ms: i64) {
    let Some(object) = body.as_object_mut() else {
        return;
    };
    let mut meta = match object.shift_remove("meta") {
        Some(Value::Object(meta)) => meta,
        _ => serde_json::Map::new(),
    };
    meta.insert("versionId".to_owned(), json!(version.to_string()));
    meta.insert("lastUpdated".to_owned(), json!(Timestamp(now_ms).to_instant()));
    let place = usize::from(object.contains_key("resourceType")) + usize::from(object.contains_key("id"));
    object.shift_insert(place.min(object.len()), "meta".to_owned(), Value::Object(meta));
}

/// The state of one group of changes.
#[derive(Debug)]
pub struct Batch {
    now_ms: i64,
    seq: i64,
    audit: Head,
    audit_moved: bool,
    changed: Vec<Changed>,
}

/// Where a refused job returns to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    seq: i64,
    audit: Head,
    audit_moved: bool,
    changed: usize,
}

impl Batch {
    pub(super) fn new(now_ms: i64, seq: i64, audit: Head) -> Self {
        Self {
            now_ms,
            seq,
            audit,
            audit_moved: false,
            changed: Vec::new(),
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            seq: self.seq,
            audit: self.audit,
            audit_moved: self.audit_moved,
            changed: self.changed.len(),
        }
    }

    pub(super) fn reset(&mut self, mark: Mark) {
        self.seq = mark.seq;
        self.audit = mark.audit;
        self.audit_moved = mark.audit_moved;
        self.changed.truncate(mark.changed);
    }

    pub(super) fn audit_head_if_moved(&self) -> Option<Head> {
        self.audit_moved.then_some(self.audit)
    }

    pub(super) fn into_changed(self) -> Vec<Changed> {
        self.changed
    }

    fn take_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }
}
