//! `crowd --data DIR --visits N --out FILE`: a server's data with N clinicians, N carriers and one claimed queue entry for each
//! pair, for the bench of many visits at once. Writes their tokens. Made up, and for nothing but a bench: nobody here has a
//! password.

use anyhow::{bail, Context};
use hms_model::map::task::TaskKind;
use hms_model::map::{concept, reference, system};
use hms_model::role::Role;
use hms_model::time::Timestamp;
use hms_server::app::App;
use hms_server::auth::oidc;
use hms_server::auth::tokens::{self, SignIn};
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::sqlite::table::user::{self, UserRow};
use hms_server::db::{DbError, Precondition, Prepared, Tx, WriteError};
use hms_server::random;
use serde_json::{json, Value};
use std::path::PathBuf;

/// A day: longer than any bench.
const TOKEN_MS: i64 = 24 * 3600 * 1000;
/// Pairs in one change.
const BATCH: usize = 100;
const DISTRICT: &str = "district";
const SITE: &str = "site-001";

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (mut data, mut visits, mut out) = (None, None, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--data" => data = args.next().map(PathBuf::from),
            "--visits" => visits = args.next().and_then(|n| n.parse::<usize>().ok()),
            "--out" => out = args.next().map(PathBuf::from),
            other => bail!("crowd does not take {other}"),
        }
    }
    let (Some(data), Some(visits), Some(out)) = (data, visits, out) else {
        bail!("usage: crowd --data DIR --visits N --out FILE");
    };
    let app = App::open(&DataDir::init(&data)?, Clock::System)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let pairs = runtime.block_on(make(&app, visits))?;
    std::fs::write(&out, serde_json::to_vec(&pairs)?).with_context(|| out.display().to_string())?;
    Ok(())
}

async fn make(app: &App, visits: usize) -> anyhow::Result<Vec<Value>> {
    app.db
        .write(|tx: &mut Tx<'_>| -> Result<(), WriteError> {
            tx.without_consequences();
            put(
                tx,
                json!({"resourceType": "Organization", "id": DISTRICT, "active": true, "name": "District"}),
            )?;
            put(
                tx,
                json!({"resourceType": "Organization", "id": SITE, "active": true, "name": "Site",
                    "partOf": reference("Organization", DISTRICT)}),
            )
        })
        .await?;
    let mut pairs = Vec::with_capacity(visits);
    while pairs.len() < visits {
        let range = pairs.len()..visits.min(pairs.len() + BATCH);
        let made = app
            .db
            .write(move |tx: &mut Tx<'_>| -> Result<Vec<Value>, WriteError> {
                tx.without_consequences();
                range.map(|number| pair(tx, number)).collect()
            })
            .await?;
        pairs.extend(made);
    }
    Ok(pairs)
}

/// A clinician who has claimed a carrier's report.
fn pair(tx: &mut Tx<'_>, number: usize) -> Result<Value, WriteError> {
    let (clinician, carrier) = (format!("clinician-{number}"), format!("carrier-{number}"));
    let name = |id: &str| json!([{"use": "official", "family": id, "given": ["Made-up"]}]);
    put(
        tx,
        json!({"resourceType": "Practitioner", "id": clinician, "active": true, "name": name(&clinician)}),
    )?;
    put(
        tx,
        json!({"resourceType": "Patient", "id": carrier, "active": true, "name": name(&carrier),
            "managingOrganization": reference("Organization", SITE)}),
    )?;
    let (report, task) = (format!("report-{number}"), format!("task-{number}"));
    let now = Timestamp(tx.now_ms()).to_instant();
    put(
        tx,
        json!({"resourceType": "QuestionnaireResponse", "id": report, "status": "completed",
            "subject": reference("Patient", &carrier), "authored": now}),
    )?;
    put(
        tx,
        json!({"resourceType": "Task", "id": task, "status": "in-progress", "intent": "order", "priority": "routine",
            "code": concept(&system::codes("task"), TaskKind::ReviewReport.code()),
            "focus": reference("QuestionnaireResponse", &report), "for": reference("Patient", &carrier),
            "owner": reference("Practitioner", &clinician), "authoredOn": now}),
    )?;
    Ok(json!({
        "task": task,
        "clinician": account(tx, &clinician, Role::Clinician, "Practitioner")?,
        "carrier": account(tx, &carrier, Role::Carrier, "Patient")?,
    }))
}

/// Makes an account; gives a token of it.
fn account(tx: &mut Tx<'_>, id: &str, role: Role, kind: &str) -> Result<String, DbError> {
    let carrier = role == Role::Carrier;
    let row = UserRow {
        id: format!("user-{id}"),
        username: id.to_owned(),
        role,
        name: id.to_owned(),
        fhir: Some(format!("{kind}/{id}")),
        site: carrier.then(|| SITE.to_owned()),
        district: (!carrier).then(|| DISTRICT.to_owned()),
        scopes: String::new(),
        disabled: false,
    };
    user::insert(tx.conn(), &row, None, tx.now_ms())?;
    let sign_in = SignIn {
        user_id: row.id,
        device_id: None,
        client: oidc::CLIENT_ID.to_owned(),
        scope: "openid".to_owned(),
        family: random::id(),
    };
    tokens::issue_access(tx, &sign_in, TOKEN_MS)
}

fn put(tx: &mut Tx<'_>, resource: Value) -> Result<(), WriteError> {
    let prepared = Prepared::new(resource)?;
    tx.put(prepared, Precondition::Absent).map(|_| ())
}
