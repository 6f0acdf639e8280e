//! What to do with a result of the server, and with a newer version of a record that also changed here.

use super::merge::{merge, Merged};
use crate::backoff::wait_ms;
use crate::outbox::{classify, question_of, Answer, Failure, StuckReason};
use hms_model::time::Timestamp;
use hms_model::wire::sync::WireResult;
use serde_json::Value;

/// What happens to the outbox row that a result answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultAction {
    /// Delete the row, keep version and receipt, and put the version under later changes of the same record.
    Done,
    /// Keep the row and try again, not before.
    Later(Timestamp),
    /// Keep the row; it goes out after sign-in.
    AfterSignIn,
    /// Keep the row until a person, or a merge, acts.
    Stuck(StuckReason),
}

/// Tries of a change whose record the server does not know, before a person is told: three days at the longest wait,
/// so that the phone that made the record may have been off for a weekend.
const TRIES_OF_ABSENT: u32 = 300;

/// Tries after which a person is told that the server does not know the record, while it is tried on: a quarter of an
/// hour, which is longer than the phone that made it needs where both are in use.
pub const TOLD_OF_ABSENT: u32 = 8;

/// Decides about one result. `attempt` counts this try; `seed` jitters the wait.
#[must_use]
pub fn on_result(result: &WireResult, attempt: u32, now: Timestamp, seed: u64) -> ResultAction {
    match classify(Answer::Status(result.status)) {
        None => ResultAction::Done,
        Some(Failure::Transient) if result.status == 404 && attempt >= TRIES_OF_ABSENT => {
            ResultAction::Stuck(StuckReason::Rejected {
                question: question_of(result.outcome.as_ref()),
                status: 404,
            })
        }
        Some(failure) => on_failure(failure, attempt, now, seed, || match result.status {
            424 => StuckReason::WithGroup,
            status => StuckReason::Rejected {
                question: question_of(result.outcome.as_ref()),
                status,
            },
        }),
    }
}

/// Decides about a try that got no result of its own.
#[must_use]
pub fn on_failure(
    failure: Failure,
    attempt: u32,
    now: Timestamp,
    seed: u64,
    rejected: impl FnOnce() -> StuckReason,
) -> ResultAction {
    match failure {
        Failure::Transient => ResultAction::Later(now.plus_ms(wait_ms(attempt, seed))),
        Failure::AuthNeeded => ResultAction::AfterSignIn,
        Failure::Rejected => ResultAction::Stuck(rejected()),
        Failure::Conflict => ResultAction::Stuck(StuckReason::Conflict),
    }
}

/// State of the oldest queued change of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// Never sent.
    Untried,
    /// Sent at least once, without a result: the server may have it already.
    Tried,
    /// Answered as a conflict.
    Conflicting,
    /// Refused; waits for a person.
    Refused,
}

/// A newer state of the record at the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Remote<'a> {
    /// Its content.
    Here(&'a Value),
    /// Deleted there, or removed by a retention rule.
    Deleted,
    /// No longer for this person.
    OutOfScope,
}

/// What to do with a record that changed here and at the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Reconcile {
    /// Keep the remote version beside the local one: the result of what was sent decides.
    Wait,
    /// The server has what is queued: drop the rows, take the remote version.
    TakeRemote,
    /// Queue this instead (`None` deletes), on the remote version.
    Replace(Option<Value>),
    /// A person settles it.
    Ask(Vec<String>),
}

/// Decides about one record. `local` is what the queued changes amount to.
#[must_use]
pub fn reconcile(
    queued: Queued,
    base: Option<&Value>,
    local: Option<&Value>,
    remote: Remote<'_>,
) -> Reconcile {
    let remote = match (queued, remote) {
        // A change that may have arrived is not rebased: its result is remembered by the server and comes first.
        (Queued::Tried, _) | (_, Remote::OutOfScope) => return Reconcile::Wait,
        (_, Remote::Here(remote)) => Some(remote),
        (_, Remote::Deleted) => None,
    };
    match (merge(base, local, remote), queued) {
        (Merged::Same, _) => Reconcile::TakeRemote,
        // What the server refused is not sent again by itself, also on a newer version.
        (Merged::Clean(_), Queued::Refused) => Reconcile::Wait,
        (Merged::Clean(Value::Null), _) => Reconcile::Replace(None),
        (Merged::Clean(value), _) => Reconcile::Replace(Some(value)),
        (Merged::Conflict(elements), _) => Reconcile::Ask(elements),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(status: u16) -> WireResult {
        WireResult {
            op: 1,
            status,
            version: None,
            receipt: None,
            outcome: None,
        }
    }

    #[test]
    fn each_result_has_one_action() {
        let now = Timestamp(1_000);
        assert_eq!(on_result(&result(201), 1, now, 7), ResultAction::Done);
        assert_eq!(on_result(&result(401), 1, now, 7), ResultAction::AfterSignIn);
        assert_eq!(
            on_result(&result(409), 1, now, 7),
            ResultAction::Stuck(StuckReason::Conflict)
        );
        assert_eq!(
            on_result(&result(424), 1, now, 7),
            ResultAction::Stuck(StuckReason::WithGroup)
        );
        assert_eq!(
            on_result(&result(422), 1, now, 7),
            ResultAction::Stuck(StuckReason::Rejected {
                question: String::new(),
                status: 422
            })
        );
        assert!(matches!(on_result(&result(503), 3, now, 7), ResultAction::Later(at) if at > now));
        assert!(matches!(on_result(&result(404), 299, now, 7), ResultAction::Later(at) if at > now));
        assert!(matches!(
            on_result(&result(404), 300, now, 7),
            ResultAction::Stuck(StuckReason::Rejected { status: 404, .. })
        ));
    }

    #[test]
    fn a_change_that_may_have_arrived_waits_for_its_result() {
        let (a, b) = (json!({ "status": "a" }), json!({ "status": "b" }));
        assert_eq!(
            reconcile(Queued::Tried, None, Some(&a), Remote::Here(&b)),
            Reconcile::Wait
        );
        assert_eq!(
            reconcile(Queued::Untried, None, Some(&a), Remote::Here(&a)),
            Reconcile::TakeRemote
        );
        assert_eq!(
            reconcile(Queued::Conflicting, None, Some(&a), Remote::Here(&b)),
            Reconcile::Ask(vec!["status".into()])
        );
        assert_eq!(
            reconcile(Queued::Untried, None, Some(&a), Remote::OutOfScope),
            Reconcile::Wait
        );
    }
}
