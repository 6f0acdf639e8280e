use crate::world::{observation, patient, review_task, World, BASE};
use hms_model::role::Role;
use serde_json::{json, Value};

#[tokio::test]
async fn a_resource_is_created_read_changed_and_deleted_and_its_history_stays() {
    let w = World::new();
    let op = w.anyone().await;

    let made = w
        .ask(
            &op,
            "POST",
            "/fhir/Patient",
            Some(&json!({"resourceType": "Patient", "gender": "female"})),
        )
        .await
        .expect(201);
    let id = made.json()["id"].as_str().expect("id").to_owned();
    assert_eq!(
        made.header("location"),
        format!("{BASE}/fhir/Patient/{id}/_history/1")
    );
    assert_eq!(made.header("etag"), "W/\"1\"");
    let path = format!("/fhir/Patient/{id}");
    let changed = json!({"resourceType": "Patient", "id": id, "gender": "male"});
    w.ask_with(&op, "PUT", &path, Some(&changed), &[("if-match", "W/\"7\"")])
        .await
        .expect(412);
    w.ask_with(&op, "PUT", &path, Some(&changed), &[("if-match", "W/\"1\"")])
        .await
        .expect(200);
    w.ask_with(&op, "PUT", &path, Some(&changed), &[("if-none-match", "*")])
        .await
        .expect(412);
    let read = w.get(&op, &path).await.expect(200);
    assert_eq!(
        (read.json()["gender"].as_str(), read.header("etag")),
        (Some("male"), "W/\"2\"")
    );
    w.ask_with(&op, "GET", &path, None, &[("if-none-match", "W/\"2\"")])
        .await
        .expect(304);
    w.ask(&op, "DELETE", &path, None).await.expect(204);
    w.get(&op, &path).await.expect(410);
    w.ask(&op, "DELETE", &path, None).await.expect(204);

    assert_eq!(
        w.get(&op, &format!("{path}/_history/1")).await.expect(200).json()["gender"],
        "female"
    );
    w.get(&op, &format!("{path}/_history/3")).await.expect(410);
    w.get(&op, &format!("{path}/_history/9")).await.expect(404);
    let history = w.get(&op, &format!("{path}/_history")).await.expect(200);
    let methods: Vec<Value> = history
        .entries()
        .iter()
        .map(|e| e["request"]["method"].clone())
        .collect();
    assert_eq!(methods, ["DELETE", "PUT", "POST"]);
    assert_eq!(
        w.get(&op, "/fhir/Patient/_history")
            .await
            .expect(200)
            .entries()
            .len(),
        3
    );
    assert_eq!(
        w.get(&op, "/fhir/_history?_count=2")
            .await
            .expect(200)
            .entries()
            .len(),
        2
    );
    w.get(&op, "/fhir/Patient/never/_history").await.expect(404);
}

#[tokio::test]
async fn an_invalid_resource_is_refused_with_the_place_of_each_mistake() {
    let w = World::new();
    let op = w.anyone().await;

    let bad = json!({"resourceType": "Patient", "id": "p", "gender": "purple", "nonsense": 1});
    let answer = w.put(&op, &bad).await.expect(422).json();
    let places: Vec<&str> = answer["issue"]
        .as_array()
        .expect("issues")
        .iter()
        .filter_map(|i| i["expression"][0].as_str())
        .collect();
    assert!(places.contains(&"Patient.gender"), "{answer}");
    w.ask(&op, "PUT", "/fhir/Patient/other", Some(&patient("p", "s")))
        .await
        .expect(400);
    w.ask(&op, "PUT", "/fhir/Location/p", Some(&patient("p", "s")))
        .await
        .expect(400);
    let audit = json!({"resourceType": "AuditEvent", "id": "a"});
    assert!(w.put(&op, &audit).await.status.is_client_error());
}

