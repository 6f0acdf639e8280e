//! Phones that are locked, or that nobody has signed in on: reports still arrive.

use hms_model::form::AnswerForm;
use hms_model::view::{ErrorCode, Phase, SendState};

use crate::world::{fill_in, report_bite, sign_in, until, World, PASSPHRASE};

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_nobody_signed_in_on_delivers_a_report_and_its_owner_claims_it() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    assert_eq!(phone.app_state().await.expect("state").phase, Phase::Fresh);

    let draft = fill_in(&phone).await;
    assert!(
        phone
            .report_draft()
            .await
            .expect("form")
            .expect("open")
            .sealed_only
    );
    let sent = phone.report_send(draft).await.expect("sealed");
    assert!(matches!(sent.send, SendState::Queued { sealed: true, .. }));
    let bytes = std::fs::read(profile.dir.join("unsent.sealed")).expect("the journal");
    assert!(
        !bytes.windows(9).any(|w| w == b"brown dog"),
        "nothing is readable on the phone"
    );

    let mut check = phone
        .triage_start(Some(sent.id.clone()), None)
        .await
        .expect("a check");
    while let Some(question) = check.question.clone() {
        check = phone
            .triage_answer(check.id.clone(), question.id, AnswerForm::Unknown)
            .await
            .expect("taken");
    }
    assert!(check.outcome.is_some());

    until(&phone, async || {
        let report = phone.report(sent.id.clone()).await.expect("there");
        matches!(report.send, SendState::Sent { .. }).then_some(())
    })
    .await;

    sign_in(&phone, &profile, "dana").await;
    let claimed = until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        let reports = phone.reports().await.expect("reports");
        let mine = reports.into_iter().find(|report| report.id == sent.id)?;
        matches!(mine.send, SendState::Sent { .. }).then_some(mine)
    })
    .await;
    assert_eq!(claimed.note.as_deref(), Some("brown dog, no collar"));
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_opens_offline_by_passphrase_and_a_form_survives() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    let draft = fill_in(&phone).await;
    phone.shutdown().await;
    world.stop_server().await;

    let phone = profile.start().await;
    let app = phone.app_state().await.expect("state");
    assert_eq!((app.phase, app.name), (Phase::Locked, None));
    assert_eq!(phone.reports().await.expect("none to see"), []);
    assert_eq!(
        phone.summaries().await.expect_err("locked").code,
        ErrorCode::Locked
    );

    let wrong = phone.unlock("wrong words here".into()).await.expect("an answer");
    assert!(!wrong.open);
    assert_eq!(wrong.tries_left, 4);
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);

    let form = phone.report_draft().await.expect("form").expect("as it was left");
    assert_eq!(form.id, draft);
    assert_eq!(form.note.as_deref(), Some("brown dog, no collar"));
    let sent = phone.report_send(draft).await.expect("saved");
    assert!(
        matches!(
            sent.send,
            SendState::Queued { sealed: false, .. } | SendState::Sending { .. }
        ),
        "{:?}",
        sent.send
    );
    assert_eq!(
        phone.app_state().await.expect("state").unsent,
        2,
        "report and queue entry"
    );
    assert_eq!(
        phone.outbox().await.expect("outbox").len(),
        1,
        "one line for both"
    );
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_made_offline_goes_out_by_itself_when_the_server_is_back() {
    let mut world = World::new().await;
    let dana = world.person("dana").await;
    let address = world.stop_server().await;
    let sent = report_bite(&dana).await;
    let app = dana.sync_now().await.expect("tried");
    assert!(app.network.problem.is_some());

    world.start_server(&address).await;

    until(&dana, async || {
        let report = dana.report(sent.id.clone()).await.expect("there");
        matches!(report.send, SendState::Sent { .. }).then_some(())
    })
    .await;
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_and_no_word_is_readable_in_any_file_of_the_profile() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    report_bite(&dana).await;
    dana.sync_now().await.expect("syncs");
    dana.shutdown().await;

    for entry in std::fs::read_dir(world.dir.path().join("dana")).expect("profile") {
        let path = entry.expect("entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("file");
            for word in ["hms_at_", "hms_rt_", "brown dog", "Dana", PASSPHRASE] {
                let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
                assert!(!found, "{word} in {}", path.display());
            }
        }
    }
}
