//! HR receives status, limits and dates: by real HTTP, signed, once, and never a word that anyone typed.

use crate::story::{advice, decision};
use crate::world::{bite, claimed, review, text, World};
use hms_model::ids::PatientId;
use hms_model::map::task::{self, Priority};
use hms_model::map::visit;
use hms_model::time::Timestamp;
use hms_server::hr::receiver::Receiver;
use hms_server::hr::sender::{secret, Sender};
use hms_server::settings::Settings;
use serde_json::{json, Value};
use std::path::Path;
use tokio::net::TcpListener;

/// Puts the word into every free text of a resource, as `valueString`, `text`, `display`, `div` and the like.
fn with_canary(mut resource: Value, canary: &str) -> Value {
    fn walk(value: &mut Value, canary: &str) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map.iter_mut() {
                    let free = [
                        "valueString",
                        "display",
                        "description",
                        "comment",
                        "title",
                        "note",
                        "reason",
                    ];
                    match inner {
                        Value::String(text) if free.contains(&key.as_str()) => *text = canary.to_owned(),
                        Value::String(text) if key == "div" => {
                            *text = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{canary}</div>");
                        }
                        other => walk(other, canary),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|v| walk(v, canary)),
            _ => {}
        }
    }
    walk(&mut resource, canary);
    resource
}

fn files(dir: &Path) -> Vec<Value> {
    let mut found: Vec<(std::ffi::OsString, Value)> = std::fs::read_dir(dir)
        .map(|entries| {
            entries
                .flatten()
                .map(|e| {
                    (
                        e.file_name(),
                        serde_json::from_slice(&std::fs::read(e.path()).expect("read")).expect("json"),
                    )
                })
                .collect()
        })
        .unwrap_or_default();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().map(|(_, v)| v).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_that_anyone_typed_reaches_hr() {
    const CANARY: &str = "KANARIENVOGEL";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hr", listener.local_addr().expect("an address"));
    let w = World::with(Settings {
        hr_url: Some(url),
        ..Settings::default()
    })
    .await;
    let dir = w.temp.path().join("hr");
    let key = secret(&w.app).await.expect("a secret");
    // The receiver's clock is the machine's; the server's stands still in this test, so signatures are checked apart.
    let _ = key;
    let receiver = tokio::spawn(Receiver::new(&dir, None).serve(listener));

    let mut patient = w
        .stored("Patient")
        .await
        .into_iter()
        .find(|p| text(p, "id") == "dana")
        .expect("dana");
    patient["name"] = json!([{"text": CANARY, "family": CANARY, "given": [CANARY]}]);
    patient["address"] = json!([{"text": CANARY, "city": CANARY}]);
    w.put(patient).await;
    w.put(with_canary(bite("r1", Some("dana")), CANARY)).await;
    w.put(claimed(review("r1", Some("dana"), Priority::Asap), "ada"))
        .await;
    w.put(json!({"resourceType": "Condition", "id": "unusual", "subject": {"reference": "Patient/dana"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "14168008", "display": CANARY}], "text": CANARY},
        "note": [{"text": CANARY}]}))
    .await;
    w.put(with_canary(advice(false), CANARY)).await;
    let mut signed = with_canary(advice(true), CANARY);
    signed["title"] = json!(CANARY);
    w.put(signed).await;
    let mut booked = visit::follow_up(
        "f1",
        &PatientId::parse("dana").expect("id"),
        "ada",
        Timestamp(crate::world::NOON).plus_ms(86_400_000),
        15,
        true,
    );
    booked["description"] = json!(CANARY);
    booked["comment"] = json!(CANARY);
    booked["participant"][0]["actor"]["display"] = json!(CANARY);
    w.put(booked).await;
    let mut decided = w.tasks("duty-decision").await.pop().expect("asked");
    task::decide(&mut decided, &decision());
    decided["description"] = json!(CANARY);
    decided["note"] = json!([{"text": CANARY}]);
    decided["output"][0]["type"]["text"] = json!(CANARY);
    w.put(decided).await;

    let sender = Sender::new(&w.app).await.expect("a sender").expect("configured");
    assert_eq!(sender.send_due().await.expect("sent"), 2);
    assert_eq!(sender.send_due().await.expect("sent"), 0);

    let received = files(&dir);
    assert_eq!(received.len(), 2);
    for message in &received {
        let bytes = message.to_string();
        assert!(
            !bytes.contains(CANARY) && !bytes.contains("14168008") && !bytes.contains("dana"),
            "{bytes}"
        );
        assert_eq!(hms_fhir::validate(message), Ok(()));
    }
    let condition = received
        .iter()
        .find(|m| text(m, "resourceType") == "Condition")
        .expect("a condition");
    assert_eq!(condition["code"]["coding"][0]["code"], json!("restricted"));
    assert_eq!(
        condition["onsetPeriod"],
        json!({"start": "2026-11-21", "end": "2026-11-28"})
    );
    assert_eq!(
        condition["evidence"][0]["code"][0]["coding"][0]["code"],
        json!("no-left-hand-use")
    );
    receiver.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_until_hr_can_take_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let w = World::with(Settings {
        hr_url: Some(format!("http://{address}/hr")),
        ..Settings::default()
    })
    .await;
    w.put(advice(true)).await;
    let mut decided = w.tasks("duty-decision").await.pop().expect("asked");
    task::decide(&mut decided, &decision());
    w.put(decided).await;
    let sender = Sender::new(&w.app).await.expect("a sender").expect("configured");

    assert_eq!(sender.send_due().await.expect("tried"), 0);
    let dir = w.temp.path().join("hr");
    let receiver =
        tokio::spawn(Receiver::new(&dir, None).serve(TcpListener::bind(address).await.expect("the port")));
    assert_eq!(
        sender.send_due().await.expect("tried"),
        0,
        "not before its pause is over"
    );
    w.app.clock.advance(10_000);
    assert_eq!(sender.send_due().await.expect("sent"), 1);

    assert_eq!(files(&dir).len(), 1);
    receiver.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_with_the_secret_refuses_what_is_not_signed() {
    let w = World::new().await;
    let key = secret(&w.app).await.expect("a secret");
    let dir = w.temp.path().join("hr");
    std::fs::create_dir_all(&dir).expect("a folder");
    let router = Receiver::new(&dir, Some(key.clone())).router();
    let now_s = hms_server::clock::Clock::System.now_ms() / 1000;
    let post = |signature: String| {
        axum::http::Request::post("/")
            .header("webhook-id", "m1")
            .header("webhook-timestamp", now_s.to_string())
            .header("webhook-signature", signature)
            .body(axum::body::Body::from("{}"))
            .expect("request")
    };

    let bad = tower::ServiceExt::oneshot(router.clone(), post("v1,AAAA".into()))
        .await
        .expect("an answer");
    let good = tower::ServiceExt::oneshot(router, post(key.sign("m1", now_s, "{}")))
        .await
        .expect("an answer");

    assert_eq!((bad.status().as_u16(), good.status().as_u16()), (401, 204));
    assert_eq!(files(&dir).len(), 1);
}
