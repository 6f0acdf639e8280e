//! Phones that are locked, or that nobody has signed in on: reports still arrive.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::form::{AnswerForm, ReportStepForm};
use hms_model::view::{ErrorCode, Phase, SendState};
use hms_store::Journal;

use crate::proxy::{Fate, Proxy};
use crate::world::{
    fill_in, png, report_bite, sign_in, sync_until_sent, until, until_sent, World, PASSPHRASE,
};

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
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::fs::metadata(&profile.dir).expect("the profile");
        assert_eq!(folder.permissions().mode() & 0o077, 0, "nobody else's to copy");
    }

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

    until_sent(&phone, &sent.id).await;

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

    until_sent(&dana, &sent.id).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_passphrase_is_replaced_after_a_sign_in_and_nothing_is_lost() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    let draft = fill_in(&phone).await;
    phone.lock().await.expect("locked");

    let started = phone.forgot_pin().await.expect("starts");
    crate::world::finish_in_browser(&started.url.expect("an address"), &profile.server, "dana").await;
    let done = phone
        .sign_in_wait(std::time::Duration::from_secs(30))
        .await
        .expect("ends");
    assert_eq!(done.state, hms_model::view::SignInState::Done);
    let weak = phone
        .set_pin("123456".into())
        .await
        .expect_err("too weak without a keychain");
    assert_eq!(weak.code, ErrorCode::WeakPin);
    let app = phone.set_pin("another route mailbox".into()).await.expect("set");

    assert_eq!((app.phase, app.storage), (Phase::Open, None));
    let form = phone.report_draft().await.expect("form").expect("as it was left");
    assert_eq!(form.id, draft);
    phone.lock().await.expect("locked");
    assert!(!phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    assert!(
        phone
            .unlock("another route mailbox".into())
            .await
            .expect("an answer")
            .open
    );
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_follows_its_report_small_and_without_its_position() {
    use base64::Engine as _;
    let world = World::new().await;
    let dana = world.person("dana").await;
    let draft = fill_in(&dana).await;
    let base64 = png(&image::RgbImage::new(2000, 1000));
    let refused = dana
        .report_attach(draft.clone(), "application/pdf".into(), base64.clone())
        .await;
    assert_eq!(refused.expect_err("no picture").code, ErrorCode::BadFile);
    let form = dana
        .report_attach(draft.clone(), "image/png".into(), base64)
        .await
        .expect("kept");
    assert_eq!(form.attachments.len(), 1);
    let sent = dana.report_send(draft).await.expect("sent");
    let photo = sent.attachments[0].id.clone();

    sync_until_sent(&dana, &sent.id).await;
    assert_eq!(dana.outbox().await.expect("outbox"), []);

    let ada = world.person("ada").await;
    let entry = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        queue.items.into_iter().find(|item| item.name == "Dana Reyes")
    })
    .await;
    let chart = until(&ada, async || {
        let chart = ada.chart(entry.task.clone()).await.expect("the chart");
        chart
            .report
            .as_ref()
            .is_some_and(|report| report.photos == [photo.clone()])
            .then_some(chart)
    })
    .await;
    assert!(chart.report.is_some());
    let seen = ada.attachment(photo).await.expect("bytes");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(seen.base64)
        .expect("base64");
    let picture = image::load_from_memory(&bytes).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (1600, 800));
    dana.shutdown().await;
    ada.shutdown().await;
}

