//! Changes from devices: each group whole or not at all, each change once.

use crate::app::App;
use crate::auth::policy::{self, Action, Decision};
use crate::auth::standing::Subject;
use crate::auth::{tokens, Actor};
use crate::db::sqlite::table;
use crate::db::{DbError, Precondition, Prepared, Stored, Tx};
use crate::fhir::{interact, Problem};
use crate::service::{claim, sealed, write};
use hms_model::map::{self, report, text_at};
use hms_model::role::Role;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireOp, WireReceipt, WireResult, ON_ITS_DELETION};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a change was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// Nothing: it creates.
    New,
    /// A version.
    Version(i64),
    /// The deletion of what the person keeps.
    Deletion,
}

/// A change that was read and checked, or why it cannot be made.
#[derive(Debug)]
pub struct Op {
    number: i64,
    kind: String,
    id: String,
    base: Base,
    resource: Result<Option<Box<Prepared>>, Problem>,
    /// What tells it from another change under the same number.
    print: String,
}

impl Op {
    /// Reads and checks one change. Needs no database, so it does not hold up the writer.
    #[must_use]
    pub fn read(wire: WireOp) -> Self {
        let WireOp {
            op,
            id,
            base,
            resource,
            group: _,
        } = wire;
        let (kind, rest) = id
            .split_once('/')
            .map(|(k, i)| (k.to_owned(), i.to_owned()))
            .unwrap_or_default();
        let print = print_of(&id, resource.as_ref());
        let base = match base.as_deref() {
            None => Ok(Base::New),
            Some(ON_ITS_DELETION) => Ok(Base::Deletion),
            Some(number) => number.parse().map(Base::Version),
        };
        let resource = match (resource, &base) {
            (_, Err(_)) => Err(Problem::Bad("base is not a version".to_owned())),
            _ if kind.is_empty() => Err(Problem::Bad("id is not Type/id".to_owned())),
            (None, _) => Ok(None),
            (Some(body), _) => {
                let names_itself = text_at(&body, &["resourceType"]) == Some(kind.as_str())
                    && text_at(&body, &["id"]) == Some(rest.as_str());
                if names_itself {
                    Prepared::new(body)
                        .map(|p| Some(Box::new(p)))
                        .map_err(Problem::Invalid)
                } else {
                    Err(Problem::Bad(
                        "the resource is not the one that id names".to_owned(),
                    ))
                }
            }
        };
        Self {
            number: op,
            kind,
            id: rest,
            base: base.unwrap_or(Base::New),
            resource,
            print,
        }
    }
}

/// What tells a change from another one. Its base is not in it: a newer one may be known when it is sent again.
fn print_of(id: &str, resource: Option<&Value>) -> String {
    let mut hash = Sha256::new();
    hash.update(id);
    hash.update([0]);
    if let Some(resource) = resource {
        hash.update(hms_fhir::canonical_json(resource));
    }
    let bytes = hash.finalize();
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A result as it is kept: with the print of its change.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    result: WireResult,
    /// Absent in what was kept before changes had prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    print: Option<String>,
}

/// Why a group was undone: which of its changes, and what was wrong with it.
struct Refused {
    op: i64,
    problem: Problem,
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self {
            op: 0,
            problem: Problem::Db(error),
        }
    }
}

/// Applies the changes of one group, and keeps and returns their results.
pub async fn group(app: &App, actor: &Actor, device: &str, ops: Vec<Op>) -> Vec<WireResult> {
    let numbers: Vec<i64> = ops.iter().map(|op| op.number).collect();
    let prints: BTreeMap<i64, String> = ops.iter().map(|op| (op.number, op.print.clone())).collect();
    let (who, on) = (actor.clone(), device.to_owned());
    let applied = app.db.write(move |tx| apply(tx, &who, &on, ops)).await;
    match applied {
        Ok(results) => results,
        Err(Refused {
            op,
            problem: Problem::Db(error),
        }) => {
            tracing::error!(%error, "A group of changes from a device was not applied");
            let problem = Problem::Db(error);
            let at = if op == 0 {
                numbers.first().copied().unwrap_or_default()
            } else {
                op
            };
            refusals(&numbers, at, &problem)
        }
        // Not kept: after the next sign-in the same changes are good, and a record that a restore has taken away comes
        // again from the device that made it.
        Err(Refused {
            op,
            problem: problem @ (Problem::SignIn | Problem::NotFound | Problem::Cloned),
        }) => refusals(&numbers, op, &problem),
        Err(Refused { op, problem }) => {
            keep_refusals(app, actor, device, refusals(&numbers, op, &problem), prints).await
        }
    }
}

