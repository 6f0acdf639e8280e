//! What is logged: the whole story with every log line of phone, desk and server caught, and no word of a person in any.

use std::io::Write;
use std::sync::{Arc, Mutex};

use hms_client::{Client, ClientError, MediaChoice, SyntheticSide};
use hms_model::form::{AnswerForm, IntakeForm, ReportStepForm};
use hms_model::view::VisitState;
use tracing_subscriber::fmt::MakeWriter;

use crate::alone::in_own_process;
use crate::proxy::{Fate, Proxy};
use crate::world::{fill_in, sign_in, sync_until_sent, until, World, PASSPHRASE};

/// In every word that somebody types here.
const CANARY: &str = "QuincyCanary";
/// What must not be in a line either: names, secrets, and where it was.
const SECRETS: [&str; 10] = [
    "Dana",
    "Reyes",
    "Okafor",
    "hms_at_",
    "hms_rt_",
    "Bearer ey",
    PASSPHRASE,
    "shows-the-demo",
    "RR 7",
    "brown dog",
];

#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Caught {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn typed(what: &str) -> String {
    format!("{CANARY} {what}")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_name_or_secret_is_in_any_log_line_error_or_address() {
    // Its own process: the log of a process is caught as a whole.
    if !in_own_process("logs::no_word_name_or_secret_is_in_any_log_line_error_or_address") {
        return;
    }
    let caught = Caught::default();
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(caught.clone())
        .with_ansi(false)
        .finish();
    tracing_subscriber::util::SubscriberInitExt::try_init(lines).expect("the first log of this process");
    std::env::set_var("HMS_CALL_PICTURE", "small");

    let world = World::new().await;
    let mut phone = world.profile("dana");
    let direct = phone.server.clone();
    let proxy = Proxy::before(&direct, |_| Fate::Pass).await;
    phone.server = proxy.provisioning(&direct);
    let dana = phone.start().await;
    sign_in(&dana, &phone, "dana").await;
    let mut desk = world.profile("ada");
    desk.server = proxy.provisioning(&direct);
    desk.media = MediaChoice::Synthetic {
        side: SyntheticSide::Clinician,
    };
    let ada = desk.start().await;
    sign_in(&ada, &desk, "ada").await;
    let mut errors = Vec::new();

    report_and_check(&dana, &mut errors).await;
    let task = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let item = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        item.signal
            .is_some_and(|signal| signal.connected)
            .then_some(item.task)
    })
    .await;
    ada.queue_claim(task.clone()).await.expect("claimed");
    call(&ada, &dana, &task).await;
    write_and_sign(&ada, &task, &mut errors).await;
    refusals(&dana, &mut errors).await;
    dana.shutdown().await;
    ada.shutdown().await;

    let bytes = caught.0.lock().expect("lines").clone();
    let log = String::from_utf8_lossy(&bytes);
    let count = log.lines().count();
    assert!(
        count > 50 && log.contains("hms_client") && log.contains("hms_server"),
        "{count} lines"
    );
    for line in log.lines() {
        clean(line);
    }
    for error in &errors {
        clean(&format!(
            "{error} {error:?} {} {:?}",
            error.chain(),
            error.to_view()
        ));
    }
    let requests = proxy.lines();
    assert!(requests.len() > 20, "{}", requests.len());
    for line in &requests {
        clean(line);
    }
    println!(
        "{count} log lines, {} errors, {} requests",
        errors.len(),
        requests.len()
    );
}

fn clean(line: &str) {
    for word in SECRETS.iter().chain([&CANARY]) {
        assert!(!line.contains(word), "{word:?} is in: {line}");
    }
}

