//! Records are compressed for those who accept it, and what holds a credential never is.

use crate::world::{observation, patient, Answer, World};
use hms_model::role::Role;
use serde_json::{json, Value};
use std::io::Read;

const GZIP: (&str, &str) = ("accept-encoding", "gzip");

fn unpacked(answer: &Answer) -> String {
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.bytes.as_slice())
        .read_to_string(&mut text)
        .expect("it unpacks");
    text
}

async fn chart() -> World {
    let w = World::new();
    w.given(patient("dana", "here")).await;
    for n in 0..40 {
        w.given(observation(&format!("o{n}"), "dana", 37.0)).await;
    }
    w
}

#[tokio::test]
async fn searches_and_the_exchange_with_devices_are_packed_for_those_who_accept_it() {
    let w = chart().await;
    let op = w.anyone().await;
    let path = "/fhir/Observation?subject=Patient/dana";

    let plain = w.get(&op, path).await.expect(200);
    let packed = w.ask_with(&op, "GET", path, None, &[GZIP]).await.expect(200);

    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(unpacked(&packed), plain.text());
    assert!(packed.bytes.len() * 5 < plain.bytes.len());
    assert!(packed.header("vary").contains("accept-encoding"));
    let dana = w
        .person("dana", Role::Carrier, Some("Patient/dana"), Some("here"))
        .await;
    let ask = json!({"cursor": "", "scope": "mine"});
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("x-hms-device", "walk"),
        GZIP,
    ];
    let synced = w
        .ask_with(&dana, "POST", "/fhir/$hms-sync", Some(&ask), &headers)
        .await
        .expect(200);
    let lines: Vec<Value> = unpacked(&synced)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect();
    assert!(lines.len() > 40 && lines.last().is_some_and(|l| l["done"] == json!(true)));
}

#[tokio::test]
async fn nothing_with_a_credential_in_it_is_packed() {
    let w = chart().await;
    let admin = w.person("admin", Role::Administrator, None, None).await;
    for n in 0..30 {
        w.person(&format!("person-{n}"), Role::Hr, None, None).await;
    }

    for (method, path) in [
        ("GET", "/api/users"),
        ("GET", "/api/session"),
        ("GET", "/api/hello"),
        ("POST", "/signal/poll"),
        ("POST", "/oauth/token"),
        ("GET", "/oauth/jwks.json"),
        ("GET", "/oauth/style.css"),
        ("GET", "/oauth/authorize"),
        ("GET", "/.well-known/openid-configuration"),
    ] {
        let answer = w.ask_with(&admin, method, path, None, &[GZIP]).await;
        assert_eq!(answer.header("content-encoding"), "", "{method} {path}");
    }
    // A photo is packed already.
    let op = w.anyone().await;
    let photo =
        json!({"resourceType": "Binary", "id": "b", "contentType": "image/jpeg", "data": "A".repeat(4000)});
    w.put(&op, &photo).await.expect(201);
    let bytes = w
        .ask_with(&op, "GET", "/fhir/Binary/b", None, &[GZIP, ("accept", "image/*")])
        .await;
    assert_eq!(bytes.expect(200).header("content-encoding"), "");
}
