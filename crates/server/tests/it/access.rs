//! The walk over every route, every role, and every relation. A route without a row here fails.

use crate::world::{nobody, observation, patient, review_task, Answer, Person, World};
use hms_model::map::system;
use hms_model::role::Role;
use hms_server::db::sqlite::table::token::{revoke, Of};
use hms_server::db::{DbError, Tx};
use hms_server::routes::{self, Access};
use serde_json::{json, Value};

/// How the actor stands to the patient of the resource that a route is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Their own record; for staff, one they look after themselves.
    Own,
    /// A colleague's at the same site; for a clinician, one in the queue; for a nurse, one of the district.
    Related,
    /// Nobody's business of theirs.
    Unrelated,
    /// As [`Relation::Own`], but the sign-in was revoked.
    Revoked,
}

const RELATIONS: [Relation; 4] = [
    Relation::Own,
    Relation::Related,
    Relation::Unrelated,
    Relation::Revoked,
];

/// What a route is expected to do for a role that is in a relation and not revoked.
#[derive(Clone, Copy)]
enum Expect {
    /// Open to anybody.
    Public,
    /// Open to anybody who is signed in.
    SignedIn,
    /// Open to these roles.
    Only(&'static [Role]),
    /// Brings down what is in the caller's scope; what the scope of each role is, the tests of sync say.
    Sync,
    /// Reads an Observation.
    ReadChart,
    /// Writes an Observation.
    WriteChart,
    /// Deletes an Observation: nobody of these roles.
    Nobody,
    /// Somebody else's device cannot be revoked, except by an administrator.
    OtherDevice,
}

/// Who sends photos and recordings. Whose each one is, the tests of uploads say.
const UPLOADERS: &[Role] = &[Role::Carrier, Role::Clinician];

/// Method, path, expectation, and a body for the request.
const ROWS: &[(&str, &str, Expect)] = &[
    ("GET", "/.well-known/openid-configuration", Expect::Public),
    ("GET", "/oauth/jwks.json", Expect::Public),
    ("GET", "/oauth/style.css", Expect::Public),
    ("GET", "/oauth/authorize", Expect::Public),
    ("POST", "/oauth/authorize", Expect::Public),
    ("GET", "/oauth/device", Expect::Public),
    ("POST", "/oauth/device", Expect::Public),
    ("GET", "/oauth/welcome", Expect::Public),
    ("POST", "/oauth/welcome", Expect::Public),
    ("POST", "/oauth/token", Expect::Public),
    ("POST", "/oauth/device_authorization", Expect::Public),
    ("POST", "/oauth/revoke", Expect::Public),
    ("GET", "/oauth/userinfo", Expect::SignedIn),
    ("GET", "/api/hello", Expect::Public),
    ("GET", "/staff", Expect::Public),
    ("GET", "/staff/{*file}", Expect::Public),
    ("GET", "/api/session", Expect::SignedIn),
    ("GET", "/api/devices", Expect::SignedIn),
    ("DELETE", "/api/devices/{id}", Expect::OtherDevice),
    ("GET", "/api/users", Expect::Only(&[Role::Administrator])),
    ("POST", "/api/users", Expect::Only(&[Role::Administrator])),
    (
        "GET",
        "/api/users/{username}/devices",
        Expect::Only(&[Role::Administrator]),
    ),
    (
        "POST",
        "/api/users/{username}/disable",
        Expect::Only(&[Role::Administrator]),
    ),
    (
        "POST",
        "/api/users/{username}/enable",
        Expect::Only(&[Role::Administrator]),
    ),
    (
        "POST",
        "/api/users/{username}/reset-pin",
        Expect::Only(&[Role::Administrator]),
    ),
    ("GET", "/fhir/metadata", Expect::Public),
    ("POST", "/fhir", Expect::WriteChart),
    ("POST", "/fhir/", Expect::WriteChart),
    ("GET", "/fhir/_history", Expect::ReadChart),
    ("GET", "/fhir/{kind}", Expect::ReadChart),
    ("POST", "/fhir/{kind}", Expect::WriteChart),
    ("PUT", "/fhir/{kind}", Expect::WriteChart),
    ("DELETE", "/fhir/{kind}", Expect::Nobody),
    ("PATCH", "/fhir/{kind}/{id}", Expect::WriteChart),
    ("POST", "/fhir/{kind}/_search", Expect::ReadChart),
    ("GET", "/fhir/{kind}/_history", Expect::ReadChart),
    ("GET", "/fhir/{kind}/{id}", Expect::ReadChart),
    ("PUT", "/fhir/{kind}/{id}", Expect::WriteChart),
    ("DELETE", "/fhir/{kind}/{id}", Expect::Nobody),
    ("GET", "/fhir/{kind}/{id}/_history", Expect::ReadChart),
    ("GET", "/fhir/{kind}/{id}/_history/{version}", Expect::ReadChart),
    ("POST", "/fhir/$hms-sync", Expect::Sync),
    ("POST", "/fhir/$hms-sync-digest", Expect::Sync),
    ("GET", "/dictionary/hms-sync-1", Expect::Public),
    ("POST", "/api/sealed", Expect::Public),
    ("OPTIONS", "/api/uploads", Expect::Public),
    ("POST", "/api/uploads", Expect::Only(UPLOADERS)),
    ("OPTIONS", "/api/uploads/{id}", Expect::Public),
    ("HEAD", "/api/uploads/{id}", Expect::Only(UPLOADERS)),
    ("PATCH", "/api/uploads/{id}", Expect::Only(UPLOADERS)),
    ("DELETE", "/api/uploads/{id}", Expect::Only(UPLOADERS)),
    ("POST", "/api/recover", Expect::SignedIn),
    ("GET", "/signal", Expect::SignedIn),
    ("POST", "/signal/poll", Expect::SignedIn),
    ("POST", "/api/visits/{id}/quality", Expect::SignedIn),
    (
        "GET",
        "/api/queue/signals",
        Expect::Only(&[Role::Clinician, Role::Nurse]),
    ),
    (
        "POST",
        "/api/reports/{id}/person",
        Expect::Only(&[Role::Clinician, Role::Nurse]),
    ),
    ("GET", "/api/relay", Expect::Only(&[Role::Administrator])),
];

/// Whether the caller should get in; `None` where it depends on more than role and relation.
fn expected(expect: Expect, role: Role, relation: Relation) -> Option<bool> {
    if relation == Relation::Revoked {
        return Some(matches!(expect, Expect::Public));
    }
    let chart = matches!(role, Role::Carrier | Role::Clinician | Role::Nurse);
    if matches!(expect, Expect::Sync) && chart && relation != Relation::Unrelated {
        return None;
    }
    Some(match expect {
        Expect::Sync => false,
        Expect::Public | Expect::SignedIn => true,
        Expect::Only(only) => only.contains(&role),
        Expect::Nobody => false,
        Expect::OtherDevice => role == Role::Administrator,
        Expect::ReadChart => match role {
            Role::Carrier => relation == Relation::Own,
            Role::Clinician | Role::Nurse => relation != Relation::Unrelated,
            // The system account of this world has the scope system/*.rs.
            Role::System => true,
            Role::Manager | Role::Hr | Role::Compliance | Role::Administrator => false,
        },
        Expect::WriteChart => match role {
            Role::Clinician | Role::Nurse => relation != Relation::Unrelated,
            Role::Carrier
            | Role::System
            | Role::Manager
            | Role::Hr
            | Role::Compliance
            | Role::Administrator => false,
        },
    })
}

/// One person for each role, and for each relation a patient with one reading.
struct Cast {
    w: World,
    people: Vec<(Role, Person)>,
}

fn patient_for(role: Role, relation: Relation) -> &'static str {
    match (role, relation) {
        (_, Relation::Unrelated) => "far",
        (Role::Clinician, Relation::Own | Relation::Revoked) => "treated",
        (Role::Clinician, Relation::Related) => "queued",
        (_, Relation::Own | Relation::Revoked) => "dana",
        (_, Relation::Related) => "colleague",
    }
}

