//! Reports that came sealed: from phones that are locked, that nobody has signed in on, or that lost their key.

use super::{claim, write};
use crate::app::App;
use crate::audit::{AuditAction, AuditAgent};
use crate::auth::keys::Keys;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::sqlite::table::sealed::SealedRow;
use crate::db::{DbError, Precondition, Prepared, Tx, WriteError};
use crate::fhir::Problem;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::ids::{DeviceId, PatientId, ReportId};
use hms_model::map::task::{self, TaskKind};
use hms_model::map::{report, system, text_at};
use hms_model::wire::session::{SealedEntry, WireSealed, WireSealedResult};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The most resources in one entry: a report, its Task, a check with its answers, and photos.
const MOST_RESOURCES: usize = 24;
/// Between the id of an unfinished entry and the print of other words that came under the same id. No id of a device has
/// it.
const LATER: char = '~';

/// An entry that was opened.
struct Opened {
    row: SealedRow,
    resources: Vec<Value>,
}

/// Opens and stores one entry. Sent twice, it is stored once.
pub async fn take(app: &App, wire: WireSealed) -> WireSealedResult {
    let id = wire.id.clone();
    let result = |status, receipt| WireSealedResult { id, status, receipt };
    let opened = match open(app, wire) {
        Ok(opened) => opened,
        Err(status) => return result(status, None),
    };
    let keys = Arc::clone(&app.keys);
    let outcome = app.db.write(move |tx| store(tx, &keys, opened)).await;
    match outcome {
        Ok((status, receipt)) => result(status, receipt),
        Err(problem) => {
            if problem.status() >= 500 {
                tracing::error!(%problem, "A sealed entry was not stored");
            }
            result(problem.status(), None)
        }
    }
}

fn open(app: &App, wire: WireSealed) -> Result<Opened, u16> {
    ReportId::parse(&wire.id).map_err(|_| 400_u16)?;
    let enc = STANDARD.decode(&wire.enc).map_err(|_| 400_u16)?;
    let ciphertext = STANDARD.decode(&wire.ciphertext).map_err(|_| 400_u16)?;
    let entry = unseal(&app.keys, &wire.id, &enc, &ciphertext).ok_or(422_u16)?;
    if entry.resources.len() > MOST_RESOURCES || DeviceId::parse(&entry.device).is_err() {
        return Err(422);
    }
    if !entry.draft && !entry.resources.iter().all(is_taken) {
        return Err(422);
    }
    let row = SealedRow {
        id: wire.id,
        device: entry.device,
        account: entry.user,
        draft: entry.draft,
        enc,
        ciphertext,
        received_ms: app.clock.now_ms(),
        resources: Vec::new(),
    };
    Ok(Opened {
        row,
        resources: entry.resources,
    })
}

