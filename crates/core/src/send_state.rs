//! Where an entry is on its way, derived from outbox rows, receipts and readers. There is no flag to set.

use crate::outbox::StuckReason;
use hms_model::time::Timestamp;
use hms_model::view::SendState;
use hms_model::wire::sync::WireReceipt;

/// What is known of one queued change of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Last try.
    pub tried_at: Option<Timestamp>,
    /// Not tried again before.
    pub not_before: Timestamp,
    /// Why it does not go on by itself.
    pub stuck: Option<StuckReason>,
    /// The server said several times that it does not know the record. It is tried on; a person may know better.
    pub absent: bool,
}

/// Somebody who opened the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Role.
    pub role: String,
    /// Name.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// All that decides the state of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The form is not finished.
    pub draft: bool,
    /// Only the sealed journal holds it.
    pub sealed: bool,
    /// Queued changes of the entry.
    pub waiting: Vec<Waiting>,
    /// It is in the batch being sent now: which, of how many.
    pub sending: Option<(u32, u32)>,
    /// It is large, and the link costs money.
    pub waits_for_free_link: bool,
    /// A report: the server gives it a number, and without one it does not count as sent.
    pub numbered: bool,
    /// The server's word.
    pub receipt: Option<WireReceipt>,
    /// When the server had it, for entries that get no number.
    pub stored_at: Option<Timestamp>,
    /// The first clinician or nurse who opened it.
    pub reader: Option<Reader>,
}

/// The state. "Sent" is said only with the server's receipt, or for entries without a number when nothing waits.
#[must_use]
pub fn send_state(evidence: &Evidence) -> SendState {
    if evidence.draft {
        return SendState::Draft;
    }
    if let Some(stuck) = evidence.waiting.iter().find_map(|row| row.stuck.as_ref()) {
        return match stuck {
            StuckReason::Conflict => SendState::Conflict,
            StuckReason::Rejected { question, .. } => SendState::Attention {
                question: question.clone(),
            },
            StuckReason::WithGroup => SendState::Attention {
                question: String::new(),
            },
        };
    }
    if evidence.waiting.iter().any(|row| row.absent) {
        return SendState::Attention {
            question: String::new(),
        };
    }
    let unconfirmed = evidence.numbered && evidence.receipt.is_none();
    if !evidence.waiting.is_empty() || evidence.sealed || unconfirmed {
        return waiting(evidence);
    }
    let number = evidence
        .receipt
        .as_ref()
        .map(|r| r.number.clone())
        .unwrap_or_default();
    let at = evidence
        .receipt
        .as_ref()
        .and_then(|r| Timestamp::parse(&r.at))
        .or(evidence.stored_at)
        .unwrap_or_default();
    match &evidence.reader {
        Some(reader) => SendState::Seen {
            number,
            by_role: reader.role.clone(),
            by_name: reader.name.clone(),
            at: reader.at.as_f64(),
        },
        None => SendState::Sent {
            number,
            at: at.as_f64(),
        },
    }
}

fn waiting(evidence: &Evidence) -> SendState {
    if let Some((number, of)) = evidence.sending {
        return SendState::Sending { number, of };
    }
    let next = evidence
        .waiting
        .iter()
        .map(|row| row.not_before)
        .max()
        .filter(|at| at.0 > 0);
    SendState::Queued {
        tried_at: evidence
            .waiting
            .iter()
            .filter_map(|row| row.tried_at)
            .max()
            .map(Timestamp::as_f64),
        next_at: next.map(Timestamp::as_f64),
        sealed: evidence.sealed,
        waits_for_free_link: evidence.waits_for_free_link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stuck: Option<StuckReason>) -> Waiting {
        Waiting {
            tried_at: Some(Timestamp(5)),
            not_before: Timestamp(9),
            stuck,
            absent: false,
        }
    }

    #[test]
    fn sent_is_never_said_while_anything_waits() {
        let receipt = WireReceipt {
            number: "HMS-1".into(),
            at: "2026-11-21T17:05:00.000Z".into(),
        };
        let mut evidence = Evidence {
            waiting: vec![row(None)],
            receipt: Some(receipt),
            ..Evidence::default()
        };

        let queued = SendState::Queued {
            tried_at: Some(5.0),
            next_at: Some(9.0),
            sealed: false,
            waits_for_free_link: false,
        };
        assert_eq!(send_state(&evidence), queued);

        evidence.waiting.clear();
        assert!(matches!(send_state(&evidence), SendState::Sent { number, .. } if number == "HMS-1"));
    }

    #[test]
    fn a_report_without_a_receipt_is_not_sent_though_nothing_waits() {
        let evidence = Evidence {
            numbered: true,
            stored_at: Some(Timestamp(7)),
            ..Evidence::default()
        };

        assert!(matches!(send_state(&evidence), SendState::Queued { .. }));
    }

    #[test]
    fn what_needs_a_person_comes_before_what_waits() {
        let refused = StuckReason::Rejected {
            question: "where".into(),
            status: 422,
        };
        let evidence = Evidence {
            waiting: vec![row(None), row(Some(refused))],
            sending: Some((1, 2)),
            ..Evidence::default()
        };
        assert_eq!(
            send_state(&evidence),
            SendState::Attention {
                question: "where".into()
            }
        );
    }

    #[test]
    fn what_the_server_does_not_know_is_told_while_it_is_tried_on() {
        let absent = Waiting {
            absent: true,
            ..row(None)
        };
        let evidence = Evidence {
            waiting: vec![row(None), absent],
            ..Evidence::default()
        };
        assert!(matches!(send_state(&evidence), SendState::Attention { .. }));
    }

    #[test]
    fn each_of_the_seven_states_is_reached_from_what_is_known() {
        let waits = |stuck| Evidence {
            waiting: vec![row(stuck)],
            ..Evidence::default()
        };
        let stored = Evidence {
            stored_at: Some(Timestamp(7)),
            ..Evidence::default()
        };
        let reader = Reader {
            role: "nurse".into(),
            name: "Nora".into(),
            at: Timestamp(9),
        };
        let refused = StuckReason::Rejected {
            question: "where".into(),
            status: 422,
        };
        let draft = Evidence {
            draft: true,
            ..Evidence::default()
        };
        let sending = Evidence {
            sending: Some((1, 3)),
            ..waits(None)
        };
        let seen = Evidence {
            reader: Some(reader),
            ..stored.clone()
        };
        assert!(matches!(send_state(&draft), SendState::Draft));
        assert!(matches!(send_state(&waits(None)), SendState::Queued { .. }));
        assert!(matches!(
            send_state(&sending),
            SendState::Sending { number: 1, of: 3 }
        ));
        assert!(matches!(send_state(&stored), SendState::Sent { .. }));
        assert!(matches!(send_state(&seen), SendState::Seen { .. }));
        assert!(matches!(
            send_state(&waits(Some(refused))),
            SendState::Attention { .. }
        ));
        assert!(matches!(
            send_state(&waits(Some(StuckReason::Conflict))),
            SendState::Conflict
        ));
    }

    #[test]
    fn a_reader_is_named_once_it_is_sent() {
        let reader = Reader {
            role: "clinician".into(),
            name: "M. Alvarez".into(),
            at: Timestamp(7),
        };
        let evidence = Evidence {
            reader: Some(reader),
            stored_at: Some(Timestamp(1)),
            ..Evidence::default()
        };
        assert!(matches!(send_state(&evidence), SendState::Seen { by_name, .. } if by_name == "M. Alvarez"));
    }
}
