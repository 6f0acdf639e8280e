//! `serve --demo`: an account for each role, and `demo.json` with their passwords and tokens.

use crate::app::App;
use crate::audit::AuditAgent;
use crate::auth::accounts::{self, AccountError, NewAccount};
use crate::auth::tokens::{self, SignIn};
use crate::auth::{oidc, password};
use crate::data_dir::{write_private, DataDir};
use crate::db::sqlite::table::user;
use crate::db::{Precondition, Prepared, Tx, WriteError};
use crate::demo::{self, Anchors, DISTRICT};
use anyhow::Context;
use hms_model::role::Role;
use hms_model::secret::Secret;
use serde_json::{json, Map, Value};

/// How long a token of `demo.json` is good for: a week of trying things out.
const TOKEN_MS: i64 = 7 * 24 * 3600 * 1000;

/// The site of the demonstration; the made-up district builds on it.
pub const SITE: &str = "site-001";

struct Person {
    role: Role,
    username: &'static str,
    given: &'static str,
    family: &'static str,
    kind: Option<&'static str>,
}

const PEOPLE: [Person; 8] = [
    Person {
        role: Role::Carrier,
        username: "dana",
        given: "Dana",
        family: "Reyes",
        kind: Some("Patient"),
    },
    Person {
        role: Role::Clinician,
        username: "ada",
        given: "Ada",
        family: "Okafor",
        kind: Some("Practitioner"),
    },
    Person {
        role: Role::Nurse,
        username: "nora",
        given: "Nora",
        family: "Lindqvist",
        kind: Some("Practitioner"),
    },
    Person {
        role: Role::Manager,
        username: "max",
        given: "Max",
        family: "Dubois",
        kind: Some("Practitioner"),
    },
    Person {
        role: Role::Hr,
        username: "hana",
        given: "Hana",
        family: "Sato",
        kind: Some("Practitioner"),
    },
    Person {
        role: Role::Compliance,
        username: "cora",
        given: "Cora",
        family: "Mbeki",
        kind: Some("Practitioner"),
    },
    Person {
        role: Role::Administrator,
        username: "amir",
        given: "Amir",
        family: "Haddad",
        kind: None,
    },
    Person {
        role: Role::System,
        username: "lab",
        given: "Imaging",
        family: "system",
        kind: None,
    },
];

/// The password of a demonstration account. It is printed in `demo.json`; the data behind it is made up.
fn password_of(person: &Person) -> String {
    format!("{}-shows-the-demo", person.username)
}

/// Makes the accounts that are missing, issues fresh tokens, and writes `demo.json`.
pub(super) async fn prepare(app: &App, dir: &DataDir) -> anyhow::Result<()> {
    let missing = app
        .db
        .read(|read| -> Result<Vec<usize>, crate::db::DbError> {
            let mut missing = Vec::new();
            for (i, person) in PEOPLE.iter().enumerate() {
                if user::by_name(read.conn(), person.username)?.is_none() {
                    missing.push(i);
                }
            }
            Ok(missing)
        })
        .await?;
    let strangers = app
        .db
        .read(|read| -> Result<bool, crate::db::DbError> {
            let ours = |name: &str| PEOPLE.iter().any(|person| person.username == name);
            Ok(user::all(read.conn())?.iter().any(|user| !ours(&user.username)))
        })
        .await?;
    anyhow::ensure!(
        !strangers || dir.root().join("demo.json").exists(),
        "{} holds accounts of its own; --demo would add eight with known passwords. Give it another --data",
        dir.root().display()
    );
    if !missing.is_empty() {
        tracing::info!("Making up a district; this takes a few seconds, on a busy machine a minute");
    }
    let mut hashes = vec![None; PEOPLE.len()];
    for index in &missing {
        if let (Some(person), Some(slot)) = (PEOPLE.get(*index), hashes.get_mut(*index)) {
            let secret = Secret::new(password_of(person));
            *slot = Some(tokio::task::spawn_blocking(move || password::hash(&secret)).await??);
        }
    }
    let users = app
        .db
        .write(
            move |tx: &mut Tx<'_>| -> Result<Map<String, Value>, AccountError> {
                places(tx)?;
                let mut users = Map::new();
                for (person, hash) in PEOPLE.iter().zip(hashes) {
                    users.insert(person.role.as_str().to_owned(), account(tx, person, hash)?);
                }
                Ok(users)
            },
        )
        .await?;
    let id_of = |role: Role| {
        PEOPLE
            .iter()
            .find(|p| p.role == role)
            .map(id_of)
            .unwrap_or_default()
    };
    let anchors = Anchors {
        carrier: id_of(Role::Carrier),
        clinician: id_of(Role::Clinician),
        manager: id_of(Role::Manager),
    };
    let district = demo::seed(app, &anchors)
        .await
        .context("cannot make the demonstration's district")?;
    if district.resources > 0 {
        let made = district.resources;
        tracing::info!(
            employees = district.employees,
            sites = district.sites,
            "Made up a district with {made} resources"
        );
    }
    let file = json!({
        "base_url": app.settings.base_url,
        "fhir_url": format!("{}/fhir", app.settings.base_url),
        "ca_file": std::path::absolute(dir.root().join("ca.pem"))?,
        "http_signin_url": app.settings.sign_in_url,
        "issuer": app.settings.base_url,
        "client_id": oidc::CLIENT_ID,
        "hpke_public_key": app.keys.hpke_public_key(),
        "help_phone": app.settings.help_phone,
        "users": users,
    });
    let path = dir.root().join("demo.json");
    write_private(&path, serde_json::to_string_pretty(&file)?.as_bytes())
        .context("cannot write demo.json")?;
    tracing::info!(accounts = PEOPLE.len(), "Wrote demo.json");
    Ok(())
}

