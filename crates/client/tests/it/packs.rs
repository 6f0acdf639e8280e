//! Packs of the symptom checker by sync: signed and newer ones are used, also on a locked phone; a recalled one is not, and
//! what it said is raised.

use hms_client::{pack_release, Client};
use hms_model::form::AnswerForm;
use hms_model::map::pack::{self, PackRelease};
use hms_model::map::triage;
use hms_model::view::TriageView;
use hms_server::fhir::transaction::{history, operator};
use hms_triage::author::{recall, sign, SigningSeed};
use hms_triage::signing::{Trust, TrustedKey};
use hms_triage::{Pack, Text, Urgency};
use serde_json::{json, Value};

use crate::world::{calm, report_bite, sign_in, sync_until_sent, until, Profile, World, PASSPHRASE};

const ADA: &str = "Ada Ruiz, MD";

fn ada() -> SigningSeed {
    SigningSeed::new(&[7; 32])
}

fn trusting(mut profile: Profile) -> Profile {
    let key = TrustedKey {
        name: ADA.into(),
        key: ada().public(),
    };
    profile.server.pack_trust = Some(Trust {
        needed: 1,
        keys: vec![key],
    });
    profile
}

/// The build's pack under another version, with a first question that says which it is.
fn worded(version: &str) -> Vec<u8> {
    let mut file = Pack::embedded().file().clone();
    file.version = version.into();
    let first = file
        .questions
        .iter_mut()
        .find(|q| q.id == "life.now")
        .expect("asked of all");
    first.text.en = format!("{version}?");
    serde_json::to_vec(&file).expect("json")
}

fn released(bytes: &[u8], by: &SigningSeed) -> (String, Value) {
    let signature = sign(bytes, by, ADA, "2099-01-01").expect("signed");
    let hash = signature.pack.clone();
    let signatures = serde_json::to_string(&[signature]).expect("json");
    let release = pack_release(bytes, &hash, signatures).expect("packed");
    (hash, pack::to_fhir(&release))
}

async fn publish(world: &World, resource: Value) {
    let id = resource["id"].as_str().expect("an id").to_owned();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [{
        "resource": resource, "request": { "method": "PUT", "url": format!("Questionnaire/{id}") },
    }] });
    let app = world.server.as_ref().expect("running").app.clone();
    let put = history(&app, &operator("import"), &bundle).await;
    put.map_err(|problem| problem.outcome().to_string())
        .expect("imported");
}

async fn bite(client: &Client, report: Option<String>) -> TriageView {
    let started = client.triage_start(report, Some("animal_bite".into())).await;
    started.expect("a check")
}

fn first_words(check: &TriageView) -> String {
    check.question.as_ref().expect("a question").text.clone()
}