fn refusals(numbers: &[i64], op: i64, problem: &Problem) -> Vec<WireResult> {
    let failed = |number: i64| {
        // What may pass is said of the whole group: it comes again as one.
        let passes = problem.status() >= 500
            || matches!(problem, Problem::SignIn | Problem::NotFound | Problem::Cloned);
        let (status, outcome) = if number == op || passes {
            (problem.status(), problem.outcome())
        } else {
            (
                424,
                hms_fhir::outcome::error("conflict", "another change of its group was refused"),
            )
        };
        WireResult {
            op: number,
            status,
            version: None,
            receipt: None,
            outcome: Some(outcome),
        }
    };
    numbers.iter().map(|number| failed(*number)).collect()
}

/// A refusal is an answer like any other: repeated, it is the same.
async fn keep_refusals(
    app: &App,
    actor: &Actor,
    device: &str,
    results: Vec<WireResult>,
    prints: BTreeMap<i64, String>,
) -> Vec<WireResult> {
    let (user, device) = (actor.user.to_string(), device.to_owned());
    let fallback = results.clone();
    let kept = app
        .db
        .write(move |tx| -> Result<Vec<WireResult>, DbError> {
            for result in &results {
                keep(tx, &device, &user, result, prints.get(&result.op))?;
            }
            Ok(results)
        })
        .await;
    kept.unwrap_or_else(|error| {
        tracing::error!(%error, "A refusal was not kept");
        fallback
    })
}

fn keep(
    tx: &Tx<'_>,
    device: &str,
    user: &str,
    result: &WireResult,
    print: Option<&String>,
) -> Result<(), DbError> {
    let kept = Kept {
        result: result.clone(),
        print: print.cloned(),
    };
    let text = serde_json::to_string(&kept).map_err(DbError::Body)?;
    table::op_result::keep(tx.conn(), device, result.op, user, &text, tx.now_ms())
}

fn apply(tx: &mut Tx<'_>, actor: &Actor, device: &str, ops: Vec<Op>) -> Result<Vec<WireResult>, Refused> {
    let user = actor.user.to_string();
    // A long upload does not outlive its sign-in.
    if !tokens::still_good(tx.conn(), actor)? {
        return Err(Refused {
            op: 0,
            problem: Problem::SignIn,
        });
    }
    let mut results = Vec::with_capacity(ops.len());
    for op in ops {
        let number = op.number;
        let at = |problem| Refused { op: number, problem };
        if let Some((of, known)) = table::op_result::get(tx.conn(), device, number)? {
            if of != user {
                return Err(at(Problem::Conflict("op-of-another-account")));
            }
            let known: Kept = serde_json::from_str(&known).map_err(DbError::Body)?;
            // Another change under a number that was given: this phone's data lives on a second phone. The first
            // result would drop one of the two in silence.
            if known.print.is_some_and(|print| print != op.print) {
                return Err(at(Problem::Cloned));
            }
            results.push(known.result);
            continue;
        }
        let print = op.print.clone();
        let result = one(tx, actor, device, op).map_err(at)?;
        keep(tx, device, &user, &result, Some(&print))?;
        results.push(result);
    }
    Ok(results)
}

fn one(tx: &mut Tx<'_>, actor: &Actor, device: &str, op: Op) -> Result<WireResult, Problem> {
    let done = |status, version: Option<i64>| WireResult {
        op: op.number,
        status,
        version: version.map(|v| v.to_string()),
        receipt: None,
        outcome: None,
    };
    let result = match (op.resource?, op.base) {
        // Deleted already, by this device before it asked again or by somebody else.
        (None, _) if tx.get(&op.kind, &op.id)?.is_some_and(|there| there.deleted) => done(200, None),
        (None, base) => {
            let version = match base {
                Base::Version(version) => Some(version),
                Base::New | Base::Deletion => None,
            };
            let put = interact::delete(tx, actor, &op.kind, &op.id, version)?;
            done(200, put.map(|p| p.version))
        }
        (Some(resource), Base::Version(base)) => {
            let before = tx.get(&op.kind, &op.id)?;
            let Some(before) = before else {
                return Err(Problem::NotFound);
            };
            if let Some(version) = done_before(tx, actor, &before, &resource, base)? {
                return Ok(done(200, Some(version)));
            }
            if before.deleted {
                return Err(Problem::Gone);
            }
            not_signed(&before)?;
            let put = interact::update(tx, actor, *resource, Precondition::Version(base))?;
            done(200, Some(put.version))
        }
        // It stands on the deletion, and goes on counting its versions; the history keeps both.
        (Some(resource), Base::Deletion) => match tx.get(&op.kind, &op.id)? {
            Some(there) if !there.deleted => done(200, Some(made_again(tx, actor, &there, &resource)?)),
            Some(_) | None => done(201, Some(create(tx, actor, *resource)?)),
        },
        (Some(resource), Base::New) => match tx.get(&op.kind, &op.id)? {
            None => done(201, Some(create(tx, actor, *resource)?)),
            // What it made was there, and somebody deleted it since.
            Some(existing) if existing.deleted => match done_before(tx, actor, &existing, &resource, 0)? {
                Some(version) => done(200, Some(version)),
                None => return Err(Problem::Gone),
            },
            Some(existing) => done(200, Some(again(tx, actor, device, &existing, &resource)?)),
        },
    };
    Ok(WireResult {
        receipt: receipt(tx, &op.kind, &op.id)?,
        ..result
    })
}

