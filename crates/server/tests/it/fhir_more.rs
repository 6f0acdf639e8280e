//! Searches and changes beyond the basics: `:exact`, `_has`, parts, conditional changes, patches.

use crate::world::{observation, patient, review_task, Person, World};
use hms_model::role::Role;
use serde_json::{json, Value};

const PATCH: (&str, &str) = ("content-type", "application/json-patch+json");

async fn two_people() -> (World, Person) {
    let w = World::new();
    let op = w.anyone().await;
    for (id, family, given) in [
        ("a", "Núñez", "José"),
        ("b", "Nunez", "Jose"),
        ("c", "Nuñezson", "Ana"),
    ] {
        let mut person = patient(id, "site");
        person["name"] = json!([{"family": family, "given": [given]}]);
        w.given(person).await;
    }
    let mut warm = observation("o1", "a", 39.5);
    warm["code"]["coding"][0]["code"] = json!("8310-5");
    w.given(warm).await;
    (w, op)
}

async fn found(w: &World, who: &Person, path: &str) -> Vec<String> {
    let mut ids = w.get(who, path).await.expect(200).ids();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_text_is_found_by_its_beginning_a_part_or_exactly() {
    let (w, op) = two_people().await;
    let n = |q: &str| format!("/fhir/Patient?{q}");

    assert_eq!(found(&w, &op, &n("family=nunez")).await, ["a", "b", "c"]);
    assert_eq!(found(&w, &op, &n("family:contains=EZS")).await, ["c"]);
    assert_eq!(found(&w, &op, &n("family:exact=N%C3%BA%C3%B1ez")).await, ["a"]);
    assert_eq!(found(&w, &op, &n("family:exact=Nunez")).await, ["b"]);
    assert_eq!(found(&w, &op, &n("family:exact=nunez")).await, [""; 0]);
    assert_eq!(
        found(&w, &op, &n("family:exact=Nunez,N%C3%BA%C3%B1ez")).await,
        ["a", "b"]
    );
    assert_eq!(found(&w, &op, &n("given:exact=Nunez")).await, [""; 0]);
    assert_eq!(
        found(&w, &op, &n("general-practitioner:missing=true"))
            .await
            .len(),
        3
    );
    assert_eq!(found(&w, &op, &n("birthdate:missing=true")).await, [""; 0]);
    assert_eq!(
        found(&w, &op, "/fhir/Observation?patient.family:exact=Nunez").await,
        [""; 0]
    );
}

#[tokio::test]
async fn people_are_found_by_what_refers_to_them() {
    let (w, op) = two_people().await;

    let fever = "/fhir/Patient?_has:Observation:patient:code=8310-5";
    assert_eq!(found(&w, &op, fever).await, ["a"]);
    assert_eq!(
        found(&w, &op, "/fhir/Patient?_has:Observation:patient:code=other").await,
        [""; 0]
    );
    let self_link = w.get(&op, fever).await.expect(200).json()["link"][0]["url"].clone();
    assert!(
        self_link.as_str().is_some_and(|l| l.contains("_has")),
        "{self_link}"
    );
}

#[tokio::test]
async fn a_search_tells_nothing_of_what_a_read_would_not_give() {
    let w = World::new();
    w.given(patient("far", "elsewhere")).await;
    w.given(observation("o1", "far", 39.5)).await;
    w.given(json!({"resourceType": "Practitioner", "id": "ada", "name": [{"text": "Ada"}]}))
        .await;
    w.given(
        json!({"resourceType": "Encounter", "id": "e1", "status": "planned", "class": {"code": "VR"},
        "subject": {"reference": "Patient/far"},
        "participant": [{"individual": {"reference": "Practitioner/ada"}}]}),
    )
    .await;
    let mut task = review_task("t1", "far", None);
    task["code"]["coding"][0]["code"] = json!("supervisor-notice");
    w.given(task).await;
    let manager = w
        .person("max", Role::Manager, Some("Practitioner/max"), Some("elsewhere"))
        .await;
    let carrier = w.carrier("dana", "here").await;

    // The manager may read the notice, not the chart of the person that it is about.
    assert_eq!(
        found(&w, &manager, "/fhir/Task?code=supervisor-notice").await,
        ["t1"]
    );
    assert_eq!(
        found(&w, &manager, "/fhir/Task?patient.birthdate=1980-05-17").await,
        [""; 0]
    );
    // Anybody may read who works there, not with whom they have to do.
    for who in [&manager, &carrier] {
        assert_eq!(found(&w, who, "/fhir/Practitioner?name=ada").await, ["ada"]);
        let with = "/fhir/Practitioner?_has:Encounter:practitioner:patient=Patient/far";
        assert_eq!(found(&w, who, with).await, [""; 0]);
    }
    let op = w.anyone().await;
    let with = "/fhir/Practitioner?_has:Encounter:practitioner:patient=Patient/far";
    assert_eq!(found(&w, &op, with).await, ["ada"]);
}

#[tokio::test]
async fn only_a_part_is_given_where_a_part_is_asked_for() {
    let (w, op) = two_people().await;
    let keys = |v: &Value| -> Vec<String> {
        let mut keys: Vec<String> = v.as_object().expect("object").keys().cloned().collect();
        keys.sort();
        keys
    };

    let one = w
        .get(&op, "/fhir/Patient?_id=a&_elements=birthDate")
        .await
        .expect(200);
    let part = &one.entries()[0]["resource"];
    assert_eq!(keys(part), ["birthDate", "id", "meta", "resourceType"]);
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    let read = w
        .get(&op, "/fhir/Observation/o1?_summary=true")
        .await
        .expect(200)
        .json();
    assert!(read.get("valueQuantity").is_some() && read.get("status").is_some());
    let data = w
        .get(&op, "/fhir/Observation/o1?_summary=data")
        .await
        .expect(200)
        .json();
    assert!(data.get("text").is_none());
    let count = w
        .get(&op, "/fhir/Patient?_summary=count")
        .await
        .expect(200)
        .json();
    assert_eq!((&count["total"], count.get("entry")), (&json!(3), None));
    let first = w
        .get(&op, "/fhir/Patient?_count=1&_total=none")
        .await
        .expect(200)
        .json();
    assert_eq!(first.get("total"), None);
    let first = w
        .get(&op, "/fhir/Patient?_count=1&_total=accurate")
        .await
        .expect(200)
        .json();
    assert_eq!(first["total"], json!(3));
    w.get(&op, "/fhir/Patient/a?colour=blue").await.expect(400);
    // The whole stays as it is.
    let whole = w.get(&op, "/fhir/Patient/a").await.expect(200).json();
    assert!(whole.get("name").is_some() && whole["meta"].get("tag").is_none());
}

#[tokio::test]
async fn a_conditional_change_is_about_one_resource_or_none() {
    let w = World::new();
    let op = w.anyone().await;
    let body = |gender: &str| json!({"resourceType": "Patient", "gender": gender, "identifier": [{"system": "urn:x", "value": "7"}]});
    let path = "/fhir/Patient?identifier=urn:x%7C7";

    let made = w.ask(&op, "PUT", path, Some(&body("female"))).await.expect(201);
    let id = made.json()["id"].as_str().expect("id").to_owned();
    let changed = w
        .ask(&op, "PUT", path, Some(&body("male")))
        .await
        .expect(200)
        .json();
    assert_eq!((&changed["id"], &changed["gender"]), (&json!(id), &json!("male")));
    let mut other = body("male");
    other["id"] = json!("other");
    w.ask(&op, "PUT", path, Some(&other)).await.expect(400);
    w.ask_with(
        &op,
        "PUT",
        path,
        Some(&body("female")),
        &[("if-match", "W/\"1\"")],
    )
    .await
    .expect(412);
    w.given(
        json!({"resourceType": "Patient", "id": "twin", "identifier": [{"system": "urn:x", "value": "7"}]}),
    )
    .await;
    w.ask(&op, "PUT", path, Some(&body("female"))).await.expect(412);
    w.ask(&op, "DELETE", path, None).await.expect(412);
    let twin = body("male");
    let headers = [("if-none-exist", "identifier=urn:x|7")];
    w.ask_with(&op, "POST", "/fhir/Patient", Some(&twin), &headers)
        .await
        .expect(412);
    w.ask(&op, "DELETE", "/fhir/Patient/twin", None).await.expect(204);
    w.ask(&op, "DELETE", path, None).await.expect(204);
    w.get(&op, &format!("/fhir/Patient/{id}")).await.expect(410);
    w.ask(&op, "DELETE", path, None).await.expect(204);
    // Without criteria it would be about anything.
    w.ask(&op, "DELETE", "/fhir/Patient", None).await.expect(400);
    w.ask(&op, "PUT", "/fhir/Patient?_count=1", Some(&body("male")))
        .await
        .expect(400);

    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "PUT", "url": "Patient?identifier=urn:x|8"}, "resource": body("other")},
        {"request": {"method": "DELETE", "url": "Patient?identifier=urn:x|9"}}]});
    let done = w
        .ask(&op, "POST", "/fhir", Some(&bundle))
        .await
        .expect(200)
        .json();
    assert_eq!(done["entry"][0]["response"]["status"], json!("201 Created"));
}

