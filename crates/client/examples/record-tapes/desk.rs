//! The clinician's window, and the carrier's on the other end of the call.

use std::time::Duration;

use hms_client::Client;
use hms_model::role::Role;
use serde_json::{json, Value};

use crate::carrier::{self, photo};
use crate::commands::give;
use crate::tape::{look, Mark, Tape};
use crate::world::World;

/// The people of this recording.
struct Cast {
    world: World,
    /// The demonstration's carrier: bitten, has a photo, a check, and it got worse.
    dana: Client,
    /// Fell, and speaks Spanish; the second clinician takes the entry.
    second: Client,
    /// Too hot; nobody was ever asked about allergies.
    third: Client,
    /// Has the emergency.
    fourth: Client,
    ada: Tape,
    other: Client,
}

/// One day at the desk: nobody waits, people come, one is called, and the case is closed.
pub async fn record() {
    let mut world = World::new().await;
    world.give_password("clinician-2").await;
    let people = world.employees().await;
    let second = people.iter().find(|p| p.no_allergy).expect("somebody").clone();
    let third = people
        .iter()
        .find(|p| !p.allergies && p.id != second.id)
        .expect("somebody")
        .clone();
    let fourth = people
        .iter()
        .find(|p| p.id != second.id && p.id != third.id)
        .expect("somebody")
        .clone();
    for person in [&second, &third, &fourth] {
        world
            .account(Role::Carrier, &format!("Patient/{}", person.id), &person.name)
            .await;
    }
    let ada = world.open(&world.desk("ada"), "ada").await;
    look(&ada, "app_state", json!({}), carrier::synced).await;
    empty(&ada).await;
    stale_and_empty(&mut world, &ada).await;
    let mut cast = Cast {
        dana: world.open(&world.profile("dana"), "dana").await,
        second: world.open(&world.profile("second"), &second.id).await,
        third: world.open(&world.profile("third"), &third.id).await,
        fourth: world.open(&world.profile("fourth"), &fourth.id).await,
        other: world.open(&world.desk("other"), "clinician-2").await,
        ada: Tape::of(&ada),
        world,
    };
    let tasks = injuries(&mut cast).await;
    nurse(&cast, &tasks).await;
    taken(&cast, &tasks).await;
    unset(&cast, &tasks).await;
    away(&mut cast, &tasks).await;
    no_answer(&cast, &tasks).await;
    story(&mut cast, &tasks).await;
    urgent(&cast, &tasks).await;
    lost(&mut cast).await;
    note_fails_and_stale(cast).await;
}

/// Entries of the queue by person.
struct Tasks {
    dana: String,
    second: String,
    third: String,
}

impl Tasks {
    fn all(&self) -> [&str; 3] {
        [&self.dana, &self.second, &self.third]
    }
}

async fn empty(ada: &Client) {
    let mut tape = Tape::of(ada);
    tape.reads(&["app_state", "queue", "visit", "duty_choices"]).await;
    tape.save_all("staff_empty");
}

/// The server is gone for longer than the desk believes its last list.
async fn stale_and_empty(world: &mut World, ada: &Client) {
    let address = world.stop().await;
    look(ada, "queue", json!({}), |queue| queue["stale"] == true).await;
    let mut tape = Tape::of(ada);
    tape.reads(&["app_state", "queue", "visit", "duty_choices"]).await;
    tape.save_all("staff_stale");
    world.start(&address).await;
    look(ada, "queue", json!({}), |queue| queue["stale"] == false).await;
}