/// What is inside an entry; `None` where it was not sealed to this server, or is none.
pub(super) fn unseal(keys: &Keys, id: &str, enc: &[u8], ciphertext: &[u8]) -> Option<SealedEntry> {
    let sealed_as = id.split_once(LATER).map_or(id, |(sealed_as, _)| sealed_as);
    let plain = keys.unseal(sealed_as, enc, ciphertext).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// What may come without a sign-in: what a carrier sends, and nothing else.
fn is_taken(resource: &Value) -> bool {
    match text_at(resource, &["resourceType"]) {
        Some("QuestionnaireResponse") => {
            report::is_report(resource)
                || report::is_addition(resource)
                || text_at(resource, &["questionnaire"])
                    .is_some_and(|q| q.starts_with(&system::symptom_check("")))
        }
        Some("Task") => {
            task::kind(resource) == Some(TaskKind::ReviewReport)
                && text_at(resource, &["status"]) == Some("requested")
                && resource.get("owner").is_none()
        }
        Some("RiskAssessment" | "DocumentReference" | "Binary") => true,
        _ => false,
    }
}

type Stored = (u16, Option<hms_model::wire::sync::WireReceipt>);

fn store(tx: &mut Tx<'_>, keys: &Keys, opened: Opened) -> Result<Stored, Problem> {
    let Opened { mut row, resources } = opened;
    let known = table::sealed::known(tx.conn(), &row.id)?;
    // A finished entry is not replaced, neither by itself nor by an older, unfinished form.
    if known == Some(false) || (row.draft && is_kept(tx, keys, &row, &resources)?) {
        return Ok((
            200,
            super::sync::apply::receipt(tx, "QuestionnaireResponse", &row.id)?,
        ));
    }
    if row.draft {
        if known == Some(true) {
            // The person went on after it was handed in. Files can come in any order, so neither replaces the other.
            row.id = later_id(&row.id, &resources);
        }
        table::sealed::keep(tx.conn(), &row, None)?;
        return Ok((201, None));
    }
    let owner = owner(tx, &row)?;
    let about = about(tx, &resources.iter().collect::<Vec<_>>())?;
    // Whose it is depends on a report that is not here yet: nobody's for now, claimed once it is.
    let owner = owner.filter(|_| about != About::Unknown);
    for resource in resources {
        let colleague = about == About::Colleague;
        row.resources
            .extend(store_one(tx, resource, owner.as_ref(), colleague, &row.device)?);
    }
    let receipts = row
        .resources
        .iter()
        .find_map(|name| name.strip_prefix("QuestionnaireResponse/"));
    let receipt = super::sync::apply::receipt(tx, "QuestionnaireResponse", receipts.unwrap_or(&row.id))?;
    table::sealed::keep(tx.conn(), &row, owner.as_ref().map(|(user, _)| user.as_str()))?;
    Ok((201, receipt))
}

/// Whether these very words of an unfinished entry are kept.
fn is_kept(tx: &Tx<'_>, keys: &Keys, row: &SealedRow, resources: &[Value]) -> Result<bool, DbError> {
    let first = table::sealed::get_kept(tx.conn(), &row.id)?;
    let same = |kept: SealedRow| {
        let entry = unseal(keys, &kept.id, &kept.enc, &kept.ciphertext);
        entry.is_some_and(|entry| entry.resources == resources)
    };
    if first.is_some_and(same) {
        return Ok(true);
    }
    Ok(table::sealed::known(tx.conn(), &later_id(&row.id, resources))?.is_some())
}

fn later_id(id: &str, resources: &[Value]) -> String {
    let mut hash = Sha256::new();
    for resource in resources {
        hash.update(hms_fhir::canonical_json(resource));
        hash.update([0]);
    }
    let print: String = hash
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{id}{LATER}{print}")
}

/// The account of an entry and its patient, where device and entry agree on it. An entry alone proves nothing:
/// anybody can seal one.
fn owner(tx: &Tx<'_>, row: &SealedRow) -> Result<Option<(String, PatientId)>, Problem> {
    let Some(account) = &row.account else {
        return Ok(None);
    };
    let device = table::device::get(tx.conn(), &row.device)?.filter(|d| d.revoked_ms.is_none());
    let Some(device) = device else {
        return Ok(None);
    };
    // Somebody else may have signed in on it since: that takes nothing from whose sign-in there is still good.
    let lives = || table::token::lives_on(tx.conn(), &device.id, account, tx.now_ms());
    if device.user_id != *account && !lives()? {
        return Ok(None);
    }
    let user = table::user::by_id(tx.conn(), account)?;
    let patient = user.and_then(|u| PatientId::parse(u.fhir?.strip_prefix("Patient/")?).ok());
    Ok(patient.map(|patient| (account.clone(), patient)))
}

/// Whom an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Whoever sent it.
    Sender,
    /// A colleague: it is, or belongs to, a report for one.
    Colleague,
    /// It belongs to a report that is not here.
    Unknown,
}

/// A photo and a symptom check come as entries of their own: whom they are about, their report says.
fn about(tx: &Tx<'_>, resources: &[&Value]) -> Result<About, DbError> {
    if resources.iter().any(|r| claim::is_for_colleague(r)) {
        return Ok(About::Colleague);
    }
    let here = |id: &str| resources.iter().any(|r| text_at(r, &["id"]) == Some(id));
    let mut found = About::Sender;
    for resource in resources {
        for (_, link) in hms_fhir::references(resource) {
            let Some(id) = link.strip_prefix("QuestionnaireResponse/").filter(|id| !here(id)) else {
                continue;
            };
            match write::live(tx, "QuestionnaireResponse", id)? {
                Some((_, body)) if claim::is_for_colleague(&body) => return Ok(About::Colleague),
                Some(_) => {}
                None => found = About::Unknown,
            }
        }
    }
    Ok(found)
}

