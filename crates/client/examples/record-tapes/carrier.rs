//! The carrier's window: a fresh phone, one that needs its PIN, a locked one, an open one, and its check.

use std::io::Cursor;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::Client;
use hms_model::role::Role;
use serde_json::{json, Value};

use crate::tape::{look, Tape};
use crate::world::{World, PIN};

/// What a window of the carrier reads when it opens.
pub const START: [&str; 6] = [
    "app_state",
    "where_am_i",
    "visit",
    "report_draft",
    "outbox",
    "reports",
];

pub async fn record() {
    let mut world = World::new().await;
    let people = world.employees().await;
    let quiet: Vec<_> = people.iter().filter(|person| !person.injured).collect();
    let (one, two, three) = (quiet[0].clone(), quiet[1].clone(), quiet[2].clone());
    for person in [&one, &two, &three] {
        world
            .account(Role::Carrier, &format!("Patient/{}", person.id), &person.name)
            .await;
    }
    let client = fresh(&mut world).await;
    client.shutdown().await;
    let client = needs_pin(&world, &one.id).await;
    locked(&mut world, &client).await;
    client.shutdown().await;
    open(&mut world, &two.id, "en", "open").await;
    // On a phone of its own: a third check of one person in three days has another result.
    open(&mut world, &three.id, "es", "open_es").await;
}

/// Nobody has signed in on this phone.
async fn fresh(world: &mut World) -> Client {
    let client = world.profile("fresh").start().await;
    look(&client, "app_state", json!({}), online).await;
    let mut tape = Tape::of(&client);
    start(&mut tape).await;
    tape.reads(&["sign_in_state", "summaries"]).await;
    tape.ok("sign_in_start", json!({ "deviceCode": false })).await;
    tape.reads(&["sign_in_state"]).await;
    tape.ok("sign_in_start", json!({ "deviceCode": true })).await;
    tape.reads(&["sign_in_state"]).await;
    tape.ok("sign_in_cancel", json!({})).await;
    tape.reads(&["sign_in_state", "app_state"]).await;
    check(&mut tape, Value::Null).await;
    let address = world.stop().await;
    bite(&mut tape, "draft-1", "report-1").await;
    tape.save_all("fresh");
    world.start(&address).await;
    client
}

/// Signed in, and no PIN yet.
async fn needs_pin(world: &World, who: &str) -> Client {
    let client = world.profile("phone").start().await;
    world.sign_in(&client, who).await;
    let mut tape = Tape::of(&client);
    start(&mut tape).await;
    let _ = tape.call("set_pin", json!({ "pin": "1234" })).await;
    tape.reads(&["app_state"]).await;
    tape.ok("set_pin", json!({ "pin": PIN })).await;
    tape.until("app_state", json!({}), synced).await;
    start(&mut tape).await;
    tape.reads(&["summaries"]).await;
    tape.save_all("needs_pin");
    client
}

/// The same phone, locked.
async fn locked(world: &mut World, client: &Client) {
    let mut tape = Tape::of(client);
    client.lock().await.expect("locks");
    look(client, "app_state", json!({}), |app| app["phase"] == "locked").await;
    tape.drain();
    start(&mut tape).await;
    tape.ok("unlock", json!({ "pin": "000000" })).await;
    tape.reads(&["app_state"]).await;
    tape.ok("unlock", json!({ "pin": PIN })).await;
    start(&mut tape).await;
    tape.reads(&["summaries"]).await;
    tape.ok("lock", json!({})).await;
    tape.reads(&["app_state"]).await;
    tape.ok("forgot_pin", json!({})).await;
    tape.reads(&["sign_in_state", "app_state"]).await;
    tape.ok("sign_in_cancel", json!({})).await;
    tape.reads(&["sign_in_state", "app_state"]).await;
    check(&mut tape, Value::Null).await;
    let address = world.stop().await;
    bite(&mut tape, "draft-1", "report-1").await;
    tape.save_all("locked");
    world.start(&address).await;
}

/// An open phone on which nothing has happened yet: the report, the wait, the receipt, the check.
async fn open(world: &mut World, who: &str, language: &str, name: &str) {
    let client = world.open(&world.profile(name), who).await;
    let form = json!({ "form": { "language": language, "theme": "auto" } });
    crate::commands::give(&client, "set_preferences", &form)
        .await
        .expect("chosen");
    look(&client, "app_state", json!({}), synced).await;
    let mut tape = Tape::of(&client);
    start(&mut tape).await;
    tape.reads(&["summaries"]).await;
    tape.ok("dial", json!({ "number": "911" })).await;
    let address = world.stop().await;
    let report = bite(&mut tape, "draft-1", "report-1").await;
    check(&mut tape, json!(report)).await;
    world.start(&address).await;
    tape.ok("sync_now", json!({})).await;
    tape.until("app_state", json!({}), |app| app["unsent"] == 0 && online(app))
        .await;
    start(&mut tape).await;
    tape.ok("report", json!({ "id": report })).await;
    check(&mut tape, Value::Null).await;
    tape.ok("report_start", json!({ "colleague": "Sam Ortiz" })).await;
    let draft = tape.ok("report_draft", json!({})).await;
    tape.ok("report_discard", json!({ "draft": draft["id"] })).await;
    tape.reads(&["report_draft"]).await;
    tape.ok("lock", json!({})).await;
    tape.reads(&["app_state"]).await;
    tape.save_all(name);
    client.shutdown().await;
}

/// What a window reads when it opens.
pub async fn start(tape: &mut Tape) {
    tape.reads(&START).await;
}

