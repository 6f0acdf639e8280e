//! The changes since a cursor, page by page.
//!
//! Each page is a snapshot of its own and stands by itself: whatever page was the last to arrive, the next one
//! goes on from its cursor without a hole. A resource is sent at the place of its newest version. Where a Task,
//! Encounter or Patient made somebody's data enter or leave the scope, all of it is sent, or withdrawn, at the
//! place of the first such version, since the resources themselves are older than the cursor.

use super::cursor::Cursor;
use super::scope::{Facts, Held, Scope};
use crate::auth::relation::{derive, RelationKind};
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::sqlite::table::feed::FeedRow;
use crate::db::DbError;
use hms_model::wire::sync::{ChangeBody, GoneWhy, CHECKPOINT_EVERY};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::HashSet;

/// Versions that are looked at for one page, sent or not.
const LOOK_AT: usize = 4000;

/// A page of changes.
#[derive(Debug)]
pub struct Page {
    /// What changed.
    pub changes: Vec<ChangeBody>,
    /// Everything up to here is sent once `changes` are.
    pub cursor: Cursor,
    /// Whether nothing newer was there.
    pub done: bool,
    /// Patients whose data the page holds, for the audit.
    pub patients: HashSet<String>,
}

/// The next page after a cursor.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn page(conn: &Connection, actor: &Actor, cursor: &Cursor) -> Result<Page, DbError> {
    let mut pager = Pager {
        conn,
        scope: Scope::new(conn, actor),
        from: cursor.seq,
        first_until: cursor.first_until,
        entered: HashSet::new(),
        page: Page {
            changes: Vec::new(),
            cursor: cursor.clone(),
            done: false,
            patients: HashSet::new(),
        },
    };
    let rows = table::feed::after(conn, cursor.seq, LOOK_AT)?;
    let complete = rows.len() < LOOK_AT;
    let mut all = true;
    for row in rows {
        if pager.page.changes.len() >= CHECKPOINT_EVERY {
            all = false;
            break;
        }
        pager.row(&row)?;
        pager.page.cursor.seq = row.seq;
    }
    pager.page.done = all && complete;
    Ok(pager.page)
}

struct Pager<'a> {
    conn: &'a Connection,
    scope: Scope<'a>,
    from: i64,
    first_until: i64,
    /// Patients whose data was sent whole, or withdrawn, on this page.
    entered: HashSet<String>,
    page: Page,
}