#[tokio::test]
async fn a_conditional_create_makes_one_and_then_finds_it() {
    let w = World::new();
    let op = w.anyone().await;
    let body = json!({"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "7"}]});
    let post = || {
        w.ask_with(
            &op,
            "POST",
            "/fhir/Patient",
            Some(&body),
            &[("if-none-exist", "identifier=urn:x|7")],
        )
    };

    let (first, second) = tokio::join!(post(), post());

    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(first.json()["id"], second.json()["id"]);
}

async fn world_with_readings() -> (World, crate::world::Person) {
    let w = World::new();
    let op = w.anyone().await;
    w.given(json!({"resourceType": "Organization", "id": "site", "name": "Cedar"}))
        .await;
    w.given(
        patient("núñez", "site")
            .as_object()
            .map(|_| patient("nunez", "site"))
            .expect("patient"),
    )
    .await;
    w.given(patient("okafor", "site")).await;
    for (n, (who, value)) in [("nunez", 36.6), ("nunez", 38.2), ("okafor", 39.5)]
        .into_iter()
        .enumerate()
    {
        let mut reading = observation(&format!("o{n}"), who, value);
        reading["effectiveDateTime"] = json!(format!("2026-11-{:02}", 18 + n));
        w.given(reading).await;
    }
    (w, op)
}

#[tokio::test]
async fn every_kind_of_parameter_finds_what_it_should() {
    let (w, op) = world_with_readings().await;
    for (query, expected) in [
        ("Observation?subject=Patient/nunez", vec!["o0", "o1"]),
        ("Observation?patient=nunez", vec!["o0", "o1"]),
        ("Observation?subject:Patient=okafor", vec!["o2"]),
        (
            "Observation?code=http://loinc.org|8310-5&patient=okafor",
            vec!["o2"],
        ),
        ("Observation?code=8310-5,nothing", vec!["o0", "o1", "o2"]),
        ("Observation?code:not=8310-5", vec![]),
        ("Observation?code=|8310-5", vec![]),
        ("Observation?date=2026-11-19", vec!["o1"]),
        ("Observation?date=ge2026-11-19", vec!["o1", "o2"]),
        ("Observation?date=gt2026-11-18&date=lt2026-11-20", vec!["o1"]),
        ("Observation?date=2026-11", vec!["o0", "o1", "o2"]),
        ("Observation?value-quantity=gt38", vec!["o1", "o2"]),
        (
            "Observation?value-quantity=38.2|http://unitsofmeasure.org|Cel",
            vec!["o1"],
        ),
        ("Observation?value-quantity=38.2||mg", vec![]),
        ("Observation?subject:missing=true", vec![]),
        ("Observation?encounter:missing=true", vec!["o0", "o1", "o2"]),
        ("Observation?_id=o1,o2", vec!["o1", "o2"]),
        ("Observation?_lastUpdated=ge2026-11-21", vec!["o0", "o1", "o2"]),
        ("Observation?_lastUpdated=lt2026-11-21", vec![]),
        ("Observation?subject:Patient.name=oka", vec!["o2"]),
        (
            "Observation?patient.birthdate=1980-05-17&date=eq2026-11-18",
            vec!["o0"],
        ),
        ("Observation?_sort=-date", vec!["o2", "o1", "o0"]),
        ("Observation?_sort=value-quantity", vec!["o0", "o1", "o2"]),
        ("Patient?family=NU", vec!["nunez"]),
        ("Patient?family=unez", vec![]),
        ("Patient?name:contains=kaf", vec!["okafor"]),
        ("Patient?organization=Organization/site", vec!["nunez", "okafor"]),
    ] {
        assert_eq!(
            w.get(&op, &format!("/fhir/{query}")).await.expect(200).ids(),
            expected,
            "{query}"
        );
    }
    let posted = w
        .ask_with(
            &op,
            "POST",
            "/fhir/Patient/_search",
            None,
            &[("content-type", "application/x-www-form-urlencoded")],
        )
        .await
        .expect(200);
    assert_eq!(posted.ids(), ["nunez", "okafor"]);
}

#[tokio::test]
async fn what_a_search_does_not_know_is_refused_and_what_it_applied_is_said() {
    let (w, op) = world_with_readings().await;
    for query in [
        "nonsense=1",
        "code:in=x",
        "date=soon",
        "_has:x:y=z",
        "_filter=a",
        "subject.name.x=1",
    ] {
        let answer = w
            .get(&op, &format!("/fhir/Observation?{query}"))
            .await
            .expect(400)
            .json();
        assert_eq!(answer["resourceType"], "OperationOutcome", "{query}");
    }
    w.get(&op, "/fhir/Nonsense").await.expect(404);
    let applied = w
        .get(&op, "/fhir/Observation?code=8310-5&_count=2")
        .await
        .expect(200)
        .json();
    assert_eq!(
        applied["link"][0]["url"],
        format!("{BASE}/fhir/Observation?code=8310-5&_count=2")
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition_with_and_without_sort() {
    let w = World::new();
    let op = w.anyone().await;
    for n in 0..25 {
        w.given(json!({"resourceType": "Location", "id": format!("l{n:02}"), "name": format!("x{}", n % 3)}))
            .await;
    }
    for query in [
        "_count=10",
        "_count=10&_sort=name",
        "_count=10&_sort=-_lastUpdated,_id",
    ] {
        let mut path = format!("/fhir/Location?{query}");
        let mut seen = Vec::new();
        loop {
            let page = w.get(&op, &path).await.expect(200);
            seen.extend(page.ids());
            let next = page.json()["link"]
                .as_array()
                .expect("links")
                .iter()
                .find(|l| l["relation"] == "next")
                .cloned();
            match next {
                Some(link) => {
                    path = link["url"]
                        .as_str()
                        .expect("url")
                        .trim_start_matches(BASE)
                        .to_owned()
                }
                None => break,
            }
        }
        assert_eq!(seen.len(), 25, "{query}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 25, "{query}");
    }
    let count = w
        .get(&op, "/fhir/Location?_summary=count&name=x0")
        .await
        .expect(200)
        .json();
    assert_eq!((&count["total"], count.get("entry")), (&json!(9), None));
    assert_eq!(
        w.get(&op, "/fhir/Location?_count=1&_total=accurate")
            .await
            .expect(200)
            .json()["total"],
        25
    );
}

#[tokio::test]
async fn includes_bring_what_is_pointed_to_and_what_points_back() {
    let (w, op) = world_with_readings().await;

    let forward = w
        .get(&op, "/fhir/Observation?_id=o2&_include=Observation:subject")
        .await
        .expect(200);
    assert_eq!(forward.ids(), ["o2", "okafor"]);
    assert_eq!(forward.entries()[1]["search"]["mode"], "include");
    let back = w
        .get(&op, "/fhir/Patient?_id=nunez&_revinclude=Observation:subject")
        .await
        .expect(200);
    assert_eq!(back.ids(), ["nunez", "o0", "o1"]);
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_resolves_its_own_references() {
    let w = World::new();
    let op = w.anyone().await;
    let bundle = |gender: &str| {
        json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "status": "final",
                "code": {"text": "x"}, "subject": {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}}},
            {"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "request": {"method": "POST", "url": "Patient"},
                "resource": {"resourceType": "Patient", "gender": gender}},
            {"request": {"method": "PUT", "url": "Location/l"}, "resource": {"resourceType": "Location", "id": "l", "name": "x"}},
            {"request": {"method": "GET", "url": "Location/l"}}
        ]})
    };

    let refused = w
        .ask(&op, "POST", "/fhir", Some(&bundle("purple")))
        .await
        .expect(422)
        .json();
    let place = refused["issue"][0]["expression"][0].as_str().expect("place");
    assert!(place.starts_with("Bundle.entry[1]"), "{place}");
    w.get(&op, "/fhir/Location/l").await.expect(404);

    let done = w
        .ask(&op, "POST", "/fhir", Some(&bundle("female")))
        .await
        .expect(200)
        .json();
    let at = |i: usize| {
        done["entry"][i]["response"]["location"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(done["entry"][0]["response"]["status"]
        .as_str()
        .expect("status")
        .starts_with("201"));
    assert_eq!(done["entry"][3]["resource"]["name"], "x");
    let reading = w.get(&op, &format!("/fhir/{}", at(0))).await.expect(200).json();
    let subject = reading["subject"]["reference"].as_str().expect("subject");
    assert!(at(1).starts_with(subject), "{subject} {}", at(1));
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_refused_in_words() {
    let w = World::new();
    let op = w.anyone().await;

    let refused = w
        .ask(&op, "PUT", "/fhir/metadata", Some(&json!({})))
        .await
        .expect(405)
        .json();

    assert_eq!(refused["issue"][0]["code"], "not-supported");
}

#[tokio::test]
async fn a_batch_does_what_it_can() {
    let w = World::new();
    let op = w.anyone().await;
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "PUT", "url": "Location/l"}, "resource": {"resourceType": "Location", "id": "l", "name": "x"}},
        {"request": {"method": "GET", "url": "Location/none"}},
        {"request": {"method": "PATCH", "url": "Location/l"}},
        {"request": {"method": "GET", "url": "Location?name=x"}}
    ]});

    let done = w
        .ask(&op, "POST", "/fhir", Some(&bundle))
        .await
        .expect(200)
        .json();

    let statuses: Vec<&str> = done["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|e| &e["response"]["status"].as_str().expect("status")[..3])
        .collect();
    assert_eq!(statuses, ["201", "404", "405", "200"]);
    assert_eq!(done["entry"][3]["resource"]["entry"][0]["resource"]["id"], "l");
}