pub fn online(app: &Value) -> bool {
    app["network"]["state"] == "online"
}

pub fn synced(app: &Value) -> bool {
    online(app) && !app["network"]["last_sync_at"].is_null()
}

/// Fills in the report of a dog bite, step by step, and sends it; gives its id.
pub async fn bite(tape: &mut Tape, draft_name: &str, report_name: &str) -> String {
    let draft = tape.ok("report_start", json!({ "colleague": null })).await;
    let draft = draft["id"].as_str().expect("an id").to_owned();
    tape.name(&draft, draft_name);
    tape.reads(&["report_draft"]).await;
    let position = json!({ "latitude": 44.05, "longitude": -92.5, "accuracy_m": 12.0 });
    let steps = [
        json!({ "step": "safe", "value": "safe" }),
        json!({ "step": "what", "value": "animal" }),
        json!({ "step": "where", "value": [{ "part": "hand", "side": "left" }] }),
        json!({ "step": "place", "position": position, "text": "RR 7, box 112" }),
        json!({ "step": "note", "text": "The dog ran out from the porch. Brown, no collar." }),
    ];
    for step in steps {
        tape.ok("report_step", json!({ "draft": draft, "step": step }))
            .await;
        tape.reads(&["report_draft"]).await;
    }
    let photo = json!({ "draft": draft, "contentType": "image/png", "base64": photo() });
    let with = tape.ok("report_attach", photo).await;
    let id = with["attachments"][0]["id"].as_str().expect("an id").to_owned();
    tape.name(&id, "photo-1");
    tape.reads(&["report_draft"]).await;
    let _ = tape.call("attachment", json!({ "id": id })).await;
    tape.ok("report_detach", json!({ "draft": draft, "id": id }))
        .await;
    tape.reads(&["report_draft"]).await;
    let sent = tape.ok("report_send", json!({ "draft": draft })).await;
    let report = sent["id"].as_str().expect("an id").to_owned();
    tape.name(&report, report_name);
    tape.reads(&["report_draft", "app_state", "outbox", "reports"])
        .await;
    let _ = tape.call("report", json!({ "id": report })).await;
    report
}

/// A picture of nothing: a hand is nobody's here.
pub fn photo() -> String {
    let picture = image::RgbImage::from_fn(320, 240, |x, y| {
        let (x, y) = (x as u8 / 2, y as u8 / 2);
        image::Rgb([170 + x / 4, 120 + y / 4, 100])
    });
    png(&picture)
}

/// A picture that stays large however it is packed.
pub fn noise(width: u32, height: u32) -> String {
    let mut seed = 7_u32;
    let picture = image::RgbImage::from_fn(width, height, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = seed.to_be_bytes();
        image::Rgb([a, b, c])
    });
    png(&picture)
}

fn png(picture: &image::RgbImage) -> String {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    STANDARD.encode(bytes.into_inner())
}

/// A symptom check: a word searched, an emergency, one step back, and on to the end.
pub async fn check(tape: &mut Tape, report: Value) {
    tape.ok("triage_search", json!({ "text": "" })).await;
    tape.ok("triage_search", json!({ "text": "dog" })).await;
    tape.ok("triage_at", json!({ "part": "hand" })).await;
    let start = json!({ "report": report, "complaint": if report.is_null() { json!("animal_bite") } else { Value::Null } });
    let mut view = match tape.call("triage_start", start).await {
        Ok(view) => view,
        Err(error) => panic!("the check does not start: {error}"),
    };
    let id = view["id"].as_str().expect("an id").to_owned();
    tape.name(
        &id,
        if report.is_null() {
            "check-1"
        } else {
            "check-report"
        },
    );
    let (mut shown, mut went_back) = (0, false);
    while !view["question"].is_null() {
        let question = view["question"].clone();
        eprintln!(
            "  {} {} {}/{}",
            question["id"], question["kind"], view["answered"], view["at_most"]
        );
        assert!(shown < 40, "the check ends");
        let give = |answer: Value| json!({ "check": id, "question": question["id"], "answer": answer });
        if question["id"] == "life.now" {
            let alarm = question["options"][0]["code"].clone();
            tape.ok(
                "triage_answer",
                give(json!({ "kind": "multi", "value": [alarm] })),
            )
            .await;
            tape.ok("triage_back", json!({ "check": id })).await;
        }
        let answer = usual(&question);
        view = tape.ok("triage_answer", give(answer)).await;
        shown += 1;
        // Going back is shown once, to the first question with one answer.
        if !went_back && question["kind"] == "choice" && !view["question"].is_null() {
            went_back = true;
            tape.ok("triage_back", json!({ "check": id })).await;
            let last = json!({ "check": id, "question": question["id"], "answer": usual(&question) });
            view = tape.ok("triage_answer", last).await;
        }
    }
}

/// A plain answer: nothing alarming, a bite by a stray dog on the hand that broke the skin.
fn usual(question: &Value) -> Value {
    let chosen = match question["id"].as_str().unwrap_or_default() {
        "bite.skin" => Some("broken"),
        "bite.animal" => Some("stray"),
        _ => None,
    };
    match (question["kind"].as_str(), chosen) {
        (_, Some(code)) => json!({ "kind": "choice", "value": code }),
        (Some("multi"), None) => json!({ "kind": "multi", "value": [] }),
        (Some("boolean"), None) => json!({ "kind": "boolean", "value": false }),
        (Some("number"), None) => json!({ "kind": "number", "value": 42 }),
        _ => json!({ "kind": "unknown" }),
    }
}
