//! The symptom checker: carriers.

use crate::error::reply;
use hms_client::Phone;
use hms_model::form::{AnswerForm, HowNowForm};
use hms_model::report::BodyPart;
use hms_model::view::{CommandError, OptionView, TriageView};
use tauri::State;

/// Starts a symptom check.
#[tauri::command]
#[specta::specta]
pub async fn triage_start(
    phone: State<'_, Phone>,
    report: Option<String>,
    complaint: Option<String>,
) -> Result<TriageView, CommandError> {
    reply(phone.client().triage_start(report, complaint).await)
}

/// Complaints that fit some words.
#[tauri::command]
#[specta::specta]
pub async fn triage_search(phone: State<'_, Phone>, text: String) -> Result<Vec<OptionView>, CommandError> {
    reply(phone.client().triage_search(text).await)
}

/// Complaints of a part of the body.
#[tauri::command]
#[specta::specta]
pub async fn triage_at(phone: State<'_, Phone>, part: BodyPart) -> Result<Vec<OptionView>, CommandError> {
    reply(phone.client().triage_at(part).await)
}

/// Answers a question.
#[tauri::command]
#[specta::specta]
pub async fn triage_answer(
    phone: State<'_, Phone>,
    check: String,
    question: String,
    answer: AnswerForm,
) -> Result<TriageView, CommandError> {
    reply(phone.client().triage_answer(check, question, answer).await)
}

/// Goes back one question; answers are kept.
#[tauri::command]
#[specta::specta]
pub async fn triage_back(phone: State<'_, Phone>, check: String) -> Result<TriageView, CommandError> {
    reply(phone.client().triage_back(check).await)
}

/// How the person is now, some time after a check.
#[tauri::command]
#[specta::specta]
pub async fn triage_recheck(
    phone: State<'_, Phone>,
    check: String,
    how: HowNowForm,
) -> Result<TriageView, CommandError> {
    reply(phone.client().triage_recheck(check, how).await)
}
