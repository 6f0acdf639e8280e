//! The digest: equal stores are told so in one small round trip, differences in their ranges, and nobody learns of what is
//! not theirs.

use crate::world::{Device, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_core::sync::digest::{leaf_of, Leaves};
use hms_model::map::task::Priority;
use hms_model::wire::digest::{WireDigest, WireLeaf};
use serde_json::{json, Value};

/// The sums over what a device holds, with some records left out or of another version.
fn sums(device: &Device, but: &[(&str, Option<&str>)]) -> Leaves {
    let mut leaves = Leaves::default();
    for (id, body) in &device.held {
        let version = body["meta"]["versionId"].as_str().expect("a version");
        match but.iter().find(|(other, _)| other == id) {
            Some((_, None)) => {}
            Some((_, Some(version))) => leaves.add(id, version),
            None => leaves.add(id, version),
        }
    }
    leaves
}

async fn post(w: &World, who: &Device, ask: &Value) -> (StatusCode, String) {
    let request = Request::post("/fhir/$hms-sync-digest")
        .header("authorization", format!("Bearer {}", who.token))
        .header("x-hms-device", &who.device)
        .header("content-type", "application/x-ndjson")
        .body(Body::from(ask.to_string()))
        .expect("request");
    w.send(request).await
}

async fn compare(w: &World, who: &Device, leaves: &Leaves) -> (Vec<WireLeaf>, WireDigest) {
    let ask = json!({"cursor": who.cursor, "scope": "mine", "leaves": leaves.to_text()});
    let (status, text) = post(w, who, &ask).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let mut lines: Vec<&str> = text.lines().collect();
    let end = serde_json::from_str(lines.pop().expect("an end")).expect("an end");
    let leaves = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("a leaf"));
    (leaves.collect(), end)
}

