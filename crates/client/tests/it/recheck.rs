//! Some time after a check its person is asked how they are: worse raises, so does silence, better does not lower, and a
//! visit ends it.

use std::time::Duration;

use hms_client::{AlertKind, Client, ClientEvent};
use hms_model::form::HowNowForm;
use hms_model::view::Phase;
use hms_triage::Urgency;

use crate::world::{calm, report_bite, sign_in, sync_until_sent, until, Profile, World, PASSPHRASE};

/// Dana reports a bite and checks it; what it said.
async fn bitten(world: &World) -> (Profile, Client, String, String, Urgency) {
    let profile = world.profile("dana");
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let report = report_bite(&dana).await.id;
    let started = dana
        .triage_start(Some(report.clone()), None)
        .await
        .expect("a check");
    let check = calm(&dana, started).await;
    let said = check.outcome.expect("a result").urgency;
    let said = Urgency::ALL
        .into_iter()
        .find(|urgency| urgency.code() == said)
        .expect("on the chain");
    assert!(said.raised() < Urgency::TOP, "there is room above");
    (profile, dana, report, check.id, said)
}

/// The phone's clock, and all that waits for it, some minutes on.
async fn later(profile: &Profile, client: &Client, minutes: i64) {
    profile.clock.off_by(minutes * 60_000);
    // A phone that was out of sight for so long has locked itself.
    client.lock().await.expect("locked");
    let opened = client.unlock(PASSPHRASE.into()).await.expect("an answer");
    assert!(opened.open);
}

async fn urgencies(client: &Client, report: &str) -> Vec<String> {
    let report = client.report(report.to_owned()).await.expect("there");
    report.checks.into_iter().map(|check| check.urgency).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn worse_raises_better_does_not_lower_and_then_nobody_asks_again() {
    let world = World::new().await;
    let (profile, dana, report, check, said) = bitten(&world).await;
    let minutes = i64::from(said.recheck_minutes());
    let asked = dana
        .app_state()
        .await
        .expect("the app")
        .recheck
        .expect("to be asked");
    assert_eq!((asked.check.as_str(), asked.due), (check.as_str(), false));

    let mut events = dana.events();
    later(&profile, &dana, minutes + 1).await;
    until(&dana, async || {
        dana.app_state().await.ok()?.recheck.filter(|asked| asked.due)
    })
    .await;
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let alert = ClientEvent::Alert {
        kind: AlertKind::CheckAgain,
    };
    assert_eq!(told.filter(|event| *event == alert).count(), 1);

    let worse = dana
        .triage_recheck(check.clone(), HowNowForm::Worse)
        .await
        .expect("kept");
    let outcome = worse.outcome.expect("a result");
    assert_eq!(outcome.urgency, said.raised().code());
    assert!(outcome.reasons[0].contains("no better"), "{:?}", outcome.reasons);
    let asked = dana
        .app_state()
        .await
        .expect("the app")
        .recheck
        .expect("asked again, sooner");
    let again = f64::from(said.raised().recheck_minutes()) * 60_000.0;
    assert!(!asked.due && asked.due_at - asked.at <= again);

    let better = dana
        .triage_recheck(check.clone(), HowNowForm::Better)
        .await
        .expect("kept");
    assert_eq!(
        better.outcome.expect("a result").urgency,
        said.code(),
        "what the answers say, no lower"
    );
    assert_eq!(dana.app_state().await.expect("the app").recheck, None);
    assert_eq!(
        urgencies(&dana, &report).await,
        [said, said.raised(), said].map(Urgency::code)
    );

    // All of it is at the server, whose queue has the highest.
    profile.clock.off_by(0);
    sync_until_sent(&dana, &report).await;
    until(&dana, async || {
        (world.stored("RiskAssessment").await.len() == 3).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_phone_rings_when_it_is_time_and_shows_nothing() {
    let world = World::new().await;
    let (profile, dana, _, _, said) = bitten(&world).await;
    let mut events = dana.events();
    profile
        .clock
        .off_by((i64::from(said.recheck_minutes()) + 1) * 60_000);
    let locked = dana.lock().await.expect("locked");
    assert_eq!(locked.recheck, None);
    let rings = ClientEvent::Alert {
        kind: AlertKind::CheckAgain,
    };
    let rung = async { while events.recv().await.expect("the client runs") != rings {} };
    tokio::time::timeout(Duration::from_secs(40), rung)
        .await
        .expect("it rings");
    assert_eq!(dana.app_state().await.expect("the app").phase, Phase::Locked);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_raises_once_and_the_person_is_still_asked() {
    let world = World::new().await;
    let (profile, dana, report, check, said) = bitten(&world).await;
    let minutes = i64::from(said.recheck_minutes());
    later(&profile, &dana, 2 * minutes + 1).await;
    assert_eq!(
        urgencies(&dana, &report).await,
        [said.raised(), said].map(Urgency::code)
    );
    let asked = dana.app_state().await.expect("the app").recheck.expect("asked");
    assert!(asked.due);

    later(&profile, &dana, 2 * minutes + 30).await;
    assert_eq!(urgencies(&dana, &report).await.len(), 2, "once");
    let same = dana.triage_recheck(check, HowNowForm::Same).await.expect("kept");
    assert_eq!(same.outcome.expect("a result").urgency, said.raised().code());

    // A week later it went another way.
    later(&profile, &dana, 24 * 60 * 10).await;
    assert_eq!(dana.app_state().await.expect("the app").recheck, None);
    assert_eq!(dana.app_state().await.expect("the app").phase, Phase::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_on_a_locked_phone_is_looked_back_on_too_and_a_colleagues_is_not() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.lock().await.expect("locked");
    let started = dana
        .triage_start(None, Some("animal_bite".into()))
        .await
        .expect("a check");
    let check = calm(&dana, started).await;
    dana.unlock(PASSPHRASE.into()).await.expect("open");
    let asked = dana
        .app_state()
        .await
        .expect("the app")
        .recheck
        .expect("to be asked");
    assert_eq!(asked.check, check.id);

    let draft = crate::world::fill_in(&dana).await;
    let step = hms_model::form::ReportStepForm::Colleague {
        name: Some("Pat Jones".into()),
    };
    dana.report_step(draft.clone(), step).await.expect("kept");
    let report = dana.report_send(draft).await.expect("sent");
    let started = dana.triage_start(Some(report.id), None).await.expect("a check");
    calm(&dana, started).await;
    let asked = dana.app_state().await.expect("the app").recheck.expect("her own");
    assert_eq!(asked.check, check.id);
}