/// A report and its check, made on a phone that is locked and has no network.
async fn report_while_locked(phone: &hms_client::Client, colleague: Option<&str>) -> (String, String) {
    let draft = fill_in(phone).await;
    if let Some(name) = colleague {
        let step = hms_model::form::ReportStepForm::Colleague {
            name: Some(name.to_owned()),
        };
        phone.report_step(draft.clone(), step).await.expect("kept");
    }
    let sent = phone.report_send(draft).await.expect("sealed");
    assert!(matches!(sent.send, SendState::Queued { sealed: true, .. }));
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
    (sent.id, check.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_screen_shows_the_number_of_a_delivered_report_and_none_of_its_words() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.lock().await.expect("locked");

    let (id, _) = report_while_locked(&phone, Some("Sam Somebody")).await;

    let shown = until(&phone, async || {
        let report = phone.report(id.clone()).await.expect("there");
        matches!(report.send, SendState::Sent { .. }).then_some(report)
    })
    .await;
    assert_eq!(
        (&shown.note, &shown.colleague, &shown.place_text),
        (&None, &None, &None)
    );
    assert_eq!((shown.places.len(), shown.position), (0, None));
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    phone.lock().await.expect("locked");
    assert_eq!(phone.reports().await.expect("none to see"), []);
    phone.report(id).await.expect_err("none to see");
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pasted_into_a_report_does_not_hold_it_up() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    let draft = fill_in(&dana).await;
    let pasted = |text: &str| Some(format!("\u{0}{text}\u{1b}[0m\u{b}\tand more\u{7f}"));
    for step in [
        ReportStepForm::Note { text: pasted("note") },
        ReportStepForm::Witness {
            text: pasted("witness"),
        },
        ReportStepForm::Place {
            position: None,
            text: pasted("place"),
        },
    ] {
        dana.report_step(draft.clone(), step).await.expect("kept");
    }

    let sent = dana.report_send(draft).await.expect("saved");
    let addition = pasted("addition");
    dana.report_add(sent.id.clone(), "addition".into(), addition)
        .await
        .expect("saved");

    let whole = until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        let report = dana.report(sent.id.clone()).await.expect("there");
        let send = report.additions.iter().map(|a| &a.send).chain([&report.send]);
        let settled = send.into_iter().all(|send| {
            assert!(!matches!(send, SendState::Attention { .. }), "{send:?}");
            matches!(send, SendState::Sent { .. })
        });
        settled.then_some(report)
    })
    .await;
    assert_eq!(whole.note.as_deref(), Some("note[0m\n\tand more"));
    assert_eq!(whole.witness.as_deref(), Some("witness[0m\n\tand more"));
    assert_eq!(whole.place_text.as_deref(), Some("place[0m\n\tand more"));
    assert_eq!(
        whole.additions[0].text.as_deref(),
        Some("addition[0m\n\tand more")
    );
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleagues_report_from_a_locked_phone_arrives_and_is_not_taken_for_the_owners() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.lock().await.expect("locked");
    let address = world.stop_server().await;
    let (report, check) = report_while_locked(&phone, Some("Sam Somebody")).await;

    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    let own = phone.report(report.clone()).await.expect("there");
    assert_eq!(own.colleague.as_deref(), Some("Sam Somebody"));
    world.start_server(&address).await;
    until(&phone, async || {
        phone.sync_now().await.expect("syncs");
        let outbox = phone.outbox().await.expect("outbox");
        outbox.is_empty().then_some(())
    })
    .await;

    let server = world.server.as_ref().expect("a server");
    for id in [
        format!("QuestionnaireResponse/{report}"),
        format!("Task/review-{report}"),
        format!("RiskAssessment/{check}"),
        format!("QuestionnaireResponse/{check}-answers"),
    ] {
        let (kind, name) = id
            .split_once('/')
            .map(|(k, n)| (k.to_owned(), n.to_owned()))
            .expect("an id");
        let stored = server
            .app
            .db
            .read(move |read| hms_server::db::sqlite::table::resource::get(read.conn(), &kind, &name))
            .await
            .expect("a read")
            .expect(&id);
        assert_eq!(stored.patient, None, "{id} is the colleague's, whoever that is");
    }
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_from_a_locked_phone_is_not_sent_in_the_name_of_who_signs_in_next() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    let dana = whose(&world, "dana").await;
    another_carrier(&world, "sam").await;
    phone.lock().await.expect("locked");
    let address = world.stop_server().await;
    let (report, check) = report_while_locked(&phone, None).await;
    world.start_server(&address).await;

    sign_in(&phone, &profile, "sam").await;
    let theirs = phone.reports().await.expect("reports");
    assert!(theirs.iter().all(|r| r.note.is_none()), "{theirs:?}");
    let server = world.server.as_ref().expect("a server");
    for (kind, id) in [
        ("QuestionnaireResponse", report),
        ("RiskAssessment", check.clone()),
        ("QuestionnaireResponse", format!("{check}-answers")),
    ] {
        let stored = until(&phone, async || {
            let (kind, id) = (kind.to_owned(), id.clone());
            phone.sync_now().await.expect("syncs");
            server
                .app
                .db
                .read(move |read| hms_server::db::sqlite::table::resource::get(read.conn(), &kind, &id))
                .await
                .expect("a read")
        })
        .await;
        let whose = stored.patient.unwrap_or_default();
        assert!(whose.is_empty() || whose == dana, "{kind} is {whose}'s");
    }
    phone.shutdown().await;
}

