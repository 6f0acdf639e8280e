//! Changes down: to whom they belong, as people and Tasks come and go, whatever page was the last to arrive.

use crate::world::{claimed, name, text, Device, World};
use hms_model::map::task::Priority;
use hms_model::wire::sync::{ChangeBody, GoneWhy};
use hms_server::service::sync::cursor::{scope_hash, Cursor};
use hms_server::service::sync::feed;
use serde_json::{json, Value};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn each_role_holds_what_is_theirs_and_nothing_else() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let mut lee = w.device("lee", "phone3").await;
    let ops = dana.report_ops("r-dana", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    let ops = lee.report_ops("r-lee", "lee", Priority::Asap);
    w.sync(&mut lee, &ops).await;
    w.put(json!({"resourceType": "AllergyIntolerance", "id": "al-sam", "patient": {"reference": "Patient/sam"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            "code": "active"}]}, "code": {"text": "none"}}))
    .await;

    let mut held = BTreeMap::new();
    for who in ["dana", "ada", "nora", "max", "mia", "hana"] {
        let mut device = w.device(who, &format!("dev-{who}")).await;
        w.sync(&mut device, &[]).await;
        let clinical: Vec<String> = device
            .held
            .keys()
            .filter(|k| {
                !["Organization/", "Practitioner/", "Location/"]
                    .iter()
                    .any(|d| k.starts_with(d))
            })
            .map(|k| {
                if k.starts_with("Task/") {
                    "Task".to_owned()
                } else {
                    k.clone()
                }
            })
            .collect();
        held.insert(who, clinical);
    }

    // Dana's own entry in the queue, and the notice that went to her supervisor.
    assert_eq!(
        held["dana"],
        ["Patient/dana", "QuestionnaireResponse/r-dana", "Task", "Task"]
    );
    assert_eq!(
        held["ada"],
        [
            "Patient/dana",
            "Patient/lee",
            "QuestionnaireResponse/r-dana",
            "QuestionnaireResponse/r-lee",
            "Task",
            "Task",
            "Task",
            "Task"
        ]
    );
    // Nora's district has Dana and Sam; Lee works in the other one.
    assert_eq!(
        held["nora"],
        [
            "AllergyIntolerance/al-sam",
            "Patient/dana",
            "Patient/sam",
            "QuestionnaireResponse/r-dana",
            "Task",
            "Task"
        ]
    );
    // Managers hold their notice and nothing that says what happened.
    assert_eq!(held["max"], ["Task"]);
    assert_eq!(held["mia"], ["Task"]);
    assert_eq!(held["hana"], Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_does_not_see_the_entry_of_the_queue_nor_a_clinician_the_notice() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    let (mut max, mut ada) = (w.device("max", "m").await, w.device("ada", "a").await);

    w.sync(&mut max, &[]).await;
    w.sync(&mut ada, &[]).await;

    let codes = |d: &Device| -> Vec<String> {
        let tasks = d.held.iter().filter(|(k, _)| k.starts_with("Task/"));
        tasks
            .filter_map(|(_, t)| Some(hms_model::map::task::kind(t)?.code().to_owned()))
            .collect()
    };
    assert_eq!(codes(&max), ["supervisor-notice"]);
    assert!(codes(&ada).contains(&"review-report".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_enters_the_queue_comes_whole_and_leaves_whole() {
    let w = World::new().await;
    w.put(json!({"resourceType": "AllergyIntolerance", "id": "al", "patient": {"reference": "Patient/dana"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            "code": "active"}]}, "code": {"text": "none"}}))
    .await;
    let (mut dana, mut ada, mut bo) = (
        w.device("dana", "p").await,
        w.device("ada", "a").await,
        w.device("bo", "b").await,
    );
    w.sync(&mut ada, &[]).await;
    w.sync(&mut bo, &[]).await;
    assert!(!ada.held.contains_key("AllergyIntolerance/al"));

    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    w.sync(&mut ada, &[]).await;
    w.sync(&mut bo, &[]).await;
    assert!(ada.held.contains_key("AllergyIntolerance/al") && bo.held.contains_key("AllergyIntolerance/al"));

    let mut task = claimed(w.tasks("review-report").await.pop().expect("a task"), "ada");
    task["status"] = json!("completed");
    w.put(task).await;
    w.sync(&mut ada, &[]).await;
    let left = w.sync(&mut bo, &[]).await;

    assert!(
        ada.held.contains_key("AllergyIntolerance/al"),
        "the one who treated keeps the chart"
    );
    assert!(
        !bo.held
            .keys()
            .any(|k| k.contains("al") || k.contains("dana") || k.contains("r1")),
        "{:?}",
        bo.held.keys()
    );
    let gone = |c: &ChangeBody| {
        matches!(
            c,
            ChangeBody::Gone {
                why: GoneWhy::OutOfScope,
                ..
            }
        )
    };
    assert!(left.changes.iter().any(gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_told_to_those_who_had_it_only() {
    let w = World::new().await;
    w.put(json!({"resourceType": "AllergyIntolerance", "id": "al", "patient": {"reference": "Patient/dana"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            "code": "active"}]}, "code": {"text": "none"}}))
    .await;
    let (mut dana, mut sam) = (w.device("dana", "p").await, w.device("sam", "s").await);
    w.sync(&mut dana, &[]).await;
    w.sync(&mut sam, &[]).await;

    w.change(|tx| tx.delete("AllergyIntolerance", "al", None).map(drop))
        .await;
    let told = w.sync(&mut dana, &[]).await;
    let not_told = w.sync(&mut sam, &[]).await;

    let wanted = ChangeBody::Gone {
        id: "AllergyIntolerance/al".into(),
        why: GoneWhy::Deleted,
    };
    assert_eq!(told.changes, [wanted]);
    assert_eq!(not_told.changes, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_epoch_brings_everything_again() {
    let w = World::new().await;
    let mut dana = w.device("dana", "p").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    let first = w.sync(&mut dana, &ops).await;
    assert_eq!(w.sync(&mut dana, &[]).await.changes, []);

    dana.cursor = Some("otherepoch.999.abc".to_owned());
    let again = w.sync(&mut dana, &[]).await;

    assert_eq!(again.changes.len(), first.changes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_carrier_sees_a_note_once_it_is_signed_and_not_before() {
    let w = World::new().await;
    let mut dana = w.device("dana", "p").await;
    let mut note = json!({"resourceType": "Composition", "id": "n", "status": "preliminary",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
        "subject": {"reference": "Patient/dana"}, "date": "2026-11-21T12:00:00Z",
        "author": [{"reference": "Practitioner/ada"}], "title": "Visit note"});
    w.put(note.clone()).await;
    w.sync(&mut dana, &[]).await;
    assert!(!dana.held.contains_key("Composition/n"));

    note["status"] = json!("final");
    w.put(note).await;
    w.sync(&mut dana, &[]).await;

    assert!(dana.held.contains_key("Composition/n"));
}

/// Random histories of claims, completions, reopenings, charts and moves; a device that takes one page at a time, and
/// loses some, must end with exactly what its scope holds at the end.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_page_was_the_last_to_arrive_the_device_ends_with_its_scope() {
    for seed in 1..=6_u64 {
        let w = World::new().await;
        let mut chance = Chance(seed);
        let people = ["dana", "sam", "lee"];
        let mut devices = BTreeMap::new();
        for who in ["ada", "bo", "nora", "dana", "max"] {
            devices.insert(who, w.device(who, &format!("d-{who}")).await);
        }
        for step in 0..60 {
            let who = people[chance.below(3)];
            match chance.below(7) {
                0 | 1 => drop(w.put(crate::world::bite(&format!("r{step}"), Some(who))).await),
                2 => drop(
                    w.put(
                        json!({"resourceType": "Condition", "id": format!("c{}", chance.below(6)),
                    "subject": {"reference": format!("Patient/{who}")}, "code": {"text": format!("{step}")}}),
                    )
                    .await,
                ),
                3 => {
                    let tasks = w.tasks("review-report").await;
                    if !tasks.is_empty() {
                        let task = tasks[chance.below(tasks.len())].clone();
                        let mut task = claimed(task, if chance.below(2) == 0 { "ada" } else { "bo" });
                        let status = ["accepted", "completed", "cancelled", "requested"][chance.below(4)];
                        task["status"] = json!(status);
                        if status == "requested" {
                            task.as_object_mut().expect("a task").remove("owner");
                        }
                        w.put(task).await;
                    }
                }
                4 => {
                    let site = ["north", "south"][chance.below(2)];
                    let mut patient = w
                        .stored("Patient")
                        .await
                        .into_iter()
                        .find(|p| text(p, "id") == who)
                        .expect("they");
                    patient["managingOrganization"]["reference"] = json!(format!("Organization/{site}"));
                    w.put(patient).await;
                }
                5 => {
                    let id = format!("c{}", chance.below(6));
                    w.change(move |tx| tx.delete("Condition", &id, None).map(drop))
                        .await;
                }
                _ => {
                    let keys: Vec<&str> = devices.keys().copied().collect();
                    let at = keys[chance.below(keys.len())];
                    // Only some pages arrive, and the answer is cut after one of them.
                    cut_sync(&w, devices.get_mut(at).expect("a device"), chance.below(3)).await;
                }
            }
        }
        for (who, device) in &mut devices {
            w.sync(device, &[]).await;
            let mut fresh = w.device(who, &format!("fresh-{who}")).await;
            w.sync(&mut fresh, &[]).await;
            let versions = |d: &Device| -> BTreeMap<String, Value> {
                d.held
                    .iter()
                    .map(|(k, v)| (k.clone(), v["meta"]["versionId"].clone()))
                    .collect()
            };
            assert_eq!(versions(device), versions(&fresh), "seed {seed}, {who}");
        }
    }
}

/// A sync of which only the first lines arrive.
async fn cut_sync(w: &World, device: &mut Device, thirds: usize) {
    let (_, answer) = w
        .post_sync(device, crate::world::up(&[], device.cursor.as_deref()))
        .await;
    let lines: Vec<&str> = answer.lines().collect();
    let keep = lines.len() * (thirds + 1) / 3;
    let cut: String = lines.iter().take(keep).map(|l| format!("{l}\n")).collect();
    device.take(&cut);
}

/// Pages of one change each are the hardest: every place is a checkpoint.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_pass_over_many_pages_repeats_nothing() {
    let w = World::new().await;
    for n in 0..450 {
        w.put(json!({"resourceType": "Condition", "id": format!("c{n}"), "subject": {"reference": "Patient/dana"}})).await;
    }
    let mut dana = w.device("dana", "p").await;

    let synced = w.sync(&mut dana, &[]).await;

    let mut names: Vec<String> = synced
        .changes
        .iter()
        .filter_map(|c| match c {
            ChangeBody::Resource(r) => Some(name(r)),
            ChangeBody::Gone { .. } => None,
        })
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    assert_eq!(dana.ids("Condition").len(), 450);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_by_sync_is_in_the_audit_of_the_patient() {
    let w = World::new().await;
    let mut dana = w.device("dana", "p").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    let mut ada = w.device("ada", "a").await;
    w.sync(&mut ada, &[]).await;

    // Once in the first lane, once at its place.
    assert_eq!(w.audited("Practitioner/ada", Some("dana"), "$hms-sync").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_alone_moves_the_cursor_forward() {
    let w = World::new().await;
    let dana = w.device("dana", "p").await;
    for n in 0..250 {
        w.put(json!({"resourceType": "Condition", "id": format!("c{n}"), "subject": {"reference": "Patient/dana"}})).await;
    }
    let token = dana.token.clone();
    let (now, app) = (w.app.clock.now_ms(), w.app.clone());
    let pages = app
        .db
        .read(
            move |r| -> Result<Vec<(i64, usize, bool)>, hms_server::db::DbError> {
                let actor =
                    hms_server::auth::tokens::authenticate(r.conn(), &token, now)?.expect("signed in");
                let head = hms_server::db::sqlite::table::version::last_seq(r.conn())?;
                let mut cursor = Cursor::start("e", &scope_hash(&actor, ""), head);
                let mut pages = Vec::new();
                loop {
                    let page = feed::page(r.conn(), &actor, &cursor)?;
                    assert!(page.cursor.seq > cursor.seq || page.done);
                    cursor = page.cursor;
                    pages.push((cursor.seq, page.changes.len(), page.done));
                    if page.done {
                        return Ok(pages);
                    }
                }
            },
        )
        .await
        .expect("pages");
    assert!(
        pages.len() >= 2 && pages.iter().all(|(_, n, _)| *n <= 200),
        "{pages:?}"
    );
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