fn id_of(person: &Person) -> String {
    format!("{}-{}", person.role.as_str(), person.username)
}

fn places(tx: &mut Tx<'_>) -> Result<(), AccountError> {
    put(
        tx,
        json!({"resourceType": "Organization", "id": DISTRICT, "active": true, "name": "Cedar Valley District"}),
    )?;
    put(
        tx,
        json!({"resourceType": "Organization", "id": SITE, "active": true, "name": "Cedar Valley Main Post Office",
        "partOf": {"reference": format!("Organization/{DISTRICT}")}}),
    )
}

fn account(tx: &mut Tx<'_>, person: &Person, hash: Option<String>) -> Result<Value, AccountError> {
    let id = id_of(person);
    let name = format!("{} {}", person.given, person.family);
    if let Some(kind) = person.kind {
        let mut resource = json!({"resourceType": kind, "id": id, "active": true,
            "name": [{"use": "official", "family": person.family, "given": [person.given]}]});
        if let (true, Some(object)) = (kind == "Patient", resource.as_object_mut()) {
            object.insert("gender".to_owned(), json!("female"));
            object.insert("birthDate".to_owned(), json!("1984-03-09"));
            object.insert(
                "telecom".to_owned(),
                json!([{"system": "phone", "value": "555-0173", "use": "mobile"}]),
            );
            object.insert(
                "identifier".to_owned(),
                json!([{
                "system": hms_model::map::system::codes("employee-number"), "value": "E-100001"}]),
            );
            object.insert(
                "managingOrganization".to_owned(),
                json!({"reference": format!("Organization/{SITE}")}),
            );
        }
        put(tx, resource)?;
    }
    let fhir = person.kind.map(|kind| format!("{kind}/{id}"));
    let existing = user::by_name(tx.conn(), person.username)?;
    let user_id = match existing {
        Some((account, _)) => account.id,
        None => accounts::add(
            tx,
            NewAccount {
                username: person.username.to_owned(),
                role: person.role,
                name,
                fhir: fhir.clone(),
                site: matches!(person.role, Role::Carrier | Role::Manager).then(|| SITE.to_owned()),
                district: matches!(person.role, Role::Nurse | Role::Clinician).then(|| DISTRICT.to_owned()),
                scopes: if person.role == Role::System {
                    "system/*.rs".to_owned()
                } else {
                    String::new()
                },
                password_hash: hash,
            },
            &AuditAgent::service(),
        )?,
    };
    let sign_in = SignIn {
        user_id: user_id.clone(),
        device_id: None,
        client: oidc::CLIENT_ID.to_owned(),
        scope: "openid".to_owned(),
        family: crate::random::id(),
    };
    let token = tokens::issue_access(tx, &sign_in, TOKEN_MS)?;
    Ok(json!({
        "username": person.username,
        "password": password_of(person),
        "token": token,
        "user_id": user_id,
        "fhir_id": person.kind.map(|_| id),
        "fhir": fhir,
    }))
}

/// Stores a resource unless it is there: the demonstration may have changed it since.
fn put(tx: &mut Tx<'_>, resource: Value) -> Result<(), AccountError> {
    let prepared = Prepared::new(resource).map_err(|_| AccountError::BadName)?;
    match tx.put(prepared, Precondition::Absent) {
        Ok(_) | Err(WriteError::Precondition { .. }) => Ok(()),
        Err(WriteError::Db(error)) => Err(error.into()),
        Err(_) => Err(AccountError::BadName),
    }
}