/// Until a new check asks in these words.
async fn until_asked(client: &Client, words: &str) {
    until(client, async || {
        client.sync_now().await.expect("syncs");
        (first_words(&bite(client, None).await) == words).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_pack_is_used_also_while_locked_and_after_a_start_and_nothing_else_is() {
    let world = World::new().await;
    let profile = trusting(world.profile("dana"));
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let own = first_words(&bite(&dana, None).await);
    assert_ne!(own, "2099-01-01.1?");

    // Signed by nobody who may, damaged, and older than the build's: none is used.
    let (_, stranger) = released(&worded("2099-01-03.1"), &SigningSeed::new(&[9; 32]));
    publish(&world, stranger).await;
    let (_, mut damaged) = released(&worded("2099-01-02.1"), &ada());
    damaged["extension"][0]["valueBase64Binary"] = json!("AAAA");
    publish(&world, damaged).await;
    // A good pack under a name that is not its own would choose where its file goes.
    let (_, mut elsewhere) = released(&worded("2099-01-02.2"), &ada());
    elsewhere["version"] = json!("/../../elsewhere");
    publish(&world, elsewhere).await;
    let (_, older) = released(&worded("2001-01-01.1"), &ada());
    publish(&world, older).await;
    let (_, good) = released(&worded("2099-01-01.1"), &ada());
    publish(&world, good).await;

    until_asked(&dana, "2099-01-01.1?").await;
    assert_eq!(bite(&dana, None).await.pack_status, "signed");
    let kept = std::fs::read_dir(profile.dir.join("packs")).expect("a folder");
    assert_eq!(kept.count(), 1, "nothing but the good one");

    // What is under way goes on with what it was begun with.
    let begun = bite(&dana, None).await;
    let (_, next) = released(&worded("2099-01-04.1"), &ada());
    publish(&world, next).await;
    until_asked(&dana, "2099-01-04.1?").await;
    let complaint = AnswerForm::Choice("animal_bite".into());
    let on = dana
        .triage_answer(begun.id, "complaint".into(), complaint)
        .await
        .expect("taken");
    assert_eq!(first_words(&on), "2099-01-01.1?");

    dana.lock().await.expect("locked");
    assert_eq!(first_words(&bite(&dana, None).await), "2099-01-04.1?");
    dana.shutdown().await;
    let again = profile.start().await;
    assert_eq!(
        first_words(&bite(&again, None).await),
        "2099-01-04.1?",
        "before it is opened"
    );

    // A phone whose organisation named no clinician uses its own.
    let other = world.person("max").await;
    other.sync_now().await.expect("syncs");
    assert_eq!(first_words(&bite(&other, None).await), own);
    again.shutdown().await;

    // A file that was changed on the disk is worth nothing; the one before it is used.
    let newest = std::fs::read_dir(profile.dir.join("packs"))
        .expect("a folder")
        .map(|file| file.expect("a file").path())
        .find(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(&hash_of("2099-01-04.1"))))
        .expect("kept");
    let text = std::fs::read_to_string(&newest).expect("text");
    std::fs::write(&newest, text.replace("2099-01-01", "2099-01-02")).expect("changed");
    let third = profile.start().await;
    assert_eq!(first_words(&bite(&third, None).await), "2099-01-01.1?");
}

fn hash_of(version: &str) -> String {
    released(&worded(version), &ada()).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recalled_pack_is_left_and_what_it_said_is_raised_and_sent() {
    let world = World::new().await;
    let profile = trusting(world.profile("dana"));
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let (hash, good) = released(&worded("2099-01-01.1"), &ada());
    publish(&world, good).await;
    until_asked(&dana, "2099-01-01.1?").await;

    let report = report_bite(&dana).await;
    let result = calm(&dana, bite(&dana, Some(report.id.clone())).await).await;
    let was = result.outcome.expect("a result").urgency;
    let was = Urgency::ALL
        .into_iter()
        .find(|urgency| urgency.code() == was)
        .expect("on the chain");
    let raised = was.raised().code();
    assert_ne!(was.code(), raised);
    let under_way = bite(&dana, None).await;
    sync_until_sent(&dana, &report.id).await;

    let why = Text {
        en: "A rule for bites was wrong.".into(),
        es: "Una regla de mordidas estaba mal.".into(),
    };
    let signed = recall(&hash, &why, &ada(), ADA, "2099-01-02").expect("signed");
    let release = PackRelease {
        hash: hash.clone(),
        recall: Some(serde_json::to_string(&signed).expect("json")),
        ..PackRelease::default()
    };
    publish(&world, pack::to_fhir(&release)).await;

    // The phone goes back to its own pack, and the result stands one step higher, at the server too.
    until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        let own = first_words(&bite(&dana, None).await) != "2099-01-01.1?";
        let checks = world.stored("RiskAssessment").await;
        let raised = checks.iter().any(|check| triage::urgency(check) == Some(raised));
        (own && raised).then_some(())
    })
    .await;
    let checks = dana.report(report.id).await.expect("there").checks;
    assert_eq!(checks[0].urgency, raised, "{checks:?}");
    assert!(checks[0].reasons[0].contains("called back"), "{checks:?}");
    assert_eq!(checks.len(), 2, "once");
    let stored = world.stored("RiskAssessment").await;
    let packs: Vec<String> = stored
        .iter()
        .map(|check| check.to_string())
        .filter(|text| text.contains(&hash))
        .collect();
    assert_eq!(packs.len(), 1, "the new result names the pack that gave it");

    // What was under way goes on with the other pack.
    let answer = AnswerForm::Multi(Vec::new());
    let on = dana
        .triage_answer(under_way.id, "life.now".into(), answer)
        .await
        .expect("taken");
    assert!(on.question.is_some());

    // Again started, nothing is raised twice, and the desk says that the rules were taken back.
    dana.shutdown().await;
    let dana = profile.start().await;
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    dana.sync_now().await.expect("syncs");
    let reports = dana.reports().await.expect("there");
    assert_eq!(reports[0].checks.len(), 2);
    let desk = trusting(world.profile("ada"));
    let clinician = desk.start().await;
    sign_in(&clinician, &desk, "ada").await;
    let chart = until(&clinician, async || {
        clinician.sync_now().await.expect("syncs");
        let queue = clinician.queue().await.expect("a queue");
        let mine = queue
            .items
            .iter()
            .find(|item| item.urgency.as_deref() == Some(raised))?;
        clinician
            .chart(mine.task.clone())
            .await
            .ok()
            .filter(|chart| chart.checks.len() == 2)
    })
    .await;
    let recalled: Vec<bool> = chart
        .checks
        .iter()
        .map(|check| check.recalled.is_some())
        .collect();
    assert_eq!(recalled, [false, true]);
    let basis = clinician
        .check_basis(chart.checks[0].check.id.clone())
        .await
        .expect("an answer");
    let basis = basis.expect("the pack is on this desk");
    assert!(!basis.possibilities.is_empty() && !basis.rules.is_empty());
}
