//! The symptom checker: carriers.

use crate::error::reply;
use hms_client::Client;
use hms_model::form::AnswerForm;
use hms_model::view::{CommandError, OptionView, TriageView};
use tauri::State;

/// Starts a symptom check.
#[tauri::command]
#[specta::specta]
pub async fn triage_start(
    client: State<'_, Client>,
    report: Option<String>,
    complaint: Option<String>,
) -> Result<TriageView, CommandError> {
    reply(client.triage_start(report, complaint).await)
}

/// Complaints that fit some words.
#[tauri::command]
#[specta::specta]
pub async fn triage_search(client: State<'_, Client>, text: String) -> Result<Vec<OptionView>, CommandError> {
    reply(client.triage_search(text).await)
}

/// Answers a question.
#[tauri::command]
#[specta::specta]
pub async fn triage_answer(
    client: State<'_, Client>,
    check: String,
    question: String,
    answer: AnswerForm,
) -> Result<TriageView, CommandError> {
    reply(client.triage_answer(check, question, answer).await)
}

/// Goes back one question; answers are kept.
#[tauri::command]
#[specta::specta]
pub async fn triage_back(client: State<'_, Client>, check: String) -> Result<TriageView, CommandError> {
    reply(client.triage_back(check).await)
}