/// Stores one resource of an entry, and returns its name; one that came by sync before is left as it is.
fn store_one(
    tx: &mut Tx<'_>,
    mut resource: Value,
    owner: Option<&(String, PatientId)>,
    colleague: bool,
    device: &str,
) -> Result<Option<String>, Problem> {
    let kind = text_at(&resource, &["resourceType"])
        .unwrap_or_default()
        .to_owned();
    let id = text_at(&resource, &["id"]).unwrap_or_default().to_owned();
    if tx.get(&kind, &id)?.is_some() {
        return Ok(None);
    }
    let author = resource.get("author").cloned();
    claim::set_nobody(&mut resource, &kind);
    if let Some((_, patient)) = owner {
        if !colleague {
            claim::set_patient(&mut resource, &kind, patient.as_str());
            // As the phone sends it by sync: the same entry twice says the same.
            let own = |author: &Value| hms_model::map::id_in(author, "Patient") == Some(patient.as_str());
            if let (Some(author), Some(map)) = (author.filter(own), resource.as_object_mut()) {
                map.insert("author".into(), author);
            }
        } else if report::is_report(&resource) {
            if let Some(map) = resource.as_object_mut() {
                map.insert(
                    "author".into(),
                    hms_model::map::reference("Patient", patient.as_str()),
                );
            }
        }
    }
    let prepared = Prepared::new(resource)?;
    let Some(id) = prepared.id().map(str::to_owned) else {
        return Err(Problem::Bad("no id".to_owned()));
    };
    let body = prepared.body().clone();
    drop(prepared);
    write::store(
        tx,
        body,
        Precondition::Absent,
        AuditAction::Create,
        &device_agent(device),
    )?;
    Ok(Some(format!("{kind}/{id}")))
}

fn device_agent(device: &str) -> AuditAgent {
    AuditAgent {
        reference: format!("Device/{device}"),
        name: "a phone, before sign-in".to_owned(),
        role: None,
        device: Some(device.to_owned()),
    }
}

/// Gives what came sealed from a device to the carrier who has signed in on it. Returns how many entries.
///
/// # Errors
/// A failure of the database.
pub async fn claim_for(app: &App, actor: &Actor, device: &str) -> Result<usize, WriteError> {
    let Some(patient) = actor.patient() else {
        return Ok(0);
    };
    let (user, device) = (actor.user.to_string(), device.to_owned());
    let (account, on) = (user.clone(), device.clone());
    let waiting = app
        .db
        .read(move |read| table::sealed::claimable(read.conn(), &on, &account))
        .await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let agent = actor.audit_agent();
    app.db
        .write(move |tx| {
            let mut claimed = 0;
            for (id, resources) in table::sealed::claimable(tx.conn(), &device, &user)? {
                if claim_entry(tx, &resources, patient.as_str(), &agent)? {
                    table::sealed::claim(tx.conn(), &id, &user)?;
                    claimed += 1;
                }
            }
            Ok(claimed)
        })
        .await
}

/// Gives the entry that one resource came in to who has signed in on its device. Returns the resource's version after
/// it; `None` where it did not come sealed from that device, or is a colleague's.
///
/// # Errors
/// A failure of the database.
pub fn claim_one(
    tx: &mut Tx<'_>,
    device: &str,
    actor: &Actor,
    patient: &str,
    name: &str,
) -> Result<Option<i64>, WriteError> {
    let user = actor.user.to_string();
    let waiting = table::sealed::claimable(tx.conn(), device, &user)?;
    let Some((id, resources)) = waiting
        .into_iter()
        .find(|(_, all)| all.iter().any(|one| one == name))
    else {
        return Ok(None);
    };
    let known = claim_entry(tx, &resources, patient, &actor.audit_agent())?;
    if known {
        table::sealed::claim(tx.conn(), &id, &user)?;
    }
    let Some((kind, of)) = name.split_once('/') else {
        return Ok(None);
    };
    let now = write::live(tx, kind, of)?;
    // Not known yet whom it is about: the server has it, and it is nobody's until its report comes.
    Ok(now
        .filter(|(stored, _)| !known || stored.patient.as_deref() == Some(patient))
        .map(|(stored, _)| stored.version))
}

/// Gives an entry to its sender; `false` where it is not known yet whom it is about.
fn claim_entry(
    tx: &mut Tx<'_>,
    resources: &[String],
    patient: &str,
    agent: &AuditAgent,
) -> Result<bool, WriteError> {
    let mut live = Vec::new();
    for name in resources {
        if let Some((kind, id)) = name.split_once('/') {
            live.extend(write::live(tx, kind, id)?);
        }
    }
    let about = about(tx, &live.iter().map(|(_, body)| body).collect::<Vec<_>>())?;
    if about == About::Unknown {
        return Ok(false);
    }
    for (stored, body) in live {
        if about == About::Sender {
            // Its own claim may have been made by the hook of its report meanwhile.
            if let Some((stored, _)) = write::live(tx, &stored.kind, &stored.id)? {
                claim::claim(tx, &stored, patient, agent)?;
            }
        } else if report::is_report(&body) {
            claim::claim_as_author(tx, &stored, patient, agent)?;
        }
    }
    Ok(true)
}
