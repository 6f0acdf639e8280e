//! What clinicians, nurses and managers see.

use super::{AdditionView, CheckView, DutyView, IntakeView};
use crate::duty::{Limit, WorkStatus};
use crate::report::{HurtPlace, Position, SafeNow, WhatHappened};
use serde::{Deserialize, Serialize};

/// The queue, and how old it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct QueueView {
    /// Entries, most urgent first, then longest waiting.
    pub items: Vec<QueueItemView>,
    /// When this list was the server's; never shown as empty when the feed is down.
    pub as_of: Option<f64>,
    /// No answer from the server for over 15 s.
    pub stale: bool,
}

/// One entry of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct QueueItemView {
    /// Task.
    pub task: String,
    /// `review-report`, `call-back` or `escalation`.
    pub kind: String,
    /// Patient.
    pub patient: Option<String>,
    /// Name; empty where the report is not claimed by a person yet.
    pub name: String,
    /// Age in years.
    pub age: Option<u32>,
    /// What happened.
    pub what: Option<WhatHappened>,
    /// Where on the body.
    pub places: Vec<HurtPlace>,
    /// `stat`, `asap`, `urgent`, `routine`.
    pub priority: String,
    /// Urgency of the symptom check, if one was made.
    pub urgency: Option<String>,
    /// Since when it waits.
    pub waiting_since: f64,
    /// Language.
    pub language: String,
    /// Signal, where known.
    pub signal: Option<SignalView>,
    /// Who has it.
    pub claimed_by: Option<String>,
    /// It is mine.
    pub mine: bool,
    /// Nobody has opened it yet.
    pub unseen: bool,
}

/// The carrier's link as last known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SignalView {
    /// The app is connected now: a call will ring.
    pub connected: bool,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<u32>,
    /// Loss in thousandths.
    pub loss_permille: Option<u32>,
    /// Last sync.
    pub last_sync_at: Option<f64>,
}

/// Chart and workspace of one patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ChartView {
    /// Task.
    pub task: String,
    /// Patient id; `None` for an unclaimed report.
    pub patient: Option<String>,
    /// Name.
    pub name: String,
    /// Birth date.
    pub birth_date: Option<String>,
    /// Age in years.
    pub age: Option<u32>,
    /// Employee number.
    pub employee_number: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Site and route.
    pub site: Option<String>,
    /// Language.
    pub language: String,
    /// The report.
    pub report: Option<ChartReportView>,
    /// Symptom checks, newest first, with questions and answers.
    pub checks: Vec<ChartCheckView>,
    /// Allergies.
    pub allergies: KnownList,
    /// Medication.
    pub medication: KnownList,
    /// Conditions, vaccinations, earlier reports, newest first.
    pub history: Vec<HistoryView>,
    /// Visit opening, if a visit exists.
    pub intake: Option<IntakeView>,
    /// Note.
    pub note: NoteView,
    /// Advice, draft or signed.
    pub advice: Option<AdviceView>,
    /// Orders made.
    pub orders: Vec<super::ImagingView>,
    /// Follow-up booked.
    pub follow_up: Option<super::AppointmentView>,
    /// When 911 was last sent to where the person is, for this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "bindings", specta(optional))]
    pub sent_911_at: Option<f64>,
    /// Data from this device, as of.
    pub as_of: Option<f64>,
}

/// The report in the chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ChartReportView {
    /// Id.
    pub id: String,
    /// Receipt number.
    pub number: Option<String>,
    /// Safe?
    pub safe: SafeNow,
    /// What.
    pub what: WhatHappened,
    /// Where on the body.
    pub places: Vec<HurtPlace>,
    /// When it happened.
    pub happened_at: f64,
    /// When it was written.
    pub authored_at: f64,
    /// When the server had it.
    pub received_at: Option<f64>,
    /// Estimate where the phone's clock was wrong.
    pub true_time: Option<f64>,
    /// Place.
    pub position: Option<Position>,
    /// Place in words.
    pub place_text: Option<String>,
    /// Witness.
    pub witness: Option<String>,
    /// Own words.
    pub note: Option<String>,
    /// Whom it is about, where somebody reported for a colleague.
    pub colleague: Option<ColleagueView>,
    /// Name of who reported for a colleague.
    pub reported_by: Option<String>,
    /// Photos: ids to fetch with `attachment`.
    pub photos: Vec<String>,
    /// Voice notes: ids to fetch with `attachment`.
    pub voice: Vec<String>,
    /// Added after sending.
    pub additions: Vec<AdditionView>,
}

/// Whom a report for a colleague names, as its reporter typed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ColleagueView {
    /// All of it.
    pub typed: String,
    /// Of it, what is no number: the name.
    pub name: String,
    /// Of it, what may be an employee number; empty where there is none.
    pub number: String,
}