async fn world() -> (World, Device, Device) {
    let w = World::new().await;
    let (mut dana, mut lee) = (w.device("dana", "phone").await, w.device("lee", "phone3").await);
    for n in 0..4 {
        let ops = dana.report_ops(&format!("r-dana-{n}"), "dana", Priority::Asap);
        w.sync(&mut dana, &ops).await;
        let ops = lee.report_ops(&format!("r-lee-{n}"), "lee", Priority::Asap);
        w.sync(&mut lee, &ops).await;
    }
    w.sync(&mut dana, &[]).await;
    w.sync(&mut lee, &[]).await;
    (w, dana, lee)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_that_is_in_line_is_told_so() {
    let (w, dana, _) = world().await;
    for who in ["dana", "ada", "nora", "max", "hana"] {
        let mut device = w.device(who, &format!("other-{who}")).await;
        w.sync(&mut device, &[]).await;

        let (leaves, end) = compare(&w, &device, &sums(&device, &[])).await;

        assert_eq!((leaves.len(), end.differ, end.behind), (0, 0, false), "{who}");
        assert_eq!(
            usize::try_from(end.records).expect("small"),
            device.held.len(),
            "{who}"
        );
    }
    assert!(dana.held.len() > 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_missing_old_or_too_much_shows_in_its_range_only() {
    let (w, dana, _) = world().await;
    let id = "QuestionnaireResponse/r-dana-2";
    for other in [vec![(id, None)], vec![(id, Some("7"))]] {
        let (leaves, end) = compare(&w, &dana, &sums(&dana, &other)).await;

        assert_eq!((end.differ, end.behind), (1, false));
        let leaf = leaves.first().expect("a range");
        assert_eq!((leaves.len(), leaf.leaf), (1, leaf_of(id)));
        assert_eq!(leaf.holds.get(id).map(String::as_str), Some("1"));
        assert!(leaf
            .holds
            .keys()
            .all(|held| leaf_of(held) == leaf.leaf && dana.held.contains_key(held)));
    }
    let mut more = sums(&dana, &[]);
    more.add("Task/never-was", "1");
    let (leaves, _) = compare(&w, &dana, &more).await;
    let leaf = leaves.first().expect("a range");
    assert_eq!(leaf.leaf, leaf_of("Task/never-was"));
    assert!(!leaf.holds.contains_key("Task/never-was"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_behind_is_told_to_sync_first() {
    let (w, mut dana, _) = world().await;
    let leaves = sums(&dana, &[]);
    let mut body = dana.held["Patient/dana"].clone();
    body["birthDate"] = json!("1980-02-03");
    w.put(body).await;

    let (listed, end) = compare(&w, &dana, &leaves).await;
    assert_eq!((listed.len(), end.behind), (0, true));

    w.sync(&mut dana, &[]).await;
    let (_, end) = compare(&w, &dana, &sums(&dana, &[])).await;
    assert_eq!((end.behind, end.differ), (false, 0));
    dana.cursor = Some("0a0b.3.0c".into());
    assert!(compare(&w, &dana, &leaves).await.1.behind);
    dana.cursor = None;
    assert!(compare(&w, &dana, &leaves).await.1.behind);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ones_own_is_answered_like_what_is_not_there() {
    let (w, mut dana, lee) = world().await;
    w.change(|tx| tx.delete("QuestionnaireResponse", "r-dana-3", None).map(drop))
        .await;
    w.sync(&mut dana, &[]).await;
    let mut asked: Vec<&str> = lee
        .held
        .keys()
        .map(String::as_str)
        .filter(|id| !dana.held.contains_key(*id))
        .collect();
    assert!(asked.contains(&"Patient/lee") && asked.contains(&"QuestionnaireResponse/r-lee-0"));
    asked.extend([
        "QuestionnaireResponse/r-dana-3",
        "Patient/nobody",
        "nonsense",
        "",
        "Task/../x",
    ]);

    let (status, text) = post(
        &w,
        &dana,
        &json!({"cursor": null, "scope": "mine", "records": asked}),
    )
    .await;

    assert_eq!(status, StatusCode::OK);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("json"))
        .collect();
    assert_eq!(lines.len(), asked.len() + 1);
    for (line, id) in lines.iter().zip(&asked) {
        assert_eq!(
            *line,
            json!({"change": {"gone": {"id": id, "why": "out-of-scope"}}})
        );
    }
    // Nor does a sum that cannot fit bring out more than one's own.
    let (leaves, end) = compare(&w, &dana, &Leaves::default()).await;
    assert_eq!(usize::try_from(end.records).expect("small"), dana.held.len());
    assert!(leaves
        .iter()
        .flat_map(|leaf| leaf.holds.keys())
        .all(|id| dana.held.contains_key(id)));
    let (_, own) = post(
        &w,
        &dana,
        &json!({"cursor": null, "scope": "mine", "records": ["Patient/dana"]}),
    )
    .await;
    assert!(
        own.starts_with("{\"change\":{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"dana\""),
        "{own}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_listed_whole_and_thirty_two_ranges_at_a_time() {
    let (w, mut dana, _) = world().await;
    for n in 0..300 {
        w.put(json!({"resourceType": "Condition", "id": format!("c{n}"), "subject": {"reference": "Patient/dana"}}))
            .await;
    }
    w.sync(&mut dana, &[]).await;

    let (leaves, end) = compare(&w, &dana, &Leaves::default()).await;

    assert!(end.differ > 100, "{}", end.differ);
    assert_eq!(leaves.len(), 32);
    for leaf in leaves {
        let here = dana.held.keys().filter(|id| leaf_of(id) == leaf.leaf);
        assert_eq!(leaf.holds.keys().collect::<Vec<_>>(), here.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_and_each_patient_whose_records_are_read_are_in_the_audit() {
    const DIGEST: &str = "$hms-sync-digest";
    let (w, _, _) = world().await;
    let mut ada = w.device("ada", "desk").await;
    w.sync(&mut ada, &[]).await;
    let me = "Practitioner/ada";

    compare(&w, &ada, &sums(&ada, &[])).await;
    assert_eq!(w.audited(me, None, DIGEST).await, 1);
    let asked = ["Patient/dana", "QuestionnaireResponse/r-dana-1", "Patient/nobody"];
    let ask = json!({"cursor": null, "scope": "mine", "records": asked});
    post(&w, &ada, &ask).await;

    assert_eq!(w.audited(me, Some("dana"), DIGEST).await, 1);
    assert_eq!(w.audited(me, None, DIGEST).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused() {
    let (w, mut dana, lee) = world().await;
    let many: Vec<String> = (0..501).map(|n| format!("Task/{n}")).collect();
    for ask in [
        json!({}),
        json!({"cursor": null, "scope": "mine", "leaves": "AAAA"}),
        json!({"cursor": null, "scope": "mine", "records": many}),
        json!({"cursor": "x".repeat(70_000), "scope": "mine"}),
    ] {
        let (status, _) = post(&w, &dana, &ask).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    // From another device than the one that the sign-in was given to.
    dana.device = lee.device;
    let ask = json!({"cursor": null, "scope": "mine", "records": ["Patient/dana"]});
    assert_eq!(post(&w, &dana, &ask).await.0, StatusCode::FORBIDDEN);
}
