//! The district of demonstrations: made up from a seed, loaded as what has happened before. No real person or place.

pub mod chance;
pub mod history;
pub mod names;
pub mod places;

use crate::app::App;
use crate::db::sqlite::table;
use crate::db::sqlite::table::user::UserRow;
use crate::db::{DbError, Precondition, Prepared, Tx, WriteError};
use chance::Chance;
use chrono::Datelike;
use history::Person;
use hms_model::map::{reference, report, system};
use hms_model::role::Role;
use hms_model::time::Timestamp;
use names::Name;
use places::Site;
use serde_json::{json, Value};

/// Employees of the district.
pub const EMPLOYEES: usize = 500;
/// Clinicians, with the one that `serve --demo` signs in.
pub const CLINICIANS: usize = 6;
/// Nurses, with the one that `serve --demo` signs in.
pub const NURSES: usize = 3;
/// Id of the district's Organization.
pub const DISTRICT: &str = "district";
/// The seed of the district.
const SEED: u64 = 0x0ACB_2026;
/// Resources in one change: short enough that requests get their turn.
const BATCH: usize = 250;
/// The name in `kv` that says that the district is there.
const DONE: &str = "demo.district";

/// How many people and places there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoPeople {
    /// Employees.
    pub employees: usize,
    /// Sites.
    pub sites: usize,
    /// Clinicians.
    pub clinicians: usize,
    /// Resources made now; 0 where the district was there already.
    pub resources: usize,
}

/// The ids that `serve --demo` gives its people; the district grows around them.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// Patient who is the carrier of the demonstration, at the first site.
    pub carrier: String,
    /// Practitioner.
    pub clinician: String,
    /// Practitioner.
    pub manager: String,
}

/// Makes the district, once.
///
/// # Errors
/// A failure of the database.
pub async fn seed(app: &App, anchors: &Anchors) -> Result<DemoPeople, WriteError> {
    let known = app
        .db
        .read(|read| -> Result<bool, DbError> { Ok(table::kv::get(read.conn(), DONE)?.is_some()) })
        .await?;
    let people = DemoPeople {
        employees: EMPLOYEES,
        sites: places::SITES,
        clinicians: CLINICIANS,
        resources: 0,
    };
    if known {
        return Ok(people);
    }
    let (now, anchors) = (app.clock.now(), anchors.clone());
    let prepared = tokio::task::spawn_blocking(move || prepare(&anchors, now))
        .await
        .map_err(|_| DbError::Panicked)??;
    let District { resources, accounts } = prepared;
    let count = resources.len();
    app.db
        .write(move |tx: &mut Tx<'_>| -> Result<(), WriteError> {
            for account in accounts {
                table::user::insert(tx.conn(), &account, None, tx.now_ms())?;
            }
            Ok(())
        })
        .await?;
    let mut rest = resources.into_iter().peekable();
    while rest.peek().is_some() {
        let batch: Vec<Prepared> = rest.by_ref().take(BATCH).collect();
        app.db.write(move |tx| store(tx, batch)).await?;
    }
    app.db
        .write(|tx: &mut Tx<'_>| -> Result<(), DbError> { table::kv::set(tx.conn(), DONE, "1") })
        .await?;
    Ok(DemoPeople {
        resources: count,
        ..people
    })
}

/// What is to be stored.
struct District {
    resources: Vec<Prepared>,
    accounts: Vec<UserRow>,
}