#[tokio::test]
async fn bytes_go_in_and_come_out_as_they_are() {
    let w = World::new();
    let dana = w.carrier("dana", "site").await;
    let bo = w.carrier("bo", "site").await;
    let photo: Vec<u8> = (0..=255).collect();
    let request = axum::http::Request::builder()
        .method("PUT")
        .uri("/fhir/Binary/photo")
        .header("authorization", format!("Bearer {}", dana.token))
        .header("content-type", "image/jpeg")
        .header("x-security-context", "Patient/dana")
        .body(axum::body::Body::from(photo.clone()))
        .expect("request");
    w.send(request).await.expect(201);

    let back = w.get(&dana, "/fhir/Binary/photo").await.expect(200);
    assert_eq!((back.header("content-type"), &back.bytes), ("image/jpeg", &photo));
    let wrapped = w
        .ask_with(
            &dana,
            "GET",
            "/fhir/Binary/photo",
            None,
            &[("accept", "application/fhir+json")],
        )
        .await
        .expect(200);
    assert_eq!(wrapped.json()["contentType"], "image/jpeg");
    w.get(&bo, "/fhir/Binary/photo").await.expect(404);
}

#[tokio::test]
async fn what_the_capability_statement_says_is_true() {
    let w = World::new();
    let op = w.anyone().await;
    let statement = w
        .get(&crate::world::nobody(), "/fhir/metadata")
        .await
        .expect(200)
        .json();
    assert_eq!(hms_fhir::validate(&statement), Ok(()));

    for resource in statement["rest"][0]["resource"].as_array().expect("resources") {
        let kind = resource["type"].as_str().expect("type");
        if kind == "AuditEvent" {
            continue;
        }
        for param in resource["searchParam"].as_array().into_iter().flatten() {
            let value = match param["type"].as_str() {
                Some("date") => "2026",
                Some("number" | "quantity") => "1",
                _ => "x",
            };
            let name = param["name"].as_str().expect("name");
            w.get(&op, &format!("/fhir/{kind}?{name}={value}"))
                .await
                .expect(200);
            w.get(&op, &format!("/fhir/{kind}?_sort={name}"))
                .await
                .expect(200);
        }
        for include in resource["searchInclude"].as_array().into_iter().flatten() {
            w.get(
                &op,
                &format!("/fhir/{kind}?_include={}", include.as_str().expect("text")),
            )
            .await
            .expect(200);
        }
    }
}

