//! Changes that came with cursors, until there are enough of them: what is written together costs less than half.
//!
//! A first sync brings thousands of records a second; each transaction seals and syncs the pages of the database that
//! it touched, and a larger one touches hardly more of them. On a slow link nothing waits: a page is written once the
//! next part takes its time.

use std::time::{Duration, Instant};

use hms_model::wire::sync::WireChange;

/// Changes in one transaction, about: at least this many close it. With a page of the protocol on top they take some
/// ten megabytes of memory and as much of the store's log.
const ENOUGH: usize = 1_800;
/// Bytes of lines that close it too: the store's log must not outgrow the room that a full disk leaves it.
const ENOUGH_BYTES: usize = 3 * 1024 * 1024;
/// How long a page waits for others.
const PATIENCE: Duration = Duration::from_millis(250);

/// What came and is not written yet.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// Behind the last cursor: they wait for the next one.
    open: Vec<WireChange>,
    /// Up to the last cursor.
    whole: Vec<WireChange>,
    cursor: Option<String>,
    bytes: usize,
    since: Option<Instant>,
}

impl Intake {
    /// Takes in a change that came as so many bytes.
    pub(crate) fn change(&mut self, change: WireChange, bytes: usize) {
        self.bytes += bytes;
        self.open.push(change);
    }

    /// What came up to here belongs to this cursor, which came now.
    pub(crate) fn cursor(&mut self, cursor: String, now: Instant) {
        self.whole.append(&mut self.open);
        self.cursor = Some(cursor);
        self.since.get_or_insert(now);
    }

    /// Whether it is time to write.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.whole.len() >= ENOUGH
            || self.bytes >= ENOUGH_BYTES
            || self.waited(now).is_some_and(|waited| waited >= PATIENCE)
    }

    /// How long what came may wait for more; `None` where nothing does.
    pub(crate) fn patience(&self, now: Instant) -> Option<Duration> {
        Some(PATIENCE.saturating_sub(self.waited(now)?))
    }

    fn waited(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.since?))
    }

    /// All that came up to the last cursor, and that cursor. What is behind it stays.
    pub(crate) fn take(&mut self) -> Option<(Vec<WireChange>, String)> {
        self.since = None;
        let cursor = self.cursor.take()?;
        self.bytes = 0;
        Some((std::mem::take(&mut self.whole), cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_model::wire::sync::ChangeBody;
    use serde_json::json;

    fn change(n: usize) -> WireChange {
        WireChange {
            change: ChangeBody::Resource(json!({ "resourceType": "Task", "id": n.to_string() })),
        }
    }

    #[test]
    fn what_is_behind_the_last_cursor_is_never_written_with_it() {
        let (mut intake, now) = (Intake::default(), Instant::now());
        assert!(intake.take().is_none() && intake.patience(now).is_none());
        intake.change(change(1), 40);
        assert!(intake.take().is_none());
        intake.cursor("a".into(), now);
        intake.change(change(2), 40);

        let (changes, cursor) = intake.take().expect("a page");

        assert_eq!((changes, cursor.as_str()), (vec![change(1)], "a"));
        assert!(intake.take().is_none());
        intake.cursor("b".into(), now);
        assert_eq!(intake.take().expect("a page").0, vec![change(2)]);
    }

    #[test]
    fn many_are_written_at_once_and_few_after_a_moment() {
        let (mut intake, now) = (Intake::default(), Instant::now());
        for n in 0..9 {
            for m in 0..200 {
                intake.change(change(n * 200 + m), 40);
            }
            assert!(!intake.is_due(now), "{n}");
            intake.cursor(n.to_string(), now);
        }
        assert!(intake.is_due(now));
        let (changes, cursor) = intake.take().expect("pages");
        assert_eq!((changes.len(), cursor.as_str()), (1_800, "8"));

        intake.change(change(0), ENOUGH_BYTES);
        intake.cursor("9".into(), now);
        assert!(intake.is_due(now));
        assert!(intake.take().is_some());

        intake.cursor("10".into(), now);
        let soon = now + PATIENCE - Duration::from_millis(1);
        intake.cursor("11".into(), soon);
        assert_eq!(intake.patience(soon), Some(Duration::from_millis(1)));
        assert!(!intake.is_due(soon));
        assert!(intake.is_due(now + PATIENCE), "the first one counts");
        assert_eq!(intake.patience(now + PATIENCE * 2), Some(Duration::ZERO));
    }
}