/// Reports come in; gives the entries that they make in the queue.
async fn injuries(cast: &mut Cast) -> Tasks {
    let dana = report(
        &cast.dana,
        "animal",
        &["hand left"],
        "Brown dog, no collar. It ran off.",
        true,
    )
    .await;
    check(&cast.dana, &dana, &[]).await;
    ok(
        &cast.dana,
        "report_add",
        json!({ "report": dana, "kind": "worse", "text": "Two fingers are swelling." }),
    )
    .await;
    let spanish = json!({ "form": { "language": "es", "theme": "auto" } });
    ok(&cast.second, "set_preferences", spanish).await;
    let second = report(
        &cast.second,
        "fall",
        &["knee right"],
        "Me resbalé en la entrada.",
        false,
    )
    .await;
    let third = report(
        &cast.third,
        "heat",
        &["whole_body middle"],
        "Dizzy since noon.",
        false,
    )
    .await;
    for client in [&cast.dana, &cast.second, &cast.third] {
        look(client, "app_state", json!({}), |app| app["unsent"] == 0).await;
    }
    let queue = look(&cast.ada.client, "queue", json!({}), |queue| {
        let items = queue["items"].as_array().expect("items");
        items.len() >= 3
            && items.iter().all(|item| item["signal"]["connected"] == true)
            && items.iter().any(|item| !item["urgency"].is_null())
    })
    .await;
    let task_of = |report: &str| {
        let items = queue["items"].as_array().expect("items");
        let task = format!("review-{report}");
        assert!(items.iter().any(|item| item["task"] == json!(task)), "{queue}");
        task
    };
    // The photo comes after the report.
    let task = task_of(&dana);
    look(&cast.ada.client, "chart", json!({ "task": task }), |chart| {
        chart["report"]["photos"]
            .as_array()
            .is_some_and(|photos| photos.len() == 1)
            && !chart["checks"][0].is_null()
            && chart["report"]["additions"]
                .as_array()
                .is_some_and(|additions| additions.len() == 1)
    })
    .await;
    Tasks {
        dana: task,
        second: task_of(&second),
        third: task_of(&third),
    }
}

/// Fills in a report and sends it; gives its id.
pub async fn report(client: &Client, what: &str, places: &[&str], note: &str, with_photo: bool) -> String {
    let draft = ok(client, "report_start", json!({ "colleague": null })).await["id"].clone();
    let places: Vec<Value> = places
        .iter()
        .filter_map(|place| place.split_once(' '))
        .map(|(part, side)| json!({ "part": part, "side": side }))
        .collect();
    let steps = [
        json!({ "step": "safe", "value": "safe" }),
        json!({ "step": "what", "value": what }),
        json!({ "step": "where", "value": places }),
        json!({ "step": "note", "text": note }),
    ];
    for step in steps {
        ok(client, "report_step", json!({ "draft": draft, "step": step })).await;
    }
    if with_photo {
        let photo = json!({ "draft": draft, "contentType": "image/png", "base64": photo() });
        ok(client, "report_attach", photo).await;
    }
    let sent = ok(client, "report_send", json!({ "draft": draft })).await;
    sent["id"].as_str().expect("an id").to_owned()
}

/// Answers a symptom check of a report; `alarms` are the findings that are true.
pub async fn check(client: &Client, report: &str, alarms: &[&str]) {
    let mut view = ok(
        client,
        "triage_start",
        json!({ "report": report, "complaint": null }),
    )
    .await;
    while !view["question"].is_null() {
        let question = &view["question"];
        let options = question["options"].as_array().cloned().unwrap_or_default();
        let found: Vec<Value> = options
            .iter()
            .map(|option| option["code"].clone())
            .filter(|code| alarms.iter().any(|alarm| code == alarm))
            .collect();
        let answer = match question["kind"].as_str() {
            Some("multi") => json!({ "kind": "multi", "value": found }),
            Some("boolean") => json!({ "kind": "boolean", "value": false }),
            Some("number") => json!({ "kind": "number", "value": 42 }),
            _ => json!({ "kind": "unknown" }),
        };
        let args = json!({ "check": view["id"], "question": question["id"], "answer": answer });
        view = ok(client, "triage_answer", args).await;
    }
}

async fn nurse(cast: &Cast, tasks: &Tasks) {
    let nora = cast.world.open(&cast.world.desk("nora"), "nora").await;
    look(&nora, "queue", json!({}), |queue| {
        queue["items"].as_array().is_some_and(|items| items.len() >= 3)
    })
    .await;
    let mut tape = Tape::of(&nora);
    tape.name(&tasks.dana, "task-1");
    desk(&mut tape, tasks).await;
    tape.save_all("staff_nurse");
    nora.shutdown().await;
}

/// Somebody else is faster.
async fn taken(cast: &Cast, tasks: &Tasks) {
    let mut tape = Tape::of(&cast.ada.client);
    tape.name(&tasks.second, "task-1");
    desk(&mut tape, tasks).await;
    let wait = |queue: &Value| queue["items"].as_array().is_some_and(|items| items.len() >= 3);
    look(&cast.other, "queue", json!({}), wait).await;
    ok(&cast.other, "queue_claim", json!({ "task": tasks.second })).await;
    let refused = tape.call("queue_claim", json!({ "task": tasks.second })).await;
    assert_eq!(refused.expect_err("taken")["code"], "taken");
    let second = tasks.second.clone();
    tape.until("queue", json!({}), |queue| {
        item(queue, &second).is_some_and(|item| !item["claimed_by"].is_null())
    })
    .await;
    desk(&mut tape, tasks).await;
    tape.save_all("staff_taken");
    let mut tape = Tape::of(&cast.ada.client);
    tape.name(&tasks.second, "task-1");
    desk(&mut tape, tasks).await;
    tape.save_all("staff_others");
}

