//! Changes that wait for the server: what a failure means for them, and what they are called.

use hms_model::map::report::{is_addition, is_report};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a failure means for a queued change. [`classify`] is the only place that decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Will pass: try again later by itself.
    Transient,
    /// Sign in again, then go on; nothing is wrong with the change.
    AuthNeeded,
    /// The server will never take it as it is: a person must look.
    Rejected,
    /// The record changed or went away meanwhile: merge, or ask a person.
    Conflict,
}

/// How a request or one op in it ended, where it did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// HTTP status, of the whole exchange or of one op.
    Status(u16),
    /// No connection.
    Unreachable,
    /// Connected, but too slow.
    TimedOut,
    /// Cut in the middle.
    Cut,
    /// Something else than our service answered, such as a sign-in page of a public network.
    NotOurServer,
    /// The certificate is not one that this app trusts.
    NotTrusted,
    /// The service answered what cannot be read.
    Unreadable,
}

/// What an answer means; `None` where the change is done.
#[must_use]
pub fn classify(answer: Answer) -> Option<Failure> {
    match answer {
        Answer::Status(200..=299) => None,
        Answer::Status(401) => Some(Failure::AuthNeeded),
        // Gone counts as changed meanwhile: the person's words must not be dropped with it.
        Answer::Status(409 | 410 | 412) => Some(Failure::Conflict),
        // 407 and 421 come from what stands between; 408, 425 and 429 ask for patience. What is not there (404) may
        // come yet: a server that was restored gets it again from the device that made it.
        Answer::Status(404 | 407 | 408 | 421 | 425 | 429) => Some(Failure::Transient),
        Answer::Status(400..=499) => Some(Failure::Rejected),
        Answer::Status(_)
        | Answer::Unreachable
        | Answer::TimedOut
        | Answer::Cut
        | Answer::NotOurServer
        | Answer::NotTrusted
        | Answer::Unreadable => Some(Failure::Transient),
    }
}

/// Why a queued change does not go on by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum StuckReason {
    /// The server refused it. `question` is the element or the question that it named.
    Rejected {
        /// `linkId` or element path; empty where the server named none.
        question: String,
        /// HTTP status of the refusal.
        status: u16,
    },
    /// Refused only because another change of its group was.
    WithGroup,
    /// Two versions; a person settles it.
    Conflict,
}

/// The question or element that an OperationOutcome names: `item(where)` and
/// `QuestionnaireResponse.item(where).answer` give `where`, other paths are given as they are.
#[must_use]
pub fn question_of(outcome: Option<&Value>) -> String {
    let path = outcome
        .and_then(|o| o.get("issue")?.get(0))
        .and_then(|issue| {
            issue
                .get("expression")
                .or_else(|| issue.get("location"))?
                .get(0)?
                .as_str()
        })
        .unwrap_or_default();
    let link = path
        .split_once("item(")
        .and_then(|(_, rest)| rest.split_once(')'));
    link.map_or(path, |(id, _)| id).to_owned()
}

/// The order in which kinds of changes go: what is small and urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Reports, checks, notes, tasks.
    Words,
    /// Photos and recordings: never hold up words.
    Media,
}

impl Lane {
    /// The number stored.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Lane::Words => 0,
            Lane::Media => 1,
        }
    }
}

/// What a queued resource is called in "Waiting to send".
#[must_use]
pub fn kind_of(resource: &Value) -> &'static str {
    match resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "QuestionnaireResponse" if is_report(resource) => "report",
        "QuestionnaireResponse" if is_addition(resource) => "addition",
        "QuestionnaireResponse" | "RiskAssessment" => "check",
        "DocumentReference" | "Binary" => "photo",
        "Task" => "task",
        "Composition" => "note",
        "Encounter" => "visit",
        "ServiceRequest" => "order",
        "Appointment" => "appointment",
        _ => "change",
    }
}

/// Which lane a resource type travels in.
#[must_use]
pub fn lane_of(resource_type: &str) -> Lane {
    match resource_type {
        "Binary" => Lane::Media,
        _ => Lane::Words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(status: u16, expected: Option<Failure>) {
        assert_eq!(classify(Answer::Status(status)), expected, "{status}");
    }

    #[test]
    fn every_status_means_one_thing() {
        for status in [200, 201, 204] {
            check(status, None);
        }
        for status in [301, 302, 404, 407, 408, 421, 425, 429, 500, 502, 503, 504, 599, 0] {
            check(status, Some(Failure::Transient));
        }
        for status in [409, 410, 412] {
            check(status, Some(Failure::Conflict));
        }
        for status in [400, 403, 405, 413, 422, 424] {
            check(status, Some(Failure::Rejected));
        }
        check(401, Some(Failure::AuthNeeded));
    }

    #[test]
    fn a_page_of_a_public_network_is_no_answer_to_the_change() {
        assert_eq!(classify(Answer::NotOurServer), Some(Failure::Transient));
        assert_eq!(classify(Answer::Cut), Some(Failure::Transient));
    }

    #[test]
    fn the_question_is_read_from_the_path() {
        let outcome = json!({ "issue": [{ "expression": ["QuestionnaireResponse.item(where).answer"] }] });
        assert_eq!(question_of(Some(&outcome)), "where");
        let outcome = json!({ "issue": [{ "expression": ["Task.status"] }] });
        assert_eq!(question_of(Some(&outcome)), "Task.status");
        assert_eq!(question_of(None), "");
    }
}
