//! A day's work with a FHIR server that we did not write: Medplum's router and repository, from npm, behind HTTP.
//!
//! A carrier's phone and a desk work with it over lines that break, and are ended in the middle; people at the server
//! change, make and delete records meanwhile. In the evening the server is read directly, and holds what both devices
//! hold, each word once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::line::Breaking;
use super::*;
use crate::npm::FhirPeer;
use hms_core::sync::plain::{mark_of, same_meaning, Ability, Lack, TYPES};

impl FhirPeer {
    /// As somebody at the server: directly, over no line that breaks.
    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/{path}", self.base());
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("text");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn put(&self, record: Value) {
        let path = format!("{}/{}", text(&record, "resourceType"), text(&record, "id"));
        let (status, _) = self.call(reqwest::Method::PUT, &path, Some(record)).await;
        assert_eq!(status, 200, "{path}");
    }

    /// The record that a device made, found by its mark as anybody could.
    async fn made(&self, id: &str) -> Option<Value> {
        let (kind, mark) = (id.split('/').next().expect("a type"), mark_of(id));
        let all = self.list(kind).await;
        let mut found = all
            .into_iter()
            .filter(|it| it["identifier"].to_string().contains(&mark) || it["id"] == id[kind.len() + 1..]);
        let first = found.next();
        assert!(found.next().is_none(), "{id} is there twice");
        first
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("text")
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn uuid(&mut self) -> String {
        let (a, b) = (self.roll(1 << 31), self.roll(1 << 31));
        format!("{a:08x}-0000-4000-8000-{b:012x}")
    }
}

const PATIENT: &str = "Patient/dana-there";

fn about() -> Value {
    json!({ "reference": PATIENT })
}

/// What a carrier makes: a report with its queue entry, a check, a photo's words.
fn report(dice: &mut Dice, words: &str) -> Vec<Vec<Value>> {
    let (report, task, check, photo) = (dice.uuid(), dice.uuid(), dice.uuid(), dice.uuid());
    let of_report = json!({ "reference": format!("QuestionnaireResponse/{report}") });
    vec![
        vec![
            json!({ "resourceType": "QuestionnaireResponse", "id": report, "status": "completed", "subject": about(),
                "authored": "2026-11-22T08:00:00-06:00",
                "item": [{ "linkId": "note", "answer": [{ "valueString": words }] }] }),
            json!({ "resourceType": "Task", "id": task, "status": "requested", "intent": "order", "for": about(),
                "focus": of_report, "description": format!("queue: {words}") }),
        ],
        vec![
            json!({ "resourceType": "RiskAssessment", "id": check, "status": "final", "subject": about(),
            "basis": [of_report], "note": [{ "text": format!("check: {words}") }],
            "prediction": [{ "probabilityDecimal": 0.25 }] }),
        ],
        vec![
            json!({ "resourceType": "DocumentReference", "id": photo, "status": "current", "subject": about(),
            "context": { "related": [of_report] }, "description": format!("photo: {words}"),
            "content": [{ "attachment": { "contentType": "image/jpeg", "url": format!("Binary/{photo}") } }] }),
        ],
    ]
}

/// One exchange over a line that breaks, or in a program that is ended while bytes are on their way.
async fn part(device: &mut Device, line: &Breaking, dice: &mut Dice, kills: &mut u32) {
    if dice.roll(3) == 0 {
        let bytes = 200 + dice.roll(20_000) as usize;
        let ended = tokio::select! {
            _ = device.sync(line.port) => false,
            () = line.passes(bytes) => true,
        };
        if ended {
            *kills += 1;
            device.restart().await;
        }
    } else {
        line.break_after(&[300 + dice.roll(9_000) as usize, 300 + dice.roll(20_000) as usize]);
        let _ = device.sync(line.port).await;
        line.break_after(&[]);
    }
}

async fn settle(device: &mut Device, line: &Breaking) {
    for _ in 0..40 {
        device.sync(line.port).await.expect("the line holds");
        if device.unsent().await.is_empty() {
            break;
        }
    }
    // Once more, and often enough for lists to be compared.
    for _ in 0..6 {
        device.sync(line.port).await.expect("the line holds");
    }
}

/// Every record as the server has it, by what the device calls it.
async fn there(peer: &FhirPeer, device: &Device) -> BTreeMap<String, Value> {
    let memory = super::super::memory::Memory::load(device.store())
        .await
        .expect("read");
    let base = &device.known.as_ref().expect("known").base;
    let mut all = BTreeMap::new();
    for kind in TYPES {
        for record in peer.list(kind).await {
            let (id, record) = memory.names.inbound(base, &record).expect("a record");
            assert!(all.insert(id.clone(), record).is_none(), "{id} twice");
        }
    }
    all
}

async fn assert_same(peer: &FhirPeer, device: &Device) -> usize {
    let there = there(peer, device).await;
    let mut here = BTreeMap::new();
    for kind in TYPES {
        for stored in device.store().list(kind).await.expect("read") {
            here.insert(
                format!("{kind}/{}", text(&stored.resource, "id")),
                stored.resource,
            );
        }
    }
    let names = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&here), names(&there));
    for (id, record) in &here {
        let other = &there[id];
        assert!(
            same_meaning(record, other) && same_meaning(other, record),
            "{id}\nhere {record}\nthere {other}"
        );
    }
    here.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_work_with_a_foreign_server_loses_nothing_on_either_side() {
    let peer = FhirPeer::start();
    let (phone_line, desk_line) = (
        Breaking::before(peer.server.port).await,
        Breaking::before(peer.server.port).await,
    );
    let (mut phone, mut desk) = (Device::new(Some(PATIENT)), Device::new(None));
    let (mut dice, mut kills) = (Dice(22), 0);
    peer.put(json!({ "resourceType": "Patient", "id": "dana-there", "active": true }))
        .await;
    peer.put(
        json!({ "resourceType": "Appointment", "id": "called-off", "status": "booked",
        "participant": [{ "actor": about(), "status": "accepted" }] }),
    )
    .await;
    peer.put(
        json!({ "resourceType": "Appointment", "id": "kept", "status": "booked",
        "participant": [{ "actor": about(), "status": "accepted" }] }),
    )
    .await;

    // The day: reports out of the van, the desk at work, and somebody at the server.
    let mut words = Vec::new();
    let mut tasks = Vec::new();
    for hour in 0..8 {
        let said = format!("bitten at hour {hour}");
        for group in report(&mut dice, &said) {
            tasks.extend(
                group
                    .iter()
                    .filter(|it| it["resourceType"] == "Task")
                    .map(|it| format!("Task/{}", text(it, "id"))),
            );
            phone.save(&group).await;
        }
        words.extend([
            said.clone(),
            format!("queue: {said}"),
            format!("check: {said}"),
            format!("photo: {said}"),
        ]);
        let note = format!("seen at hour {hour}");
        desk.save(&[
            json!({ "resourceType": "Observation", "id": dice.uuid(), "status": "final", "subject": about(),
            "code": { "text": note }, "valueQuantity": { "value": 37.5, "unit": "C" } }),
        ])
        .await;
        words.push(note);
        let theirs = format!("written there at hour {hour}");
        peer.put(json!({ "resourceType": "Condition", "id": format!("c{hour}"), "subject": about(), "code": { "text": theirs } }))
            .await;
        words.push(theirs);
        for _ in 0..3 {
            part(&mut phone, &phone_line, &mut dice, &mut kills).await;
            part(&mut desk, &desk_line, &mut dice, &mut kills).await;
        }
    }
    settle(&mut phone, &phone_line).await;
    settle(&mut desk, &desk_line).await;

    // Both sides change what is there: other elements of one record, the same one of another, and one goes.
    for (task, element, value) in [
        (&tasks[0], "priority", json!("stat")),
        (&tasks[1], "description", json!("in their words")),
    ] {
        let mut theirs = peer.made(task).await.expect("there");
        theirs[element] = value;
        peer.put(theirs).await;
        let mut ours = phone.get(task).await.expect("here");
        ours["description"] = json!("in our words");
        phone.save(&[ours]).await;
    }
    let mut desks = desk.get("Appointment/kept").await.expect("here");
    desks["description"] = json!("bring the form");
    desk.save(&[desks]).await;
    let (status, _) = peer
        .call(reqwest::Method::DELETE, "Appointment/called-off", None)
        .await;
    assert_eq!(status, 200);
    for _ in 0..6 {
        part(&mut phone, &phone_line, &mut dice, &mut kills).await;
        part(&mut desk, &desk_line, &mut dice, &mut kills).await;
    }
    phone.sync(phone_line.port).await.expect("the line holds");

    // One is for a person, who keeps the words of the phone.
    let open = phone.store().conflicts().await.expect("read");
    assert_eq!(open.iter().map(|it| &it.id).collect::<Vec<_>>(), [&tasks[1]]);
    assert_eq!(
        open[0].remote.as_ref().expect("theirs")["description"],
        "in their words"
    );
    let chosen = open[0].local.clone();
    let audit = AuditRow {
        who: Some("dana".into()),
        action: "settle".into(),
        subject: tasks[1].clone(),
    };
    phone
        .store()
        .settle_conflict(&tasks[1], chosen, audit, now())
        .await
        .expect("settled");
    settle(&mut phone, &phone_line).await;
    settle(&mut desk, &desk_line).await;

    // In the evening, the server by itself.
    let mut all = String::new();
    for kind in TYPES {
        for record in peer.list(kind).await {
            all.push_str(&record.to_string());
        }
    }
    words.retain(|it| *it != "queue: bitten at hour 0" && *it != "queue: bitten at hour 1");
    for word in &words {
        assert_eq!(all.matches(&format!("\"{word}\"")).count(), 1, "{word}");
    }
    let merged = peer.made(&tasks[0]).await.expect("there");
    assert_eq!(
        (text(&merged, "description"), text(&merged, "priority")),
        ("in our words", "stat")
    );
    let settled = peer.made(&tasks[1]).await.expect("there");
    assert_eq!(text(&settled, "description"), "in our words");
    let report = text(&merged["focus"], "reference").to_owned();
    let (status, _) = peer.call(reqwest::Method::GET, &report, None).await;
    assert_eq!(
        status, 200,
        "what a queue entry is about is there under the name that it says"
    );
    // And against both devices, record by record.
    let (of_phone, of_desk) = (assert_same(&peer, &phone).await, assert_same(&peer, &desk).await);
    assert!(phone.get("Appointment/called-off").await.is_none());
    assert_eq!(of_phone, of_desk);
    // What it can do is seen when something is sent, and the answers that would have shown it may all have been lost.
    let made = [dice.uuid(), dice.uuid()];
    for id in &made {
        let task = json!({ "resourceType": "Task", "id": id, "status": "requested", "intent": "order", "for": about() });
        phone.save(&[task]).await;
        phone.sync(phone_line.port).await.expect("the line holds");
    }
    let mut ours = phone.get(&format!("Task/{}", made[1])).await.expect("here");
    ours["description"] = json!("in the evening");
    phone.save(&[ours]).await;
    phone.sync(phone_line.port).await.expect("the line holds");
    assert_eq!(phone.unsent().await, Vec::<String>::new());
    let known = phone.known.clone().expect("known");
    let cuts = phone_line.cuts.load(std::sync::atomic::Ordering::Relaxed)
        + desk_line.cuts.load(std::sync::atomic::Ordering::Relaxed);
    println!(
        "{}: {of_phone} records, {} words, {cuts} cuts, {kills} programs ended in an exchange, {:?}",
        known.software,
        words.len(),
        known.lacks()
    );
    assert!(cuts > 20, "{cuts}");
    assert!(kills > 5, "{kills}");
    assert_eq!(
        known.if_none_match,
        Ability::No,
        "it takes a second create for an update"
    );
    assert_eq!(
        (known.if_none_exist, known.if_match),
        (Ability::Yes, Ability::Yes)
    );
    assert_eq!(known.lacks(), [Lack::Deletions, Lack::OwnIds]);
}
