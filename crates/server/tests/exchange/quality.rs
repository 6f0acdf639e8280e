//! How a visit went, told by its two sides.

use crate::world::{Device, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_model::wire::quality::{QualityEngine, QualityPath, QualitySide, WireQuality};
use hms_server::db::sqlite::table;
use serde_json::{json, Value};

const VISIT: &str = "0d1f6c1e-92a4-4f5e-8f0e-2f1c8a9b7d3e";

fn told(side: QualitySide) -> WireQuality {
    WireQuality {
        side,
        joined_at: 1_795_000_000_000,
        rang_ms: 4_000,
        ready_ms: Some(90),
        connected_ms: Some(800),
        first_frame_ms: Some(1_200),
        lasted_s: 600,
        rung_s: [0, 0, 10, 0, 0, 0, 580],
        concealed_ppm: 12_000,
        longest_gap_ms: 240,
        longest_freeze_ms: 800,
        buffer_p95_ms: Some(160),
        rtt_median_ms: Some(70),
        rtt_p95_ms: Some(240),
        loss_median_permille: Some(0),
        loss_p95_permille: Some(30),
        path: QualityPath::Host,
        engine: QualityEngine::Str0m,
        drops: 1,
        recovery_ms: 5_300,
        bytes_in: 9_000_000,
        bytes_out: 8_000_000,
    }
}

async fn tell(w: &World, who: &Device, visit: &str, body: &Value) -> StatusCode {
    let request = Request::post(format!("/api/visits/{visit}/quality"))
        .header("authorization", format!("Bearer {}", who.token))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("request");
    w.send(request).await.0
}

async fn kept(w: &World) -> Vec<WireQuality> {
    let read = w.app.db.read(|read| table::quality::since(read.conn(), 0)).await;
    let bodies = read.expect("read");
    bodies
        .iter()
        .map(|body| serde_json::from_str(body).expect("a record"))
        .collect()
}

async fn world(status: &str) -> World {
    let w = World::new().await;
    w.put(json!({
        "resourceType": "Encounter", "id": VISIT, "status": status,
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" },
        "subject": { "reference": "Patient/dana" },
        "participant": [{ "individual": { "reference": "Practitioner/ada" } }],
        "period": { "start": "2026-11-23T14:00:00Z" },
    }))
    .await;
    w
}

#[tokio::test]
async fn each_side_tells_once_however_often_it_is_sent() {
    let w = world("finished").await;
    let (dana, ada) = (w.device("dana", "phone").await, w.device("ada", "desk").await);
    let called = told(QualitySide::Called);

    assert_eq!(tell(&w, &dana, VISIT, &json!(called)).await, StatusCode::CREATED);
    assert_eq!(tell(&w, &dana, VISIT, &json!(called)).await, StatusCode::OK);
    let mut other = called.clone();
    other.drops = 9;
    assert_eq!(tell(&w, &dana, VISIT, &json!(other)).await, StatusCode::OK);
    let caller = told(QualitySide::Caller);
    assert_eq!(tell(&w, &ada, VISIT, &json!(caller)).await, StatusCode::CREATED);

    let mut kept = kept(&w).await;
    kept.sort_by_key(|told| told.side == QualitySide::Called);
    assert_eq!(kept, [caller, called], "the first telling stands");
}

#[tokio::test]
async fn of_a_visit_that_was_not_theirs_nobody_tells() {
    let w = world("finished").await;
    let (dana, ada) = (w.device("dana", "phone").await, w.device("ada", "desk").await);
    let bo = w.device("bo", "other").await;
    let called = json!(told(QualitySide::Called));
    let caller = json!(told(QualitySide::Caller));

    assert_eq!(tell(&w, &bo, VISIT, &called).await, StatusCode::NOT_FOUND);
    assert_eq!(tell(&w, &bo, VISIT, &caller).await, StatusCode::NOT_FOUND);
    assert_eq!(
        tell(&w, &dana, VISIT, &caller).await,
        StatusCode::NOT_FOUND,
        "the other side's"
    );
    assert_eq!(
        tell(&w, &ada, VISIT, &called).await,
        StatusCode::NOT_FOUND,
        "the other side's"
    );
    let unknown = "11111111-92a4-4f5e-8f0e-2f1c8a9b7d3e";
    assert_eq!(tell(&w, &dana, unknown, &called).await, StatusCode::NOT_FOUND);
    assert!(kept(&w).await.is_empty());
}

#[tokio::test]
async fn of_a_visit_that_nobody_answered_there_is_nothing_to_tell() {
    for status in ["planned", "cancelled"] {
        let w = world(status).await;
        let dana = w.device("dana", "phone").await;
        let answer = tell(&w, &dana, VISIT, &json!(told(QualitySide::Called))).await;
        assert_eq!(answer, StatusCode::NOT_FOUND, "{status}");
    }
}

#[tokio::test]
async fn what_cannot_be_or_is_no_figure_is_refused() {
    let w = world("in-progress").await;
    let dana = w.device("dana", "phone").await;
    let good = json!(told(QualitySide::Called));
    for (field, value) in [
        ("concealed_ppm", json!(1_000_001)),
        ("lasted_s", json!(-1)),
        ("rtt_p95_ms", json!(4_000_000_000_u64)),
        ("path", json!("10.1.2.3")),
        ("rung_s", json!([1, 2])),
        ("note", json!("Dana's hand")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let answer = tell(&w, &dana, VISIT, &bad).await;
        assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
    let mut long = good.clone();
    long["note"] = json!("x".repeat(5_000));
    assert!(tell(&w, &dana, VISIT, &long).await.is_client_error());
    assert!(kept(&w).await.is_empty());
    assert_eq!(tell(&w, &dana, VISIT, &good).await, StatusCode::CREATED);
}
