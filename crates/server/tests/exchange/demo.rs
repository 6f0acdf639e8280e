//! The made-up district.

use crate::world::World;
use hms_server::demo::{seed, Anchors, CLINICIANS, EMPLOYEES};
use serde_json::Value;

fn anchors() -> Anchors {
    Anchors {
        carrier: "dana".into(),
        clinician: "ada".into(),
        manager: "max".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_district_is_made_once_and_tells_nobody_about_the_past() {
    let w = World::new().await;
    let before = std::time::Instant::now();

    let made = seed(&w.app, &anchors()).await.expect("made");
    let took = before.elapsed();
    let again = seed(&w.app, &anchors()).await.expect("known");

    assert!(made.resources > 2000, "{made:?}");
    assert_eq!((again.resources, again.clinicians), (0, CLINICIANS));
    assert!(took.as_secs() < 60, "{took:?}");
    println!("{} resources in {took:?}", made.resources);
    // Three carriers of the test world, one of them the district's first employee.
    assert_eq!(w.stored("Patient").await.len(), EMPLOYEES + 2);
    assert_eq!(w.tasks("supervisor-notice").await.len(), 0);
    let open = |tasks: Vec<Value>| tasks.into_iter().filter(|t| t["status"] != "completed").count();
    assert_eq!(
        open(w.tasks("review-report").await) + open(w.tasks("duty-decision").await),
        0
    );
    let reports = w.stored("QuestionnaireResponse").await;
    assert!(reports.len() > 100 && reports.iter().all(|r| r.get("identifier").is_some()));
    let allergies = w.stored("AllergyIntolerance").await;
    let none = allergies
        .iter()
        .filter(|a| a["code"]["coding"][0]["code"] == "716186003")
        .count();
    assert!(none > 100 && allergies.len() - none > 100 && allergies.len() < 420);
}