async fn cast() -> Cast {
    let w = World::new();
    w.given(json!({"resourceType": "Organization", "id": "here", "name": "Here", "partOf": {"reference": "Organization/district"}})).await;
    w.given(json!({"resourceType": "Organization", "id": "there", "name": "There"}))
        .await;
    for (id, site) in [
        ("dana", "here"),
        ("colleague", "here"),
        ("treated", "there"),
        ("queued", "there"),
        ("far", "there"),
    ] {
        w.given(patient(id, site)).await;
        w.given(observation(&format!("o-{id}"), id, 37.0)).await;
    }
    w.given(review_task("t1", "queued", None)).await;
    let mut done = review_task("t2", "treated", Some("ada"));
    done["status"] = json!("completed");
    w.given(done).await;
    let mut people = Vec::new();
    for role in Role::ALL {
        let (fhir, place) = match role {
            Role::Carrier => (Some("Patient/dana"), Some("here")),
            Role::Clinician => (Some("Practitioner/ada"), None),
            Role::Nurse => (Some("Practitioner/nora"), Some("district")),
            Role::Manager => (Some("Practitioner/max"), Some("here")),
            Role::Hr | Role::Compliance | Role::Administrator | Role::System => (None, None),
        };
        people.push((role, w.person(role.as_str(), role, fhir, place).await));
    }
    Cast { w, people }
}

