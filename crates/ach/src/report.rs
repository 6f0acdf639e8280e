//! An injury report without a window.

use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::say::say;
use crate::session::{open, open_if_it_may, print};
use hms_client::Client;
use hms_model::form::ReportStepForm;
use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};
use hms_model::view::{Phase, SendState};

/// Fills in and sends a report. Works before sign-in too: it is sealed to the server's key.
pub async fn send(client: &Client, args: &ReportArgs, json: bool) -> Result<(), Failure> {
    let steps = steps(args)?;
    if client.app_state().await?.phase == Phase::Locked && std::env::var_os("HMS_PIN").is_some() {
        open_if_it_may(client).await?;
    }
    let draft = client.report_start(args.colleague.clone()).await?.id;
    for step in steps {
        client.report_step(draft.clone(), step).await?;
    }
    let report = client.report_send(draft).await?;
    if json {
        return print(&report);
    }
    say!("Kept. Report {}", report.id);
    Ok(())
}

/// Lists reports.
pub async fn list(client: &Client, json: bool) -> Result<(), Failure> {
    open(client).await?;
    let reports = client.reports().await?;
    if json {
        return print(&reports);
    }
    for report in &reports {
        say!("{}\t{}\t{}", report.id, report.what.code(), state(&report.send));
    }
    Ok(())
}

fn state(send: &SendState) -> String {
    match send {
        SendState::Draft => "draft".to_owned(),
        SendState::Queued { .. } => "waiting to send".to_owned(),
        SendState::Sending { .. } => "being sent".to_owned(),
        SendState::Sent { number, .. } => format!("sent, number {number}"),
        SendState::Seen { number, by_name, .. } => format!("read by {by_name}, number {number}"),
        SendState::Attention { question } => format!("the server asks for: {question}"),
        SendState::Conflict => "two versions: choose in the app".to_owned(),
    }
}

fn steps(args: &ReportArgs) -> Result<Vec<ReportStepForm>, Failure> {
    let mut steps = vec![
        ReportStepForm::Safe {
            value: word("--safe", &args.safe, SafeNow::parse, SafeNow::ALL, SafeNow::code)?,
        },
        ReportStepForm::What {
            value: word(
                "--what",
                &args.what,
                WhatHappened::parse,
                WhatHappened::ALL,
                WhatHappened::code,
            )?,
        },
        ReportStepForm::Where {
            value: args.places.iter().map(|p| place(p)).collect::<Result<_, _>>()?,
        },
    ];
    if args.place.is_some() {
        steps.push(ReportStepForm::Place {
            position: None,
            text: args.place.clone(),
        });
    }
    if args.note.is_some() {
        steps.push(ReportStepForm::Note {
            text: args.note.clone(),
        });
    }
    Ok(steps)
}

fn place(text: &str) -> Result<HurtPlace, Failure> {
    let (part, side) = text.split_once(':').unwrap_or((text, "middle"));
    Ok(HurtPlace {
        part: word("--where", part, BodyPart::parse, BodyPart::ALL, BodyPart::code)?,
        side: word("--where", side, Side::parse, Side::ALL, Side::code)?,
    })
}

fn word<T: Copy>(
    what: &'static str,
    word: &str,
    parse: fn(&str) -> Option<T>,
    all: &[T],
    code: fn(T) -> &'static str,
) -> Result<T, Failure> {
    parse(word).ok_or_else(|| Failure::Word {
        what,
        word: word.to_owned(),
        choices: all
            .iter()
            .map(|value| code(*value))
            .collect::<Vec<_>>()
            .join(", "),
    })
}