/// Creates, by the policy, or because it belongs to a report that this carrier made for a colleague.
fn create(tx: &mut Tx<'_>, actor: &Actor, resource: Prepared) -> Result<i64, Problem> {
    if may_create(tx, actor, &resource)? {
        return Ok(interact::update(tx, actor, resource, Precondition::Absent)?.version);
    }
    if belongs_to_own_report(tx, actor, &resource)? {
        let (kind, id) = (
            resource.kind().to_owned(),
            resource.id().unwrap_or_default().to_owned(),
        );
        let put = tx.put(resource, Precondition::Absent)?;
        tx.audit(&interact::entry(
            actor,
            crate::audit::AuditAction::Create,
            "create",
            &kind,
            &id,
            None,
        ))?;
        return Ok(put.version);
    }
    Err(Problem::Denied)
}

fn may_create(tx: &Tx<'_>, actor: &Actor, resource: &Prepared) -> Result<bool, DbError> {
    let of = Subject {
        kind: resource.kind(),
        id: resource.id().unwrap_or_default(),
        patient: resource.patient(),
        body: resource.body(),
    };
    interact::allowed(tx.conn(), actor, Action::Create, of)
}

/// What a carrier sends with a report for a colleague names no patient, since theirs is not known; it is linked to
/// the report, whose author the carrier is.
fn belongs_to_own_report(tx: &Tx<'_>, actor: &Actor, resource: &Prepared) -> Result<bool, DbError> {
    let (kind, body) = (resource.kind(), resource.body());
    let sends = [
        "QuestionnaireResponse",
        "Task",
        "RiskAssessment",
        "DocumentReference",
    ]
    .contains(&kind);
    if kind == "Binary" && actor.role == Role::Carrier {
        // The bytes of a photo go where its description goes.
        let id = resource.id().unwrap_or_default();
        let described = write::live(tx, "DocumentReference", id)?;
        return match described {
            Some((_, described)) => links_to_own_report(tx.conn(), actor, &described),
            None => Ok(false),
        };
    }
    if actor.role != Role::Carrier || resource.patient().is_some() || !sends {
        return Ok(false);
    }
    if policy::content_allowed(actor, kind, None, Some(body)) == Decision::Deny {
        return Ok(false);
    }
    if links_to_own_report(tx.conn(), actor, body)? {
        return Ok(true);
    }
    // The answers of a symptom check are named by its result, which may come after them.
    let check = map::system::symptom_check("");
    Ok(kind == "QuestionnaireResponse"
        && text_at(body, &["questionnaire"]).is_some_and(|q| q.starts_with(&check)))
}