/// Sends what the row describes; says whether the caller got in.
async fn gets_in(w: &World, who: &Person, method: &str, path: &str, patient: &str) -> bool {
    let id = format!("o-{patient}");
    let reading = observation(&id, patient, 38.0);
    let mut new = reading.clone();
    new.as_object_mut().expect("object").shift_remove("id");
    let address = path
        .replace("{kind}", "Observation")
        .replace("{version}", "1")
        .replace("{username}", "nobody")
        .replace("/api/devices/{id}", "/api/devices/not-theirs")
        .replace("{id}", &id);
    let address = match (method, path) {
        ("GET", "/fhir/{kind}") => format!("{address}?subject=Patient/{patient}"),
        ("POST", "/fhir/{kind}/_search") => format!("{address}?subject=Patient/{patient}"),
        ("PUT" | "DELETE", "/fhir/{kind}") => format!("{address}?_id={id}"),
        _ => address,
    };
    let body: Option<Value> = match (method, path) {
        ("POST", "/fhir" | "/fhir/") => {
            Some(json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "PUT", "url": format!("Observation/{id}")}, "resource": reading}]}))
        }
        ("POST", "/fhir/{kind}") => Some(new),
        ("PUT", _) => Some(reading),
        ("PATCH", _) => Some(json!([{"op": "replace", "path": "/status", "value": "amended"}])),
        ("POST", "/fhir/$hms-sync") => Some(json!({"cursor": "", "scope": "mine"})),
        ("POST", "/fhir/$hms-sync-digest") => {
            Some(json!({"cursor": null, "scope": "mine", "records": [format!("Observation/{id}")]}))
        }
        ("POST", "/api/users") => Some(json!({"username": "x", "role": "carrier", "name": "x"})),
        _ => None,
    };
    let answer = match (method, path) {
        ("POST", "/fhir/$hms-sync" | "/fhir/$hms-sync-digest") => {
            let lines = [("content-type", "application/x-ndjson"), ("x-hms-device", "walk")];
            w.ask_with(who, method, path, body.as_ref(), &lines).await
        }
        ("PATCH", _) => {
            let media = [("content-type", "application/json-patch+json")];
            w.ask_with(who, method, &address, body.as_ref(), &media).await
        }
        ("POST", p) if p.starts_with("/oauth") => w.form(&address, &[]).await,
        _ => w.ask(who, method, &address, body.as_ref()).await,
    };
    // A list that holds nothing of the patient is as closed as a refusal.
    match (method, path) {
        ("GET", "/fhir/{kind}" | "/fhir/_history" | "/fhir/{kind}/_history")
        | ("POST", "/fhir/{kind}/_search") => answer.status.is_success() && holds(&answer, &id),
        ("POST", "/fhir/$hms-sync") => answer.status.is_success() && answer.text().contains(&id),
        // That there is none is said of every name.
        ("POST", "/fhir/$hms-sync-digest") => {
            answer.status.is_success() && answer.text().contains("\"resource\"")
        }
        // Without a device or an account of that name the administrator's answer is that there is none.
        ("DELETE", "/api/devices/{id}")
        | (
            "POST" | "GET",
            "/api/users/{username}/devices"
            | "/api/users/{username}/disable"
            | "/api/users/{username}/enable"
            | "/api/users/{username}/reset-pin",
        ) => !matches!(answer.status.as_u16(), 401 | 403),
        // Files of a page that this server does not have: to everybody alike.
        ("GET", "/staff" | "/staff/{*file}") => !matches!(answer.status.as_u16(), 401 | 403),
        // A wrong password on a page is 401 as well, but asks for no token.
        (_, p) if p.starts_with("/oauth/") => answer.header("www-authenticate").is_empty(),
        _ => !matches!(answer.status.as_u16(), 401 | 403 | 404),
    }
}