/// The carrier's part: every free text of a report, a check, a colleague's report, an addition.
async fn report_and_check(dana: &Client, errors: &mut Vec<ClientError>) {
    let draft = fill_in(dana).await;
    for step in [
        ReportStepForm::Place {
            position: None,
            text: Some(typed("place")),
        },
        ReportStepForm::Witness {
            text: Some(typed("witness")),
        },
        ReportStepForm::Note {
            text: Some(typed("note")),
        },
    ] {
        dana.report_step(draft.clone(), step).await.expect("kept");
    }
    let other = dana
        .report_step(typed("draft"), ReportStepForm::Note { text: None })
        .await;
    errors.push(other.expect_err("no such form"));
    let long = ReportStepForm::Note {
        text: Some(CANARY.repeat(1_000)),
    };
    errors.push(dana.report_step(draft.clone(), long).await.expect_err("too long"));
    let sent = dana.report_send(draft).await.expect("sent");
    dana.triage_search(typed("my leg")).await.expect("searched");
    let mut check = dana
        .triage_start(Some(sent.id.clone()), None)
        .await
        .expect("a check");
    while let Some(question) = check.question.clone() {
        check = dana
            .triage_answer(check.id.clone(), question.id, AnswerForm::Unknown)
            .await
            .expect("taken");
    }
    let colleague = dana.report_start(Some(typed("colleague"))).await.expect("a form");
    dana.report_discard(colleague.id).await.expect("thrown away");
    sync_until_sent(dana, &sent.id).await;
    let added = dana
        .report_add(sent.id, "correction".into(), Some(typed("correction")))
        .await;
    added.expect("added");
    dana.sync_now().await.expect("syncs");
}

async fn call(ada: &Client, dana: &Client, task: &str) {
    let state = async |side: &Client, wanted: VisitState| {
        until(side, async || {
            (side.visit().await.expect("the call").state == wanted).then_some(())
        })
        .await;
    };
    ada.visit_call(task.to_owned()).await.expect("calls");
    state(dana, VisitState::RingingIn).await;
    dana.visit_accept().await.expect("answered");
    state(ada, VisitState::InCall).await;
    ada.visit_text(typed("line")).await.expect("sent");
    until(dana, async || {
        let texts = dana.visit().await.expect("the call").texts;
        texts.iter().any(|line| line.text == typed("line")).then_some(())
    })
    .await;
    let form = IntakeForm {
        identified_by: vec!["name".into(), "birth-date".into()],
        place: typed("where"),
        callback: typed("555-0173"),
        with: typed("with"),
        consent: true,
        interpreter: "none".into(),
    };
    // Closed words of a form may be refused; its free ones must not be told either way.
    let _ = ada.intake_save(task.to_owned(), form).await;
    dana.visit_leave().await.expect("left");
    state(ada, VisitState::Ended).await;
}

async fn write_and_sign(ada: &Client, task: &str, errors: &mut Vec<ClientError>) {
    ada.send_911(task.to_owned()).await.expect("recorded");
    ada.note_save(task.to_owned(), typed("finding"))
        .await
        .expect("kept");
    ada.note_sign(task.to_owned(), typed("finding"))
        .await
        .expect("signed");
    let again = ada.note_save(task.to_owned(), typed("late")).await;
    errors.push(again.expect_err("signed"));
    ada.note_addendum(task.to_owned(), typed("addendum"))
        .await
        .expect("added");
    ada.sync_now().await.expect("syncs");
    errors.push(ada.chart(typed("task")).await.expect_err("no such entry"));
    errors.push(ada.attachment(typed("photo")).await.expect_err("no such photo"));
}

/// What people get wrong.
async fn refusals(dana: &Client, errors: &mut Vec<ClientError>) {
    errors.push(dana.report(typed("report")).await.expect_err("no such report"));
    let bad = dana
        .report_add(typed("report"), typed("kind"), Some(typed("text")))
        .await;
    errors.push(bad.expect_err("no such kind"));
    let not_hers = dana.note_sign(typed("task"), typed("finding")).await;
    errors.push(not_hers.expect_err("not a clinician"));
    dana.lock().await.expect("locked");
    assert!(!dana.unlock(typed("passphrase")).await.expect("an answer").open);
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);
}
