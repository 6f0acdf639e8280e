//! The first lane: what is needed at once comes before years of records, and nothing of it stays too long.

use crate::world::{name, text, up, Device, World};
use hms_model::map::task::Priority;
use hms_model::wire::sync::{ChangeBody, WireLine};
use serde_json::{json, Value};

/// A district with a past, records that came before the two entries that are open now; and the first answer to a desk.
async fn first_answer(who: &str) -> (World, Device, String) {
    let w = World::new().await;
    for n in 0..450 {
        w.put(json!({"resourceType": "AllergyIntolerance", "id": format!("al-{n}"), "patient": {"reference": "Patient/dana"},
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                "code": "active"}]}, "code": {"text": "none"}}))
            .await;
    }
    let mut dana = w.device("dana", "phone").await;
    let calm = dana.report_ops("r-calm", "dana", Priority::Urgent);
    w.sync(&mut dana, &calm).await;
    let mut sam = w.device("sam", "phone2").await;
    let worst = sam.report_ops("r-worst", "sam", Priority::Stat);
    w.sync(&mut sam, &worst).await;
    let desk = w.device(who, "desk").await;
    let (_, text) = w.post_sync(&desk, up(&[], None)).await;
    (w, desk, text)
}

/// Names in the order in which they came, up to how many checkpoints.
fn names(text: &str, checkpoints: usize) -> Vec<String> {
    let mut seen = 0;
    let mut names = Vec::new();
    for line in text.lines() {
        match WireLine::parse(line).expect("a line") {
            WireLine::Cursor(_) => seen += 1,
            WireLine::Change(change) => names.push(match change.change {
                ChangeBody::Resource(body) => name(&body),
                ChangeBody::Gone { id, .. } => id,
            }),
            WireLine::Result(_) => {}
        }
        if seen > checkpoints {
            break;
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn open_entries_come_before_everything_else_and_emergencies_first() {
    let (w, mut nora, text) = first_answer("nora").await;

    // The cursor of the beginning, then the lane.
    let lane = names(&text, 1);
    assert!(lane.len() < 20, "{lane:?}");
    let place = |what: &str| lane.iter().position(|name| name == what).expect(what);
    assert!(place("QuestionnaireResponse/r-worst") < place("QuestionnaireResponse/r-calm"));
    assert!(lane.contains(&"Patient/sam".to_owned()) && lane.iter().any(|name| name.starts_with("Task/")));
    assert!(!lane.iter().any(|name| name.starts_with("AllergyIntolerance/")));
    let synced = nora.take(&text);
    assert!(synced.done);
    assert_eq!(nora.ids("AllergyIntolerance").len(), 450);

    // Once past the beginning nothing comes twice; a carrier's own is no queue.
    let later = w.sync(&mut nora, &[]).await;
    assert_eq!(later.changes, []);
    let dana = w.device("dana", "phone-new").await;
    let (_, own) = w.post_sync(&dana, up(&[], None)).await;
    let all = names(&own, usize::MAX);
    assert_eq!(
        all.iter()
            .filter(|name| *name == "QuestionnaireResponse/r-calm")
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_the_lane_leaves_with_its_entry_though_its_place_was_never_reached() {
    let (w, mut ada, text) = first_answer("ada").await;
    take_until(&mut ada, &text, 2);
    assert_eq!(ada.ids("QuestionnaireResponse"), ["r-calm", "r-worst"]);
    let at = ada.cursor.clone().expect("a cursor");

    // Both are dealt with by others before this desk goes on.
    for entry in w.tasks("review-report").await {
        let mut closed: Value = entry.clone();
        closed["status"] = json!("cancelled");
        w.put(closed).await;
    }
    let synced = w.sync(&mut ada, &[]).await;

    assert!(synced.done && ada.cursor.as_deref() != Some(at.as_str()));
    let left: Vec<&str> = ada
        .held
        .iter()
        .filter(|(name, _)| {
            !["Organization/", "Practitioner/", "Location/"]
                .iter()
                .any(|d| name.starts_with(d))
        })
        .map(|(_, body)| text_of(body))
        .collect();
    assert_eq!(left, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_pass_that_was_cut_behind_the_lane_goes_on_without_it() {
    let (w, mut nora, text) = first_answer("nora").await;
    take_until(&mut nora, &text, 3);

    let (_, rest) = w.post_sync(&nora, up(&[], nora.cursor.as_deref())).await;

    let worst = |text: &str| {
        let all = names(text, usize::MAX);
        all.iter()
            .filter(|name| *name == "QuestionnaireResponse/r-worst")
            .count()
    };
    assert_eq!((worst(&text), worst(&rest)), (2, 1));
}

/// What a device keeps where its answer was cut behind so many cursors: that of the beginning, that of the lane, those
/// of pages.
fn take_until(who: &mut Device, text: &str, most: usize) {
    let mut cursors = 0;
    let part: String = text
        .lines()
        .take_while(|line| {
            let before = cursors;
            cursors += usize::from(matches!(WireLine::parse(line), Ok(WireLine::Cursor(_))));
            before < most
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let synced = who.take(&part);
    assert!(!synced.done && !synced.changes.is_empty());
}

fn text_of(body: &Value) -> &str {
    text(body, "resourceType")
}