fn holds(answer: &Answer, id: &str) -> bool {
    answer.ids().iter().any(|found| found == id)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let Cast { w, people } = cast().await;
    let mut wrong = Vec::new();
    for relation in RELATIONS {
        if relation == Relation::Revoked {
            for (_, person) in &people {
                let family = person.user.clone();
                w.app
                    .db
                    .write(move |tx: &mut Tx<'_>| -> Result<(), DbError> {
                        revoke(tx.conn(), Of::Family(&family), tx.now_ms())
                    })
                    .await
                    .expect("revoke");
            }
        }
        for route in routes::all() {
            let Some((_, _, expect)) = ROWS
                .iter()
                .find(|(m, p, _)| *m == route.method.as_str() && *p == route.path)
            else {
                panic!("{} {} has no row in the access walk", route.method, route.path);
            };
            for (role, person) in &people {
                // Own devices are tried in the sign-in tests; here the device is somebody else's.
                if matches!(expect, Expect::OtherDevice) && *role != Role::Administrator {
                    let answer = w.ask(person, "DELETE", "/api/devices/not-theirs", None).await;
                    assert!(matches!(answer.status.as_u16(), 401 | 404));
                    continue;
                }
                let patient = patient_for(*role, relation);
                let got_in = gets_in(&w, person, route.method.as_str(), route.path, patient).await;
                if expected(*expect, *role, relation).is_some_and(|should| should != got_in) {
                    wrong.push(format!(
                        "{} {} {role:?} {relation:?}: got in: {got_in}",
                        route.method, route.path
                    ));
                }
            }
            if route.access != Access::Public {
                let anonymous = gets_in(&w, &nobody(), route.method.as_str(), route.path, "dana").await;
                assert!(
                    !anonymous,
                    "{} {} let in somebody without a token",
                    route.method, route.path
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_row_of_the_walk_that_has_no_route_is_stale() {
    let all = routes::all();
    for (method, path, _) in ROWS {
        assert!(
            all.iter()
                .any(|r| r.method.as_str() == *method && r.path == *path),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_carrier_reports_for_themselves_and_for_a_colleague_and_reads_only_their_own() {
    let w = World::new();
    let dana = w.carrier("dana", "here").await;
    w.carrier("bo", "here").await;
    let report = |id: &str, of: &str| {
        json!({"resourceType": "QuestionnaireResponse", "id": id, "status": "completed",
            "subject": {"reference": format!("Patient/{of}")}, "author": {"reference": "Patient/dana"}})
    };

    w.put(&dana, &report("mine", "dana")).await.expect(201);
    let again = report("mine", "dana");
    w.ask_with(
        &dana,
        "PUT",
        "/fhir/QuestionnaireResponse/mine",
        Some(&again),
        &[("if-none-match", "*")],
    )
    .await
    .expect(412);
    // Only its words say whose it is: nobody writes into another's record.
    w.put(&dana, &report("named", "bo")).await.expect(403);
    let mut bos = report("bos", "bo");
    bos.as_object_mut().expect("object").shift_remove("subject");
    w.put(&dana, &bos).await.expect(201);
    let mut forged = report("forged", "bo");
    forged["author"] = json!({"reference": "Patient/bo"});
    w.put(&dana, &forged).await.expect(403);

    w.get(&dana, "/fhir/QuestionnaireResponse/mine").await.expect(200);
    w.get(&dana, "/fhir/QuestionnaireResponse/bos").await.expect(404);
    assert_eq!(
        w.get(&dana, "/fhir/QuestionnaireResponse")
            .await
            .expect(200)
            .ids(),
        ["mine"]
    );
    // A report never changes.
    w.put(&dana, &report("mine", "dana")).await.expect(403);
}

#[tokio::test]
async fn a_carrier_sees_a_note_only_once_it_is_signed_and_never_its_drafts() {
    let w = World::new();
    let dana = w.carrier("dana", "here").await;
    let ada = w
        .person("ada", Role::Clinician, Some("Practitioner/ada"), None)
        .await;
    w.given(review_task("t", "dana", Some("ada"))).await;
    let note = |status: &str| {
        let mut note = json!({"resourceType": "Composition", "id": "n", "status": status, "title": "Note", "date": "2026-11-21T12:00:00Z",
            "type": {"text": "note"}, "subject": {"reference": "Patient/dana"}, "author": [{"reference": "Practitioner/ada"}]});
        if status == "final" {
            note["attester"] = json!([{"mode": "legal", "party": {"reference": "Practitioner/ada"}}]);
        }
        note
    };

    w.put(&ada, &note("preliminary")).await.expect(201);
    w.get(&dana, "/fhir/Composition/n").await.expect(404);
    assert!(w
        .get(&dana, "/fhir/Composition")
        .await
        .expect(200)
        .ids()
        .is_empty());
    w.put(&ada, &note("final")).await.expect(200);
    w.get(&dana, "/fhir/Composition/n").await.expect(200);
    assert_eq!(w.get(&dana, "/fhir/Composition").await.expect(200).ids(), ["n"]);
    w.get(&dana, "/fhir/Composition/n/_history/1").await.expect(404);
    assert_eq!(
        w.get(&dana, "/fhir/Composition/n/_history")
            .await
            .expect(200)
            .entries()
            .len(),
        1
    );
    // Signed is signed.
    w.put(&ada, &note("final")).await.expect(409);
}

#[tokio::test]
async fn a_clinician_loses_a_patient_who_leaves_the_queue_and_keeps_their_own() {
    let w = World::new();
    w.given(patient("dana", "here")).await;
    w.given(observation("o", "dana", 37.0)).await;
    let ada = w
        .person("ada", Role::Clinician, Some("Practitioner/ada"), None)
        .await;
    let ian = w
        .person("ian", Role::Clinician, Some("Practitioner/ian"), None)
        .await;
    w.get(&ada, "/fhir/Observation/o").await.expect(404);

    w.given(review_task("t", "dana", Some("ada"))).await;
    w.get(&ada, "/fhir/Observation/o").await.expect(200);
    w.get(&ian, "/fhir/Observation/o").await.expect(200);
    let mut done = review_task("t", "dana", Some("ada"));
    done["status"] = json!("completed");
    w.given(done).await;

    w.get(&ada, "/fhir/Observation/o").await.expect(200);
    w.get(&ian, "/fhir/Observation/o").await.expect(404);
    assert!(w
        .get(&ian, "/fhir/Observation")
        .await
        .expect(200)
        .ids()
        .is_empty());
}

#[tokio::test]
async fn a_manager_sees_notices_and_decisions_of_their_site_and_nothing_clinical() {
    let w = World::new();
    w.given(patient("dana", "here")).await;
    w.given(patient("far", "there")).await;
    let max = w
        .person("max", Role::Manager, Some("Practitioner/max"), Some("here"))
        .await;
    for (id, code, of) in [
        ("notice", "supervisor-notice", "dana"),
        ("duty", "duty-decision", "dana"),
        ("far", "supervisor-notice", "far"),
        ("queue", "review-report", "dana"),
    ] {
        let mut task = review_task(id, of, None);
        task["code"] = json!({"coding": [{"system": system::codes("task"), "code": code}]});
        w.given(task).await;
    }

    assert_eq!(
        w.get(&max, "/fhir/Task").await.expect(200).ids(),
        ["notice", "duty"]
    );
    w.get(&max, "/fhir/Task/queue").await.expect(404);
    w.get(&max, "/fhir/Task/far").await.expect(404);
    w.get(&max, "/fhir/Patient/dana").await.expect(403);
    w.get(&max, "/fhir/Observation").await.expect(403);
    let mut decided = w.get(&max, "/fhir/Task/duty").await.expect(200).json();
    decided["status"] = json!("in-progress");
    w.put(&max, &decided).await.expect(200);
    decided["code"]["coding"][0]["code"] = json!("review-report");
    w.put(&max, &decided).await.expect(403);
}

#[tokio::test]
async fn of_two_clinicians_who_claim_a_task_one_gets_it() {
    let w = World::new();
    w.given(patient("dana", "here")).await;
    w.given(review_task("t", "dana", None)).await;
    let ada = w
        .person("ada", Role::Clinician, Some("Practitioner/ada"), None)
        .await;
    let ian = w
        .person("ian", Role::Clinician, Some("Practitioner/ian"), None)
        .await;
    let (a, b) = (
        review_task("t", "dana", Some("ada")),
        review_task("t", "dana", Some("ian")),
    );
    let headers = [("if-match", "W/\"1\"")];

    let (first, second) = tokio::join!(
        w.ask_with(&ada, "PUT", "/fhir/Task/t", Some(&a), &headers),
        w.ask_with(&ian, "PUT", "/fhir/Task/t", Some(&b), &headers)
    );

    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn a_nurse_sees_an_unclaimed_report_but_no_queue_of_another_district() {
    let w = World::new();
    let nora = w
        .person("nora", Role::Nurse, Some("Practitioner/nora"), Some("district"))
        .await;
    w.given(patient("far", "there")).await;
    w.given(review_task("far-task", "far", None)).await;
    let report = json!({"resourceType": "QuestionnaireResponse", "id": "sealed", "status": "completed"});
    w.given(report).await;
    let mut task = review_task("sealed-task", "far", None);
    let object = task.as_object_mut().expect("object");
    object.shift_remove("for");
    object.insert(
        "focus".to_owned(),
        json!({"reference": "QuestionnaireResponse/sealed"}),
    );
    w.given(task).await;

    assert_eq!(
        w.get(&nora, "/fhir/Task").await.expect(200).ids(),
        ["sealed-task"]
    );
    w.get(&nora, "/fhir/Task/far-task").await.expect(404);
    w.get(&nora, "/fhir/QuestionnaireResponse/sealed")
        .await
        .expect(200);
}
