//! A report for a colleague whom only words name: the desk has all of it, and says whose it is.

use hms_model::form::{AnswerForm, ReportStepForm};
use hms_model::view::ErrorCode;

use crate::world::{fill_in, photo, until, World};

/// A person of the district: name, and employee number.
async fn somebody(world: &World) -> (String, String) {
    let server = world.server.as_ref().expect("a server");
    let read = server.app.db.read(|read| {
        hms_server::db::sqlite::table::resource::get(read.conn(), "Patient", "emp-0002")?
            .expect("there")
            .value()
    });
    let body = read.await.expect("a read");
    let name = &body["name"][0];
    let words = [&name["given"][0], &name["family"]].map(|word| word.as_str().expect("text").to_owned());
    let number = body["identifier"][0]["value"].as_str().expect("a number");
    (words.join(" "), number.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_has_all_of_a_report_for_a_colleague_and_says_whose_it_is() {
    let world = World::new().await;
    let dana = world.person("dana").await;
    let ada = world.person("ada").await;
    let (name, number) = somebody(&world).await;
    let draft = fill_in(&dana).await;
    let colleague = ReportStepForm::Colleague {
        name: Some(name.clone()),
    };
    dana.report_step(draft.clone(), colleague).await.expect("kept");
    photo(&dana, &draft).await;
    let report = dana.report_send(draft).await.expect("sent");
    let mut check = dana.triage_start(Some(report.id), None).await.expect("a check");
    while let Some(question) = check.question.clone() {
        let answered = dana
            .triage_answer(check.id.clone(), question.id, AnswerForm::Unknown)
            .await;
        check = answered.expect("taken");
    }

    let (item, chart) = until(&ada, async || {
        dana.sync_now().await.expect("syncs");
        let queue = ada.queue().await.expect("the queue");
        let item = queue.items.into_iter().find(|item| item.patient.is_none())?;
        let chart = ada.chart(item.task.clone()).await.ok()?;
        let report = chart.report.as_ref()?;
        (chart.checks.len() == 1 && report.photos.len() == 1).then_some((item, chart))
    })
    .await;
    let outcome = check.outcome.expect("a result");
    let item = until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        queue
            .items
            .into_iter()
            .find(|other| other.task == item.task && other.urgency.is_some())
    })
    .await;
    assert_eq!(item.urgency.as_deref(), Some(outcome.urgency.as_str()));
    assert!(
        !chart.checks[0].answers.is_empty(),
        "with what was asked and answered"
    );
    let report = chart.report.expect("the report");
    let named = report.colleague.as_ref().expect("a colleague");
    assert_eq!((&named.name, named.number.as_str()), (&name, ""));
    assert_eq!(report.reported_by.as_deref(), Some("Dana Reyes"));
    let received = report.received_at.expect("a time");
    let picture = until(&ada, async || ada.attachment(report.photos[0].clone()).await.ok()).await;
    assert!(picture.content_type.starts_with("image/"));

    let wrong = ada
        .report_identify(item.task.clone(), "E-999999".into(), name.clone())
        .await;
    assert_eq!(wrong.expect_err("nobody").code, ErrorCode::NotFound);
    let chart = ada
        .report_identify(item.task.clone(), number.clone(), name.clone())
        .await;
    let chart = chart.expect("that person");

    assert_eq!(chart.name, name);
    assert_eq!(chart.employee_number.as_deref(), Some(number.as_str()));
    assert_eq!(chart.checks.len(), 1);
    let report = chart.report.expect("the report");
    assert_eq!(report.photos.len(), 1);
    assert_eq!(report.received_at, Some(received), "it came when it came");
    for client in [dana, ada] {
        client.shutdown().await;
    }
}