#[tokio::test]
async fn what_somebody_may_not_read_cannot_be_found_out_by_a_condition() {
    let w = World::new();
    let dana = w.carrier("dana", "here").await;
    w.carrier("sam", "here").await;
    let report = |who: &str| {
        json!({"resourceType": "QuestionnaireResponse", "status": "completed", "language": "es",
        "authored": "2026-11-21T10:00:00Z", "subject": {"reference": format!("Patient/{who}")},
        "author": {"reference": format!("Patient/{who}")}, "questionnaire": "https://x.example/q"})
    };
    let mut sams = report("sam");
    sams["id"] = json!("r-sam");
    w.given(sams).await;

    for (asked, exists) in [("Patient/sam", true), ("Patient/nobody", false)] {
        let condition = format!("subject={asked}");
        let headers = [("if-none-exist", condition.as_str())];
        let answer = w
            .ask_with(
                &dana,
                "POST",
                "/fhir/QuestionnaireResponse",
                Some(&report("dana")),
                &headers,
            )
            .await;
        assert_eq!(answer.status.as_u16(), 201, "exists: {exists}");
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_only_the_version_that_was_seen() {
    let (w, op) = two_people().await;
    let path = "/fhir/Patient/a";
    let patch = |operations: Value| operations;
    let male = patch(json!([{"op": "add", "path": "/gender", "value": "male"}]));

    w.ask(&op, "PATCH", path, Some(&male)).await.expect(415);
    w.ask_with(&op, "PATCH", path, Some(&male), &[PATCH, ("if-match", "W/\"9\"")])
        .await
        .expect(412);
    let done = w
        .ask_with(&op, "PATCH", path, Some(&male), &[PATCH, ("if-match", "W/\"1\"")])
        .await
        .expect(200);
    assert_eq!(
        (done.header("etag"), &done.json()["gender"]),
        ("W/\"2\"", &json!("male"))
    );
    for (operations, status) in [
        (json!([{"op": "test", "path": "/gender", "value": "female"}]), 422),
        (json!([{"op": "remove", "path": "/nonsense"}]), 422),
        (
            json!([{"op": "replace", "path": "/gender", "value": "purple"}]),
            422,
        ),
        (json!([{"op": "replace", "path": "/id", "value": "b"}]), 422),
        (
            json!([{"op": "replace", "path": "/resourceType", "value": "Person"}]),
            422,
        ),
        (json!([{"op": "teleport", "path": "/gender"}]), 400),
        (json!({"gender": "male"}), 400),
    ] {
        let answer = w.ask_with(&op, "PATCH", path, Some(&operations), &[PATCH]).await;
        assert_eq!(answer.status.as_u16(), status, "{operations}");
    }
    assert_eq!(w.get(&op, path).await.header("etag"), "W/\"2\"");
    w.ask_with(&op, "PATCH", "/fhir/Patient/nobody", Some(&male), &[PATCH])
        .await
        .expect(404);
    let dana = w.carrier("dana", "site").await;
    w.ask_with(&dana, "PATCH", "/fhir/Patient/dana", Some(&male), &[PATCH])
        .await
        .expect(403);
}

#[tokio::test]
async fn a_search_without_end_is_refused() {
    let (w, op) = two_people().await;
    let many = |name: &str, n: usize| vec![name; n].join("&");
    let values = vec!["x"; 501].join(",");

    for query in [
        many("family=x", 51),
        many("_include=Patient:organization", 21),
        format!("identifier={values}"),
        format!("_sort={}", ["family"; 6].join(",")),
        "_include:iterate=Patient:organization".to_owned(),
        "_count=-1".to_owned(),
        "general-practitioner.patient.name=x".to_owned(),
    ] {
        w.get(&op, &format!("/fhir/Patient?{query}")).await.expect(400);
    }
    let huge = w.get(&op, "/fhir/Patient?_count=999999999").await.expect(200);
    assert_eq!(huge.entries().len(), 3);
}
