//! The story, without windows: a report, its receipt, the queue, the chart, the decision, the summary.

use hms_model::duty::{Limit, WorkStatus};
use hms_model::form::{AnswerForm, DutyForm, FollowUpForm};
use hms_model::view::{ErrorCode, SendState};

use crate::world::{report_bite, until, World};

fn number(send: &SendState) -> Option<&str> {
    match send {
        SendState::Sent { number, .. } | SendState::Seen { number, .. } => Some(number),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_gets_its_receipt_and_says_sent_only_then() {
    let world = World::new().await;
    let dana = world.person("dana").await;

    let sent = report_bite(&dana).await;
    assert!(
        number(&sent.send).is_none(),
        "not sent before the receipt: {:?}",
        sent.send
    );
    assert_eq!(sent.place_text.as_deref(), Some("RR 7, box 112"));

    dana.sync_now().await.expect("syncs");
    let sent = until(&dana, async || {
        let report = dana.report(sent.id.clone()).await.expect("there");
        number(&report.send).is_some().then_some(report)
    })
    .await;
    assert!(number(&sent.send).expect("a number").starts_with("HMS-"));
    assert_eq!(dana.outbox().await.expect("outbox"), []);
    assert_eq!(dana.app_state().await.expect("state").unsent, 0);

    // The same words once more are the same report.
    assert_eq!(
        dana.report_send("gone".into())
            .await
            .expect_err("the form is gone")
            .code,
        ErrorCode::NotFound
    );
    assert_eq!(dana.reports().await.expect("reports").len(), 1);
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_sees_it_decides_and_the_carrier_reads_the_summary() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    let ada = world.person("ada").await;
    let report = report_bite(&dana).await;

    // The symptom check raises the entry: "not sure" all the way is never low.
    let mut check = dana
        .triage_start(Some(report.id.clone()), Some("animal_bite".into()))
        .await;
    if check.is_err() {
        check = dana.triage_start(Some(report.id.clone()), None).await;
    }
    let mut check = check.expect("a check");
    while let Some(question) = check.question.clone() {
        check = dana
            .triage_answer(check.id.clone(), question.id, AnswerForm::Unknown)
            .await
            .expect("taken");
    }
    assert!(check.outcome.is_some());
    dana.sync_now().await.expect("syncs");

    let entry = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        queue
            .items
            .into_iter()
            .find(|item| item.name == "Dana Reyes" && item.urgency.is_some())
    })
    .await;
    assert!(entry.unseen);
    assert_eq!(entry.places.len(), 1);
    let task = entry.task.clone();

    let queue = ada.queue_claim(task.clone()).await.expect("claimed");
    let mine = queue.items.iter().find(|item| item.task == task).expect("there");
    assert!(
        mine.mine && mine.claimed_by.as_deref() == Some("Ada Okafor"),
        "{mine:?}"
    );

    let chart = ada.chart(task.clone()).await.expect("the chart");
    assert_eq!(
        chart.report.as_ref().and_then(|r| r.note.as_deref()),
        Some("brown dog, no collar")
    );
    assert_eq!(chart.employee_number.as_deref(), Some("E-100001"));
    assert!(!chart.checks.is_empty() && !chart.checks[0].answers.is_empty());

    // Who read it reaches the carrier.
    let seen = until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        let report = dana.report(report.id.clone()).await.expect("there");
        report.readers.first().map(|reader| reader.name.clone())
    })
    .await;
    assert_eq!(seen, "Ada Okafor");

    ada.note_save(task.clone(), "Two punctures.".into())
        .await
        .expect("kept");
    let saved = ada
        .note_save(task.clone(), "Two punctures, cleaned.".into())
        .await
        .expect("kept");
    assert_eq!(saved.text, "Two punctures, cleaned.");
    // What is signed is what the screen shows, also where the last save of it is still on its way.
    let shown = "Two punctures, cleaned and dressed.";
    let signed = ada.note_sign(task.clone(), shown.into()).await.expect("signed");
    assert!(signed.note.signed_at.is_some());
    assert_eq!(signed.note.text, shown);
    assert_eq!(
        ada.note_save(task.clone(), "other".into())
            .await
            .expect_err("signed")
            .code,
        ErrorCode::Signed
    );
    let added = ada
        .note_addendum(task.clone(), "Tetanus given.".into())
        .await
        .expect("added");
    assert_eq!(added.note.addenda.len(), 1);

    let form = DutyForm {
        status: WorkStatus::Restricted,
        limits: vec![Limit::NoLeftHand],
        from: "2030-01-02".into(),
        until: Some("2030-01-09".into()),
    };
    let wrong = DutyForm {
        limits: vec![],
        ..form.clone()
    };
    ada.advice_save(task.clone(), wrong.clone())
        .await
        .expect("a draft may be incomplete");
    let refused = ada
        .advice_sign(task.clone(), wrong)
        .await
        .expect_err("incomplete");
    assert_eq!(refused.code, ErrorCode::Invalid);
    // What is kept differs from what the screen shows; the screen is signed.
    let kept = DutyForm {
        until: Some("2030-03-09".into()),
        ..form.clone()
    };
    ada.advice_save(task.clone(), kept).await.expect("kept");
    let advised = ada
        .advice_sign(task.clone(), form.clone())
        .await
        .expect("signed")
        .advice
        .expect("advice");
    assert!(advised.signed_at.is_some());
    assert_eq!(advised.duty.until, form.until);
    assert_eq!(advised.duty.limits, form.limits);
    let again = ada.advice_sign(task.clone(), form.clone()).await;
    assert_eq!(again.expect_err("signed").code, ErrorCode::Signed);
    let start = 4_102_444_800_000.0;
    let booked = ada
        .follow_up(
            task.clone(),
            FollowUpForm {
                start,
                minutes: 15,
                by_video: true,
            },
        )
        .await
        .expect("booked");
    assert!(booked.follow_up.is_some_and(|it| it.by_video && it.minutes == 15));
    ada.sync_now().await.expect("syncs");
    assert_eq!(ada.outbox().await.expect("outbox"), []);

    let max = world.person("max").await;
    let asked = until(&max, async || {
        max.sync_now().await.expect("syncs");
        let page = max.manager().await.expect("the page");
        (!page.decisions.is_empty()).then_some(page)
    })
    .await;
    assert_eq!(asked.notices.first().map(|n| n.name.as_str()), Some("Dana Reyes"));
    let notice = asked.notices[0].task.clone();
    let page = max.acknowledge_notice(notice).await.expect("acknowledged");
    assert!(page.notices[0].acknowledged);
    let page = max
        .decide_duty(asked.decisions[0].task.clone(), form)
        .await
        .expect("decided");
    assert!(page.decisions[0].decision.is_some());
    max.sync_now().await.expect("syncs");
    assert_eq!(max.outbox().await.expect("outbox"), []);

    let summary = until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        let summaries = dana.summaries().await.expect("summaries");
        summaries.into_iter().find(|summary| summary.decision.is_some())
    })
    .await;
    assert!(
        summary
            .note
            .as_deref()
            .is_some_and(|note| note.contains("Tetanus")),
        "{summary:?}"
    );
    assert!(summary
        .report_number
        .is_some_and(|number| number.starts_with("HMS-")));
    assert!(summary.follow_up.is_some());
    assert_eq!(summary.clinician.as_deref(), Some("Ada Okafor"));

    let closed = ada.close_task(task.clone()).await.expect("closed");
    assert!(closed.items.iter().all(|item| item.task != task));
    ada.sync_now().await.expect("syncs");
    assert_eq!(ada.outbox().await.expect("outbox"), []);
    for client in [dana, ada, max] {
        client.shutdown().await;
    }
}