/// The patient of an account.
async fn whose(world: &World, name: &str) -> String {
    let (server, name) = (world.server.as_ref().expect("a server"), name.to_owned());
    let found = server
        .app
        .db
        .read(move |read| hms_server::db::sqlite::table::user::by_name(read.conn(), &name))
        .await
        .expect("a read")
        .expect("an account");
    let fhir = found.0.fhir.expect("a person");
    fhir.strip_prefix("Patient/").expect("a carrier").to_owned()
}

/// An account for another carrier of the demonstration's district.
async fn another_carrier(world: &World, name: &str) {
    use hms_server::auth::{accounts, password};
    let secret = hms_model::secret::Secret::new(format!("{name}-shows-the-demo"));
    let new = accounts::NewAccount {
        username: name.to_owned(),
        role: hms_model::role::Role::Carrier,
        name: name.to_owned(),
        fhir: Some("Patient/emp-0002".to_owned()),
        site: None,
        district: None,
        scopes: String::new(),
        password_hash: Some(password::hash(&secret).expect("a hash")),
    };
    let added: Result<String, accounts::AccountError> = world
        .server
        .as_ref()
        .expect("a server")
        .app
        .db
        .write(move |tx| accounts::add(tx, new, &hms_server::audit::AuditAgent::service()))
        .await;
    added.expect("an account");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_come_while_earlier_ones_are_on_their_way_stay_to_be_sent() {
    let world = World::new().await;
    let mut profile = world.profile("dana");
    let path = profile.dir.join("unsent.sealed");
    let newer = STANDARD.encode("newer words");
    let mut written = false;
    let (journal, words) = (path.clone(), newer.clone());
    let proxy = Proxy::before(&world.provisioning(), move |request| {
        if request.line.contains("/api/sealed") && !written {
            written = true;
            let mut journal = Journal::open(&journal).expect("the journal");
            let mut entry = journal.entries()[0].clone();
            entry.ciphertext = words.clone();
            journal.append(&entry).expect("kept");
        }
        Fate::Pass
    })
    .await;
    profile.server = proxy.provisioning(&world.provisioning());
    let phone = profile.start().await;
    let sent = report_bite(&phone).await;

    // The first words have arrived, and the newer ones are offered in their turn. No server can open these.
    until(&phone, async || {
        (proxy.fates("/api/sealed").len() >= 2).then_some(())
    })
    .await;
    let stored = world.stored("QuestionnaireResponse").await;
    assert!(stored.iter().any(|report| report["id"] == sent.id.as_str()));
    phone.shutdown().await;

    let journal = Journal::open(&path).expect("the journal");
    let waiting: Vec<_> = journal
        .entries()
        .into_iter()
        .filter(|entry| entry.id == sent.id)
        .collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].ciphertext, newer);
}
