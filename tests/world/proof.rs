//! The check against the server: the real store and the real server compare what they hold, and the store mends.

use crate::device::Device;
use crate::district;
use crate::link::Weather;
use crate::server::Server;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_model::map::task::Priority;
use hms_model::time::Timestamp;
use hms_model::wire::digest::{WireDigest, WireDigestAsk, WireLeaf};
use hms_model::wire::sync::{ChangeBody, GoneWhy, WireChange, DEVICE_HEADER};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::json;
use tower::ServiceExt;

const NOW: Timestamp = Timestamp(district::NOON);

/// One question and its answer, and the bytes of both bodies.
async fn ask<T: DeserializeOwned>(
    device: &Device,
    server: &Server,
    leaves: Option<String>,
    records: Vec<String>,
) -> (Vec<T>, WireDigest, usize) {
    let ask = WireDigestAsk {
        cursor: device.store().cursor().await.expect("cursor"),
        scope: "mine".to_owned(),
        leaves,
        records,
    };
    let body = serde_json::to_string(&ask).expect("json");
    let up = body.len();
    let request = Request::post("/fhir/$hms-sync-digest")
        .header("authorization", format!("Bearer {}", device.session.token))
        .header(DEVICE_HEADER, &device.session.device)
        .body(Body::from(body))
        .expect("request");
    let response = server.app.router().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let mut lines: Vec<&str> = text.lines().collect();
    let end = serde_json::from_str(lines.pop().expect("an end")).expect("an end");
    let lines = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("a line"));
    (lines.collect(), end, up + text.len())
}

/// Compares once.
pub async fn compare(device: &Device, server: &Server) -> (Vec<WireLeaf>, WireDigest, usize) {
    let leaves = device.store().leaves().await.expect("sums").to_text();
    ask(device, server, Some(leaves), Vec::new()).await
}

/// Compares and mends until both hold the same. Gives what was mended.
async fn check(device: &Device, server: &Server) -> Vec<String> {
    let mut mended = Vec::new();
    for _ in 0..12 {
        let (listed, end, _) = compare(device, server).await;
        assert!(!end.behind, "nothing new since the sync");
        if end.differ == 0 {
            mended.sort();
            return mended;
        }
        let differing = device.store().differing(listed).await.expect("compares");
        let (changes, _, _) = ask::<WireChange>(device, server, None, differing).await;
        mended.extend(device.store().mend(changes, NOW).await.expect("mends").changed);
    }
    panic!("the check does not end: {mended:?}");
}

fn gone(id: &str) -> WireChange {
    WireChange {
        change: ChangeBody::Gone {
            id: id.to_owned(),
            why: GoneWhy::Deleted,
        },
    }
}

async fn begin(who: &'static str) -> (Server, Device) {
    crate::in_memory();
    let server = Server::new().await;
    let device = Device::new(&server, who, "checked", 2).await;
    (server, device)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_wrong_behind_the_syncs_back_is_found_and_mended() {
    let (mut server, mut phone) = begin("dana").await;
    for n in 0..12 {
        let id = format!("r-{n}");
        let report = district::bite(&id, Some("dana"));
        let review = district::review(&id, Some("dana"), Priority::Urgent);
        phone.save(vec![report, review], NOW).await;
    }
    assert!(phone.exchange_in(&mut server, NOW, Weather::Fair).await);
    assert!(phone.exchange_in(&mut server, NOW, Weather::Fair).await);
    assert_eq!(check(&phone, &server).await, [""; 0]);
    let whole = crate::history::holds(&phone).await;

    // Lost, turned back to an older version, and of somebody else: none of it by way of the feed.
    let mut old = phone
        .store()
        .get("Patient", "dana")
        .await
        .expect("reads")
        .expect("there")
        .resource;
    old["meta"]["versionId"] = json!("0");
    let mut others = district::bite("of-lee", Some("lee"));
    others["meta"] = json!({"versionId": "1"});
    let cursor = phone.store().cursor().await.expect("reads").expect("a cursor");
    let behind_its_back = vec![
        gone("QuestionnaireResponse/r-3"),
        gone("QuestionnaireResponse/r-4"),
        WireChange {
            change: ChangeBody::Resource(old),
        },
        WireChange {
            change: ChangeBody::Resource(others),
        },
    ];
    phone
        .store()
        .apply_page(behind_its_back, cursor, NOW)
        .await
        .expect("applies");
    // What is written here meanwhile is not touched.
    phone.save(vec![district::bite("r-new", Some("dana"))], NOW).await;
    // An exchange does not notice.
    server.put(district::bite("r-lee", Some("lee"))).await;

    let mended = check(&phone, &server).await;

    assert_eq!(
        mended,
        [
            "Patient/dana",
            "QuestionnaireResponse/of-lee",
            "QuestionnaireResponse/r-3",
            "QuestionnaireResponse/r-4"
        ]
    );
    let mut after = crate::history::holds(&phone).await;
    assert!(after.remove("QuestionnaireResponse/r-new").is_some());
    assert_eq!(after, whole);
    assert_eq!(phone.store().outbox().await.expect("outbox").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_lost_everything_is_filled_again_in_a_few_rounds() {
    let (mut server, mut desk) = begin("nora").await;
    for n in 0..400 {
        server.put(district::bite(&format!("r-{n}"), Some("dana"))).await;
    }
    assert!(desk.exchange_in(&mut server, NOW, Weather::Fair).await);
    let whole = crate::history::holds(&desk).await;
    let (_, end, bytes) = compare(&desk, &server).await;
    assert_eq!((end.differ, end.records > 400), (0, true));
    assert!(bytes < 10_000, "{bytes}");
    let cursor = desk.store().cursor().await.expect("reads").expect("a cursor");
    let all = whole.keys().map(|id| gone(id)).collect();
    desk.store().apply_page(all, cursor, NOW).await.expect("applies");
    assert!(crate::history::holds(&desk).await.is_empty());

    let mended = check(&desk, &server).await;

    assert_eq!(mended.len(), whole.len());
    assert_eq!(crate::history::holds(&desk).await, whole);
}