async fn unset(cast: &Cast, tasks: &Tasks) {
    let mut tape = Tape::of(&cast.ada.client);
    tape.name(&tasks.third, "task-1");
    desk(&mut tape, tasks).await;
    tape.save_all("staff_unset");
}

/// The phone is off: nothing rings, and a call-back is on the list.
async fn away(cast: &mut Cast, tasks: &Tasks) {
    let client = cast.ada.client.clone();
    ok(&client, "queue_claim", json!({ "task": tasks.third })).await;
    cast.third.shutdown().await;
    let third = tasks.third.clone();
    look(&client, "queue", json!({}), |queue| {
        item(queue, &third).is_some_and(|item| item["signal"]["connected"] == false)
    })
    .await;
    ok(&client, "visit_call", json!({ "task": tasks.third })).await;
    look(&client, "visit", json!({}), |visit| {
        visit["state"] == "not_connected"
    })
    .await;
    let call_back = |queue: &Value| {
        queue["items"]
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item["kind"] == "call-back"))
    };
    look(&client, "queue", json!({}), call_back).await;
    let mut tape = Tape::of(&client);
    tape.name(&tasks.third, "task-1");
    desk(&mut tape, tasks).await;
    tape.save_all("staff_away");
    ok(&client, "visit_decline", json!({})).await;
    look(&client, "visit", json!({}), over).await;
    let profile = cast.world.profile("third");
    cast.third = profile.start().await;
    ok(&cast.third, "unlock", json!({ "pin": crate::world::PIN })).await;
    look(&client, "queue", json!({}), |queue| {
        item(queue, &third).is_some_and(|item| item["signal"]["connected"] == true)
    })
    .await;
}

/// It rings and nobody answers.
async fn no_answer(cast: &Cast, tasks: &Tasks) {
    let client = &cast.ada.client;
    ok(client, "visit_call", json!({ "task": tasks.third })).await;
    look(client, "visit", json!({}), |visit| visit["ended"] == "no_answer").await;
    let mut tape = Tape::of(client);
    tape.name(&tasks.third, "task-1");
    desk(&mut tape, tasks).await;
    tape.save_all("staff_no_answer");
    ok(client, "queue_release", json!({ "task": tasks.third })).await;
}

/// The whole visit, seen from both windows.
async fn story(cast: &mut Cast, tasks: &Tasks) {
    let task = tasks.dana.clone();
    let mut desk_tape = Tape::of(&cast.ada.client);
    let mut phone = Tape::of(&cast.dana);
    desk_tape.name(&task, "task-1");
    desk_tape.name(&tasks.second, "task-2");
    desk_tape.name(&tasks.third, "task-3");
    let photo = ok(&cast.ada.client, "chart", json!({ "task": task })).await;
    let photo = photo["report"]["photos"][0].as_str().expect("a photo").to_owned();
    desk_tape.name(&photo, "photo-1");
    desk(&mut desk_tape, tasks).await;
    desk_tape.ok("attachment", json!({ "id": photo })).await;
    desk_tape.ok("imaging_sites", json!({ "task": task })).await;
    desk_tape.ok("dial", json!({ "number": "911" })).await;
    desk_tape.ok("queue_claim", json!({ "task": task })).await;
    desk_after(&mut desk_tape, &task).await;
    desk_tape.ok("visit_call", json!({ "task": task })).await;
    desk_tape
        .until("visit", json!({}), |visit| visit["state"] == "ringing_out")
        .await;
    let ringing = desk_tape.mark();
    desk(&mut desk_tape, tasks).await;
    desk_tape.save("staff_ringing", ringing);
    phone
        .until("visit", json!({}), |visit| visit["state"] == "ringing_in")
        .await;
    phone.drain();
    carrier::start(&mut phone).await;
    phone.reads(&["summaries"]).await;
    phone.ok("visit_accept", json!({})).await;
    let in_call = |visit: &Value| {
        visit["state"] == "in_call"
            && visit["frame_numbers"].as_u64() >= Some(10)
            && visit["code"]["state"] == "digits"
            && visit["live_text"] == true
    };
    phone.until("visit", json!({}), in_call).await;
    phone.reads(&["visit"]).await;
    desk_tape.until("visit", json!({}), in_call).await;
    desk_after(&mut desk_tape, &task).await;
    let calling = desk_tape.mark();
    desk(&mut desk_tape, tasks).await;
    desk_tape.ok("attachment", json!({ "id": photo })).await;
    desk_tape.ok("imaging_sites", json!({ "task": task })).await;
    talk(&mut desk_tape, &mut phone).await;
    work(&mut desk_tape, &task, calling).await;
    look(&cast.dana, "visit", json!({}), over).await;
    phone.reads(&["visit", "app_state", "summaries"]).await;
    // Both may press "leave" at the same time: the second finds the call over.
    phone.ok("visit_leave", json!({})).await;
    phone.reads(&["visit"]).await;
    phone.save_all("visit");
    sign(&mut desk_tape, &task, tasks).await;
}