/// A symptom check with its questions and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ChartCheckView {
    /// Result.
    pub check: CheckView,
    /// Question and answer, as shown to the person.
    pub answers: Vec<AnswerView>,
    /// Pack.
    pub pack: String,
    /// Clinicians signed that pack.
    #[serde(default)]
    #[cfg_attr(feature = "bindings", specta(optional))]
    pub signed: bool,
    /// Why clinicians took that pack back, in the words of the desk's language; `None` where they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "bindings", specta(optional))]
    pub recalled: Option<String>,
}

/// What may lie behind a check, and what would have changed it. It never set the urgency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BasisView {
    /// The rules that set the urgency.
    pub rules: Vec<RuleView>,
    /// Conditions that the answers speak for, most likely first.
    pub possibilities: Vec<PossibilityView>,
    /// The nearest answers with which the urgency would be lower.
    pub lower: Option<ChangeView>,
    /// The nearest answers with which it would be higher.
    pub higher: Option<ChangeView>,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RuleView {
    /// Its id.
    pub id: String,
    /// Why, in plain words.
    pub text: String,
    /// The smallest set of findings that fires it.
    pub because: Vec<FindingView>,
    /// What it rests on.
    pub source: SourceView,
    /// Who signed it; `unsigned` until a clinician does.
    pub reviewer: String,
}

/// A finding that a rule rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FindingView {
    /// What it is called.
    pub text: String,
    /// Said by the person; else it was only not ruled out.
    pub present: bool,
}

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SourceView {
    /// Title.
    pub title: String,
    /// Address.
    pub url: String,
    /// When and how it was read.
    pub read: String,
}

/// A condition that the answers speak for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PossibilityView {
    /// What it is called, in a clinician's words.
    pub name: String,
    /// Findings that speak for it.
    pub speaks_for: Vec<String>,
    /// Findings that it usually has and that were denied.
    pub speaks_against: Vec<String>,
}

/// Answers that would change a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ChangeView {
    /// The urgency with them.
    pub urgency: String,
    /// What would be answered otherwise.
    pub steps: Vec<StepView>,
}

/// One item answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StepView {
    /// The question; empty for words of danger that were typed.
    pub question: String,
    /// The item of the question; empty for a plain yes or no.
    pub item: String,
    /// `present`, `unknown` or `ruled_out`.
    pub to: String,
}

/// Question and answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AnswerView {
    /// Question.
    pub question: String,
    /// Answer.
    pub answer: String,
}

/// A list that may be unknown: "none known" is not "not asked".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "state", content = "items")]
pub enum KnownList {
    /// Nobody has asked.
    NotAsked,
    /// Asked; none.
    NoneKnown,
    /// These.
    Known(Vec<String>),
}

/// One line of history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HistoryView {
    /// `condition`, `immunization`, `report`, `visit`, `observation`.
    pub kind: String,
    /// Words of the record, or a code of ours.
    pub text: String,
    /// When.
    pub at: Option<f64>,
}

/// The note of this visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NoteView {
    /// Words of the draft or of the signed note.
    pub text: String,
    /// Saved at.
    pub saved_at: Option<f64>,
    /// Signed at: only addenda follow.
    pub signed_at: Option<f64>,
    /// Addenda, oldest first.
    pub addenda: Vec<AddendumView>,
}

/// An addendum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AddendumView {
    /// Words.
    pub text: String,
    /// When.
    pub at: f64,
}

/// The advice of this visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AdviceView {
    /// Status, limits, dates.
    pub duty: DutyView,
    /// Signed at.
    pub signed_at: Option<f64>,
    /// What the manager decided, once decided.
    pub decision: Option<DutyView>,
}

/// An imaging site, nearest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SiteView {
    /// Location id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Address.
    pub address: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Kilometres from the carrier; `None` where a position is missing.
    pub distance_km: Option<f64>,
}

/// The manager's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ManagerView {
    /// Someone is hurt.
    pub notices: Vec<NoticeView>,
    /// Decisions that wait, then those made.
    pub decisions: Vec<DecisionView>,
    /// As of.
    pub as_of: Option<f64>,
}

/// Someone is hurt: who, when, where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NoticeView {
    /// Task.
    pub task: String,
    /// Who.
    pub name: String,
    /// When it happened.
    pub happened_at: Option<f64>,
    /// Where.
    pub place: Option<String>,
    /// The 24-hour clock ends.
    pub due_at: Option<f64>,
    /// Acknowledged.
    pub acknowledged: bool,
}

/// A decision on duty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DecisionView {
    /// Task.
    pub task: String,
    /// Who.
    pub name: String,
    /// What the clinician recommends.
    pub advice: DutyView,
    /// What was decided.
    pub decision: Option<DutyView>,
    /// Asked at.
    pub asked_at: f64,
}

/// Choices of the fit-for-duty form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DutyChoicesView {
    /// Statuses.
    pub statuses: Vec<WorkStatus>,
    /// Limits.
    pub limits: Vec<Limit>,
}