#[test]
fn no_two_search_parameters_share_a_number() {
    let mut seen = std::collections::HashMap::new();
    for kind in hms_fhir::resource_types() {
        for param in hms_fhir::search_params(kind) {
            let id = hms_server::db::sqlite::table::index::param_id(kind, param.name);
            assert_eq!(seen.insert(id, (kind, param.name)), None, "{kind} {}", param.name);
        }
    }
}

#[tokio::test]
async fn each_access_is_in_the_audit_and_the_person_sees_who_read() {
    let w = World::new();
    let dana = w.carrier("dana", "site").await;
    let ada = w
        .person("ada", Role::Clinician, Some("Practitioner/ada"), None)
        .await;
    let cora = w.person("cora", Role::Compliance, None, None).await;
    w.given(review_task("t", "dana", None)).await;
    w.given(observation("o", "dana", 37.0)).await;

    w.get(&ada, "/fhir/Observation/o").await.expect(200);
    w.get(&ada, "/fhir/Observation?patient=dana").await.expect(200);
    w.get(&dana, "/fhir/AuditEvent?patient=Patient/somebody")
        .await
        .expect(403);
    let seen = w
        .get(&dana, "/fhir/AuditEvent?agent=Practitioner/ada")
        .await
        .expect(200);

    let words: Vec<Value> = seen
        .entries()
        .iter()
        .map(|e| e["resource"]["subtype"][0]["code"].clone())
        .collect();
    assert_eq!(words, ["search-type", "read"]);
    for entry in seen.entries() {
        assert_eq!(hms_fhir::validate(&entry["resource"]), Ok(()));
    }
    let id = seen.ids()[1].clone();
    w.get(&dana, &format!("/fhir/AuditEvent/{id}")).await.expect(200);
    w.get(&ada, &format!("/fhir/AuditEvent/{id}")).await.expect(403);
    w.get(&ada, "/fhir/AuditEvent").await.expect(403);
    assert!(
        w.get(&cora, "/fhir/AuditEvent?patient=dana")
            .await
            .expect(200)
            .entries()
            .len()
            >= 2
    );
}