/// A sharp picture: asked for at the desk, given on the phone to look at.
async fn sharp(desk_tape: &mut Tape, phone: &mut Tape) {
    desk_tape.ok("visit_ask_sharp", json!({})).await;
    phone
        .until("visit", json!({}), |visit| visit["sharp_wanted"] == true)
        .await;
    phone.reads(&["visit"]).await;
    phone.ok("visit_give_sharp", json!({ "keep": false })).await;
    phone.reads(&["visit"]).await;
    let here = |visit: &Value| visit["sharp_id"].is_string() && visit["sharp_answer"] == "shown";
    let visit = desk_tape.until("visit", json!({}), here).await;
    let id = visit["sharp_id"].as_str().expect("an id").to_owned();
    desk_tape.name(&id, "sharp-1");
    desk_tape.reads(&["visit"]).await;
    desk_tape.ok("attachment", json!({ "id": id })).await;
}

/// Mute, camera, sound alone, a sharp picture and a line of text, from both sides.
async fn talk(desk_tape: &mut Tape, phone: &mut Tape) {
    for tape in [&mut *phone, &mut *desk_tape] {
        for on in [true, false] {
            tape.ok("visit_mute", json!({ "muted": on })).await;
            tape.reads(&["visit"]).await;
        }
        for on in [false, true] {
            tape.ok("visit_camera", json!({ "on": on })).await;
            tape.reads(&["visit"]).await;
        }
        for on in [true, false] {
            tape.ok("visit_sound_only", json!({ "on": on })).await;
            tape.reads(&["visit"]).await;
        }
    }
    sharp(desk_tape, phone).await;
    let typing = |words: &'static str| move |visit: &Value| visit["peer_typing"] == words;
    phone
        .ok("visit_typing", json!({ "text": "My hand is swo" }))
        .await;
    desk_tape
        .until("visit", json!({}), typing("My hand is swo"))
        .await;
    desk_tape.reads(&["visit"]).await;
    phone
        .ok("visit_text", json!({ "text": "My hand is swollen." }))
        .await;
    phone.reads(&["visit"]).await;
    let heard = |visit: &Value| visit["texts"].as_array().is_some_and(|texts| !texts.is_empty());
    desk_tape.until("visit", json!({}), heard).await;
    desk_tape.reads(&["visit"]).await;
    desk_tape
        .ok("visit_typing", json!({ "text": "Please hold the ha" }))
        .await;
    phone
        .until("visit", json!({}), typing("Please hold the ha"))
        .await;
    phone.reads(&["visit"]).await;
    desk_tape
        .ok(
            "visit_text",
            json!({ "text": "Please hold the hand up to the camera." }),
        )
        .await;
    desk_tape.reads(&["visit"]).await;
    phone
        .until("visit", json!({}), |visit| {
            visit["texts"].as_array().is_some_and(|texts| texts.len() == 2)
        })
        .await;
    phone.reads(&["visit"]).await;
}

/// What is filled in during the visit, and its end.
async fn work(tape: &mut Tape, task: &str, calling: Mark) {
    tape.ok("intake_save", json!({ "task": task, "form": intake() }))
        .await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok("note_save", json!({ "task": task, "text": NOTE })).await;
    tape.ok("chart", json!({ "task": task })).await;
    let duty = duty();
    tape.ok("advice_save", json!({ "task": task, "form": duty }))
        .await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok("send_911", json!({ "task": task })).await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok("visit_leave", json!({})).await;
    tape.until("visit", json!({}), over).await;
    desk_after(tape, task).await;
    tape.save("staff_call", calling);
}