/// Stores a batch as history: nobody is notified of what happened months ago.
fn store(tx: &mut Tx<'_>, batch: Vec<Prepared>) -> Result<(), WriteError> {
    tx.without_consequences();
    for prepared in batch {
        let prepared = if report::is_report(prepared.body()) {
            let n = tx.next_number("receipt", 1001)?;
            prepared.with_element(
                "identifier",
                json!({"system": system::receipt(), "value": format!("HMS-{n}")}),
            )
        } else {
            prepared
        };
        match tx.put(prepared, Precondition::Absent) {
            // There already, from an earlier start that was cut short.
            Ok(_) | Err(WriteError::Precondition { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn prepare(anchors: &Anchors, now: Timestamp) -> Result<District, WriteError> {
    let mut chance = Chance::new(SEED);
    let sites = places::sites(&mut chance);
    let mut values: Vec<Value> = sites.iter().flat_map(places::site_resources).collect();
    values.extend(places::imaging());
    let mut accounts = Vec::new();
    let mut clinicians = vec![anchors.clinician.clone()];
    for n in 2..=CLINICIANS {
        let id = format!("clinician-{n}");
        staff(
            &mut chance,
            &mut values,
            &mut accounts,
            &id,
            Role::Clinician,
            None,
        );
        clinicians.push(id);
    }
    for n in 2..=NURSES {
        staff(
            &mut chance,
            &mut values,
            &mut accounts,
            &format!("nurse-{n}"),
            Role::Nurse,
            None,
        );
    }
    let mut managers = Vec::new();
    for (n, site) in sites.iter().enumerate() {
        if n == 0 {
            managers.push(anchors.manager.clone());
            values.push(manager_role(&anchors.manager, &site.id));
            continue;
        }
        let id = format!("manager-{}", n + 1);
        staff(
            &mut chance,
            &mut values,
            &mut accounts,
            &id,
            Role::Manager,
            Some(site),
        );
        values.push(manager_role(&id, &site.id));
        managers.push(id);
    }
    for n in 0..EMPLOYEES {
        let (site, manager) = (at(&sites, n), at(&managers, n));
        let (Some(site), Some(manager)) = (site, manager) else {
            continue;
        };
        let id = if n == 0 {
            anchors.carrier.clone()
        } else {
            format!("emp-{:04}", n + 1)
        };
        if n > 0 {
            values.push(employee(&mut chance, &id, n, site, now));
        }
        let person = Person {
            id,
            near: site.position,
            clinicians: clinicians.clone(),
            manager: manager.clone(),
        };
        values.extend(history::year(&mut chance, &person, now));
    }
    let resources = values.into_iter().map(Prepared::new).collect::<Result<_, _>>()?;
    Ok(District { resources, accounts })
}

fn at<T>(list: &[T], n: usize) -> Option<&T> {
    list.get(n % list.len().max(1))
}

fn staff(
    chance: &mut Chance,
    values: &mut Vec<Value>,
    accounts: &mut Vec<UserRow>,
    id: &str,
    role: Role,
    site: Option<&Site>,
) {
    let Name {
        given,
        family,
        gender,
    } = names::name(chance);
    values.push(
        json!({"resourceType": "Practitioner", "id": id, "active": true, "gender": gender,
        "name": [{"use": "official", "family": family, "given": [given]}]}),
    );
    accounts.push(UserRow {
        id: format!("user-{id}"),
        username: id.to_owned(),
        role,
        name: format!("{given} {family}"),
        fhir: Some(format!("Practitioner/{id}")),
        site: site.map(|s| s.id.clone()),
        district: site.is_none().then(|| DISTRICT.to_owned()),
        scopes: String::new(),
        disabled: false,
    });
}

fn manager_role(practitioner: &str, site: &str) -> Value {
    json!({"resourceType": "PractitionerRole", "id": format!("{practitioner}-role"), "active": true,
        "practitioner": reference("Practitioner", practitioner), "organization": reference("Organization", site),
        "code": [hms_model::map::concept(&system::codes("role"), "manager")]})
}

fn employee(chance: &mut Chance, id: &str, n: usize, site: &Site, now: Timestamp) -> Value {
    let Name {
        given,
        family,
        gender,
    } = names::name(chance);
    let year = i64::from(now.utc().year()) - 22 - chance.below(42);
    let language = if chance.percent(12) { "es" } else { "en" };
    json!({"resourceType": "Patient", "id": id, "active": true,
        "identifier": [{"system": system::codes("employee-number"), "value": format!("E-{}", 100_001 + n)}],
        "name": [{"use": "official", "family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": format!("507-555-{:04}", 100 + n % 100), "use": "mobile"}],
        "gender": gender,
        "birthDate": format!("{year}-{:02}-{:02}", 1 + chance.below(12), 1 + chance.below(28)),
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}, "preferred": true}],
        "managingOrganization": reference("Organization", &site.id)})
}