impl Pager<'_> {
    fn row(&mut self, row: &FeedRow) -> Result<(), DbError> {
        // In the first pass everything up to its end comes by itself, at its own place.
        if row.seq > self.first_until {
            self.consequences(row)?;
        }
        if row.seq != row.current {
            return Ok(());
        }
        if let Some(patient) = &row.patient {
            if self.entered.contains(patient) {
                return Ok(());
            }
        }
        // On its first pass a device has nothing to take away.
        let first = row.seq <= self.first_until;
        if row.deleted {
            if !first && self.knew(row)? {
                self.gone(&row.kind, &row.id, GoneWhy::Deleted);
            }
            return Ok(());
        }
        if self.scope.online_only(&row.kind) {
            return Ok(());
        }
        let body = read_body(self.conn, row.seq)?;
        if self.scope.holds(&row.kind, &row.id, &body, None)? {
            self.send(body);
        } else if !first && self.knew(row)? {
            self.gone(&row.kind, &row.id, GoneWhy::OutOfScope);
        }
        Ok(())
    }

    /// What a version changes for other resources than itself.
    fn consequences(&mut self, row: &FeedRow) -> Result<(), DbError> {
        match (row.kind.as_str(), &row.patient) {
            ("Task" | "Encounter" | "Patient", Some(patient)) => self.patient(patient),
            ("Task", None) => self.unclaimed(row),
            ("DocumentReference", Some(_)) => self.bytes_of(row),
            ("RiskAssessment" | "DocumentReference", None) => self.described_by(row),
            _ => Ok(()),
        }
    }

    /// Sends or withdraws all of a patient where the version opened or closed the way to them.
    fn patient(&mut self, patient: &str) -> Result<(), DbError> {
        if self.entered.contains(patient) {
            return Ok(());
        }
        let Held { ever, always } = self.scope.held_since(patient, self.from)?;
        let now = self.scope.facts(patient)?;
        let holds = now.any(self.scope.role());
        if (holds && always) || (!holds && !ever) {
            return Ok(());
        }
        self.entered.insert(patient.to_owned());
        for stored in table::feed::compartment(self.conn, patient)? {
            if stored.deleted {
                self.gone(&stored.kind, &stored.id, GoneWhy::Deleted);
                continue;
            }
            let body = stored.value()?;
            if holds && self.scope.holds(&stored.kind, &stored.id, &body, Some(now))? {
                self.send(body);
            } else if !holds || stored.version > 1 {
                self.gone(&stored.kind, &stored.id, GoneWhy::OutOfScope);
            }
            if stored.kind == "DocumentReference" {
                self.bytes(&stored.id, holds)?;
            }
        }
        Ok(())
    }

    /// A report without a patient, and what was made with it, come and go with the entry in the queue.
    fn unclaimed(&mut self, row: &FeedRow) -> Result<(), DbError> {
        if row.deleted {
            return Ok(());
        }
        let body = read_body(self.conn, row.seq)?;
        let focus = body.get("focus");
        let Some(report) = focus.and_then(|f| hms_model::map::id_in(f, "QuestionnaireResponse")) else {
            return Ok(());
        };
        self.nobodys("QuestionnaireResponse", report)?;
        for name in table::relation::objects(self.conn, RelationKind::OfReport.as_str(), report)? {
            if let Some((kind, id)) = name.split_once('/') {
                self.nobodys(kind, id)?;
            }
        }
        Ok(())
    }

    /// A check's answers and a photo's bytes, where they came before what says to which report they belong.
    fn described_by(&mut self, row: &FeedRow) -> Result<(), DbError> {
        if row.seq != row.current || row.deleted {
            return Ok(());
        }
        for relation in derive(&read_body(self.conn, row.seq)?) {
            match relation.object.split_once('/') {
                Some((kind, id)) if kind != row.kind => self.nobodys(kind, id)?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Sends or withdraws something older than the cursor that names no patient.
    fn nobodys(&mut self, kind: &str, id: &str) -> Result<(), DbError> {
        if !self.scope.sees_unclaimed(kind) {
            return Ok(());
        }
        let Some(stored) = table::resource::get(self.conn, kind, id)?.filter(|r| !r.deleted) else {
            return Ok(());
        };
        // A newer version is still to come in the feed, at its own place.
        if stored.patient.is_some() || stored.seq > self.from {
            return Ok(());
        }
        let body = stored.value()?;
        if self.scope.holds(kind, id, &body, None)? {
            self.send(body);
        } else {
            self.gone(kind, id, GoneWhy::OutOfScope);
        }
        Ok(())
    }

    /// Bytes that came before their description could not be told whose they are.
    fn bytes_of(&mut self, row: &FeedRow) -> Result<(), DbError> {
        if row.seq == row.current && !row.deleted {
            let before =
                table::resource::get(self.conn, "Binary", &row.id)?.is_some_and(|b| b.seq <= self.from);
            if before {
                return self.bytes(&row.id, true);
            }
        }
        Ok(())
    }

    fn bytes(&mut self, id: &str, send: bool) -> Result<(), DbError> {
        if self.scope.online_only("Binary") {
            return Ok(());
        }
        let Some(stored) = table::resource::get(self.conn, "Binary", id)?.filter(|b| !b.deleted) else {
            return Ok(());
        };
        let body = stored.value()?;
        if send && self.scope.holds("Binary", id, &body, None)? {
            self.send(body);
        } else if !send {
            self.gone("Binary", id, GoneWhy::OutOfScope);
        }
        Ok(())
    }

    /// Whether the device may have an earlier version of a resource that is not for it now.
    fn knew(&mut self, row: &FeedRow) -> Result<bool, DbError> {
        for (seq, body) in table::feed::versions_since(self.conn, row.key, self.from)? {
            let Some(text) = body.filter(|_| seq < row.seq) else {
                continue;
            };
            let body: Value = serde_json::from_str(&text).map_err(DbError::Body)?;
            // Judged by the patient of that version: a correction may have given it to somebody else since.
            let held = match crate::auth::relation::patient_of(&body) {
                Some(patient) => self.scope.held_since(&patient, self.from)?.ever,
                None => true,
            };
            if held && self.scope.holds(&row.kind, &row.id, &body, Some(Facts::ALL))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn send(&mut self, body: Value) {
        if let Some(patient) = crate::auth::relation::patient_of(&body) {
            self.page.patients.insert(patient);
        }
        self.page.changes.push(ChangeBody::Resource(body));
    }

    fn gone(&mut self, kind: &str, id: &str, why: GoneWhy) {
        self.page.changes.push(ChangeBody::Gone {
            id: format!("{kind}/{id}"),
            why,
        });
    }
}

fn read_body(conn: &Connection, seq: i64) -> Result<Value, DbError> {
    let text = table::feed::body(conn, seq)?;
    text.map_or(Ok(Value::Null), |text| {
        serde_json::from_str(&text).map_err(DbError::Body)
    })
}