pub const NOTE: &str =
    "Two punctures, back of left hand. Bleeding stopped. Moves all fingers, feels all of them.";

pub fn duty() -> Value {
    let today = chrono::Local::now().date_naive();
    json!({
        "status": "restricted", "limits": ["no-left-hand-use", "wound-dry-and-covered"],
        "from": today.to_string(), "until": (today + chrono::Days::new(7)).to_string(),
    })
}

fn intake() -> Value {
    json!({
        "identified_by": ["name", "birth-date"], "place": "RR 7, box 112", "callback": "507-555-0173",
        "with": "alone", "consent": true, "interpreter": "none",
    })
}

/// In two days, at a full hour.
pub fn follow_up() -> Value {
    const HOUR_MS: i64 = 3_600_000;
    let start = (chrono::Utc::now().timestamp_millis() / HOUR_MS + 48) * HOUR_MS;
    json!({ "start": start, "minutes": 20, "by_video": true })
}

/// Waits for the entry of a report; gives its id.
pub async fn arrived(desk: &Client, report: &str) -> String {
    let task = format!("review-{report}");
    look(desk, "queue", json!({}), |queue| item(queue, &task).is_some()).await;
    task
}

/// After the call: note, advice, imaging and follow-up; then the entry is closed.
async fn sign(tape: &mut Tape, task: &str, tasks: &Tasks) {
    tape.ok("note_sign", json!({ "task": task, "text": NOTE })).await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok(
        "note_addendum",
        json!({ "task": task, "text": "Called back: the swelling is less." }),
    )
    .await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok("advice_save", json!({ "task": task, "form": duty() }))
        .await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok("advice_sign", json!({ "task": task, "form": duty() }))
        .await;
    tape.ok("chart", json!({ "task": task })).await;
    let sites = tape.ok("imaging_sites", json!({ "task": task })).await;
    tape.ok(
        "order_imaging",
        json!({ "task": task, "site": sites[0]["id"], "part": "hand" }),
    )
    .await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.ok("follow_up", json!({ "task": task, "form": follow_up() }))
        .await;
    tape.ok("chart", json!({ "task": task })).await;
    let signed = tape.mark();
    desk(tape, tasks).await;
    tape.save("staff_signed", signed);
    tape.ok("close_task", json!({ "task": task })).await;
    tape.reads(&["queue"]).await;
    tape.save_all("staff");
}