/// Whether a resource refers to a report whose author the actor is.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn links_to_own_report(conn: &Connection, actor: &Actor, body: &Value) -> Result<bool, DbError> {
    let Some(me) = &actor.fhir else { return Ok(false) };
    for link in hms_fhir::references(body) {
        let Some(id) = link.1.strip_prefix("QuestionnaireResponse/") else {
            continue;
        };
        let found = table::resource::get(conn, "QuestionnaireResponse", id)?.filter(|r| !r.deleted);
        if found.is_some_and(|r| {
            r.value()
                .is_ok_and(|r| text_at(&r, &["author", "reference"]) == Some(me))
        }) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A create of what is there already: done where it says the same, else a conflict.
fn again(
    tx: &mut Tx<'_>,
    actor: &Actor,
    device: &str,
    existing: &Stored,
    sent: &Prepared,
) -> Result<i64, Problem> {
    if !may_create(tx, actor, sent)? && !belongs_to_own_report(tx, actor, sent)? {
        return Err(Problem::Denied);
    }
    let now = existing.value()?;
    if !claim::is_claimed(&now) && claim::same_content(&now, sent.body()) {
        return again_of_nobody(tx, actor, device, existing, sent);
    }
    let first = table::version::get(tx.conn(), &existing.kind, &existing.id, 1)?;
    let first = first
        .as_ref()
        .map(Stored::value)
        .transpose()?
        .unwrap_or(Value::Null);
    if claim::same_content(&now, sent.body()) {
        return Ok(existing.version);
    }
    if claim::same_content(&first, sent.body()) {
        // The version that it made: what others made of it since, the device has not seen, and must not write over.
        return Ok(1);
    }
    Err(Problem::Conflict("already-exists-with-other-content"))
}

/// A record that was to be made again on its deletion, and is there: done where it says the same, or where this is what
/// came behind the deletion. Anything else the device has not seen.
fn made_again(tx: &Tx<'_>, actor: &Actor, there: &Stored, sent: &Prepared) -> Result<i64, Problem> {
    if !may_create(tx, actor, sent)? {
        return Err(Problem::Denied);
    }
    if claim::same_content(&there.value()?, sent.body()) {
        return Ok(there.version);
    }
    for version in (1..there.version).rev() {
        let Some(then) = table::version::get(tx.conn(), &there.kind, &there.id, version)? else {
            continue;
        };
        if !then.deleted {
            continue;
        }
        let behind = table::version::get(tx.conn(), &there.kind, &there.id, version + 1)?;
        if let Some(behind) = behind.filter(|behind| !behind.deleted) {
            if claim::same_content(&behind.value()?, sent.body()) {
                return Ok(behind.version);
            }
        }
        break;
    }
    Err(Problem::Conflict("already-exists-with-other-content"))
}

/// What is nobody's so far, sent again. It becomes the sender's where it came sealed from their own device, before
/// anybody had signed in there, and by nothing else: to know the words of a report makes it nobody's.
fn again_of_nobody(
    tx: &mut Tx<'_>,
    actor: &Actor,
    device: &str,
    existing: &Stored,
    sent: &Prepared,
) -> Result<i64, Problem> {
    let own = actor.patient().filter(|own| sent.patient() == Some(own.as_str()));
    let Some(own) = own else {
        return Ok(existing.version);
    };
    let name = format!("{}/{}", existing.kind, existing.id);
    match sealed::claim_one(tx, device, actor, own.as_str(), &name)? {
        Some(version) => Ok(version),
        None => Err(Problem::Conflict("already-exists-with-other-content")),
    }
}

/// A change whose outcome is in the history already: offered again, by a device that does not know whether the backup
/// had it. The version is the one that it made then, so that what the device changed since stands on that.
fn done_before(
    tx: &Tx<'_>,
    actor: &Actor,
    now: &Stored,
    sent: &Prepared,
    base: i64,
) -> Result<Option<i64>, Problem> {
    // No version is beyond the largest number that a base can be.
    let Some(next) = base.checked_add(1).filter(|next| *next <= now.version) else {
        return Ok(None);
    };
    let Some(then) = table::version::get(tx.conn(), &now.kind, &now.id, next)?.filter(|then| !then.deleted)
    else {
        return Ok(None);
    };
    let of = Subject {
        kind: sent.kind(),
        id: sent.id().unwrap_or_default(),
        patient: sent.patient(),
        body: sent.body(),
    };
    let action = if base == 0 { Action::Create } else { Action::Update };
    let same = claim::same_content(&then.value()?, sent.body());
    Ok((same && interact::allowed(tx.conn(), actor, action, of)?).then_some(next))
}

fn not_signed(before: &Stored) -> Result<(), Problem> {
    if before.kind != "Composition" {
        return Ok(());
    }
    if text_at(&before.value()?, &["status"]) == Some("final") {
        return Err(Problem::Conflict("signed"));
    }
    Ok(())
}

/// The receipt of a report: its number, and since when the server has it.
///
/// # Errors
/// A failed statement.
pub fn receipt(tx: &Tx<'_>, kind: &str, id: &str) -> Result<Option<WireReceipt>, DbError> {
    if kind != "QuestionnaireResponse" {
        return Ok(None);
    }
    let Some((_, body)) = write::live(tx, kind, id)? else {
        return Ok(None);
    };
    let Some(number) = report::receipt_number(&body).map(str::to_owned) else {
        return Ok(None);
    };
    let first = table::version::get(tx.conn(), kind, id, 1)?;
    Ok(first.map(|first| WireReceipt {
        number,
        at: Timestamp(first.last_updated).to_instant(),
    }))
}