/// An emergency comes in while the desk is busy with somebody else.
async fn urgent(cast: &Cast, tasks: &Tasks) {
    let mut tape = Tape::of(&cast.ada.client);
    tape.name(&tasks.third, "task-1");
    ok(&cast.ada.client, "queue_claim", json!({ "task": tasks.third })).await;
    tape.drain();
    desk(&mut tape, tasks).await;
    let report = report(
        &cast.fourth,
        "other",
        &["chest middle"],
        "Hard to breathe.",
        false,
    )
    .await;
    check(&cast.fourth, &report, &["breath"]).await;
    let task = format!("review-{report}");
    tape.name(&task, "task-9");
    // The events of the new entry come after this change.
    tape.ok("queue_release", json!({ "task": tasks.third })).await;
    tape.until("queue", json!({}), |queue| {
        item(queue, &task).is_some_and(|item| item["priority"] == "stat")
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    tape.reads(&["app_state", "queue", "visit"]).await;
    charts(&mut tape).await;
    tape.ok("queue_claim", json!({ "task": task })).await;
    tape.reads(&["queue"]).await;
    charts(&mut tape).await;
    tape.save_all("staff_urgent");
}

/// A call that goes through the server's relay, and the server goes: both sides lose each other.
async fn lost(cast: &mut Cast) {
    // Without this the two would find a direct way, and the call would go on.
    std::env::set_var("HMS_CALL_RELAY_ONLY", "1");
    let client = cast.ada.client.clone();
    let queue = ok(&client, "queue", json!({})).await;
    let mine = queue["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|item| item["mine"] == true)
        .cloned();
    let task = mine.expect("the emergency is mine")["task"]
        .as_str()
        .expect("an id")
        .to_owned();
    let in_call = |visit: &Value| visit["state"] == "in_call" && visit["frames"].as_u64() > Some(5);
    ok(&client, "visit_call", json!({ "task": task })).await;
    look(&cast.fourth, "visit", json!({}), |visit| {
        visit["state"] == "ringing_in"
    })
    .await;
    ok(&cast.fourth, "visit_accept", json!({})).await;
    look(&client, "visit", json!({}), in_call).await;
    look(&cast.fourth, "visit", json!({}), in_call).await;
    let address = cast.world.stop().await;
    let away = |visit: &Value| visit["state"] == "reconnecting" || visit["peer_away"] == true;
    look(&client, "visit", json!({}), away).await;
    let mut tape = Tape::of(&client);
    tape.name(&task, "task-1");
    tape.reads(&["app_state", "queue", "visit", "duty_choices"]).await;
    charts(&mut tape).await;
    tape.ok("visit_leave", json!({})).await;
    tape.until("visit", json!({}), over).await;
    tape.reads(&["visit", "queue"]).await;
    tape.save_all("staff_lost");
    look(&cast.fourth, "visit", json!({}), away).await;
    let mut tape = Tape::of(&cast.fourth);
    carrier::start(&mut tape).await;
    tape.reads(&["summaries"]).await;
    tape.ok("visit_leave", json!({})).await;
    tape.until("visit", json!({}), over).await;
    tape.reads(&["visit"]).await;
    tape.save_all("visit_lost");
    cast.world.start(&address).await;
}

/// The desk's list grows old; then its store is closed under it while somebody types.
async fn note_fails_and_stale(mut cast: Cast) {
    let client = cast.ada.client.clone();
    look(&client, "queue", json!({}), |queue| queue["stale"] == false).await;
    let queue = ok(&client, "queue", json!({})).await;
    let mine = queue["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|item| item["mine"] == true)
        .cloned();
    let task = mine.expect("one is mine")["task"]
        .as_str()
        .expect("an id")
        .to_owned();
    cast.world.stop().await;
    look(&client, "queue", json!({}), |queue| queue["stale"] == true).await;
    let mut tape = Tape::of(&client);
    tape.name(&task, "task-1");
    tape.reads(&["app_state", "queue", "visit", "duty_choices"]).await;
    charts(&mut tape).await;
    tape.save_all("staff_stale_some");
    let mut tape = Tape::of(&client);
    tape.name(&task, "task-1");
    tape.reads(&["app_state", "queue", "visit", "duty_choices"]).await;
    charts(&mut tape).await;
    client.shutdown().await;
    let failed = tape
        .call("note_save", json!({ "task": task, "text": "any" }))
        .await;
    assert!(failed.is_err(), "a closed store takes nothing");
    tape.save_all("staff_note_fails");
}

/// What the desk reads when it opens, with the charts of those entries.
async fn desk(tape: &mut Tape, tasks: &Tasks) {
    tape.reads(&["app_state", "queue", "visit", "duty_choices", "where_am_i"])
        .await;
    for task in tasks.all() {
        let chart = tape.call("chart", json!({ "task": task })).await;
        let _ = tape.call("imaging_sites", json!({ "task": task })).await;
        let checks = chart.ok().and_then(|chart| chart["checks"].as_array().cloned());
        for check in checks.unwrap_or_default() {
            let _ = tape
                .call("check_basis", json!({ "check": check["check"]["id"] }))
                .await;
        }
    }
}

/// What the desk reads again after something changed.
async fn desk_after(tape: &mut Tape, task: &str) {
    tape.reads(&["queue", "visit"]).await;
    tape.ok("chart", json!({ "task": task })).await;
}

/// Charts of all that is in the queue.
async fn charts(tape: &mut Tape) {
    let queue = ok(&tape.client.clone(), "queue", json!({})).await;
    for entry in queue["items"].as_array().expect("items") {
        let _ = tape.call("chart", json!({ "task": entry["task"] })).await;
    }
}

fn item<'a>(queue: &'a Value, task: &str) -> Option<&'a Value> {
    queue["items"]
        .as_array()?
        .iter()
        .find(|item| item["task"] == task)
}

fn over(visit: &Value) -> bool {
    visit["state"] == "ended" || visit["state"] == "none"
}

async fn ok(client: &Client, command: &str, args: Value) -> Value {
    let answer = give(client, command, &args).await;
    answer.unwrap_or_else(|error| panic!("{command} {args}: {error}"))
}
