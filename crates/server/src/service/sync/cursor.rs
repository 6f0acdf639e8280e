//! The cursor: epoch, place in the order of commits, and what it is the cursor of. Opaque to clients.

use crate::auth::Actor;
use hms_model::wire::sync::Anew;
use sha2::{Digest, Sha256};

/// A place in the change feed of one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Changes when the database was restored: its numbers are not the old ones.
    pub epoch: String,
    /// Everything up to here has been sent.
    pub seq: i64,
    /// Who and what it is for.
    pub scope: String,
    /// While everything in scope is being sent for the first time: up to which place that goes.
    pub first_until: i64,
}

impl Cursor {
    /// The beginning of a scope whose feed now ends at `head`.
    #[must_use]
    pub fn start(epoch: &str, scope: &str, head: i64) -> Self {
        Self {
            epoch: epoch.to_owned(),
            seq: 0,
            scope: scope.to_owned(),
            first_until: head,
        }
    }

    /// Reads what [`Cursor::to_text`] wrote; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (epoch, seq, scope) = (parts.next()?, parts.next()?, parts.next()?);
        let first_until = parts.next().map_or(Some(0), |p| p.parse().ok())?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0)?;
        (parts.next().is_none() && !epoch.is_empty() && !scope.is_empty()).then(|| Self {
            epoch: epoch.to_owned(),
            seq,
            scope: scope.to_owned(),
            first_until,
        })
    }

    /// The text that clients keep.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self {
            epoch,
            seq,
            scope,
            first_until,
        } = self;
        if first_until > seq {
            format!("{epoch}.{seq}.{scope}.{first_until}")
        } else {
            format!("{epoch}.{seq}.{scope}")
        }
    }

    /// The place to go on from: this one, where it is of the same epoch and scope and not ahead of the feed; else
    /// the beginning, and why.
    ///
    /// A cursor ahead of the feed is of a database that somebody put back by hand, without a new epoch.
    #[must_use]
    pub fn resume(asked: Option<&str>, epoch: &str, scope: &str, head: i64) -> (Self, Option<Anew>) {
        let start = || Self::start(epoch, scope, head);
        match asked.map(Self::parse) {
            None => (start(), None),
            // Of which epoch it was, nobody knows any more.
            Some(None) => (start(), Some(Anew::Restored)),
            Some(Some(cursor)) if cursor.epoch != epoch || cursor.seq > head => {
                (start(), Some(Anew::Restored))
            }
            Some(Some(cursor)) if cursor.scope != scope => (start(), Some(Anew::Scope)),
            Some(Some(cursor)) => (cursor, None),
        }
    }
}

/// The hash of what decides an actor's scope, beside the resources themselves.
#[must_use]
pub fn scope_hash(actor: &Actor, asked: &str) -> String {
    let parts = [
        // The version of the rules: a change of the policy sends everything again.
        "1",
        actor.user.as_str(),
        actor.role.as_str(),
        actor.fhir.as_deref().unwrap_or_default(),
        actor.site.as_deref().unwrap_or_default(),
        actor.district.as_deref().unwrap_or_default(),
        asked,
    ];
    let digest = Sha256::digest(parts.join("\n"));
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nonsense_begins_anew() {
        let cursor = Cursor {
            epoch: "e1".into(),
            seq: 20,
            scope: "ab".into(),
            first_until: 0,
        };
        assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor.clone()));
        let first = Cursor {
            first_until: 90,
            ..cursor.clone()
        };
        assert_eq!(Cursor::parse(&first.to_text()), Some(first));

        for nonsense in ["", "e1.20", "e1.x.ab", "e1.-4.ab", "e1.20.ab.7.8", "..", "<html>"] {
            assert_eq!(
                Cursor::resume(Some(nonsense), "e1", "ab", 50),
                (Cursor::start("e1", "ab", 50), Some(Anew::Restored))
            );
        }
    }

    #[test]
    fn a_cursor_of_another_epoch_or_scope_or_of_the_future_begins_anew() {
        let resumed = |epoch, scope, head| {
            let (cursor, anew) = Cursor::resume(Some("e1.20.ab"), epoch, scope, head);
            (cursor.seq, anew)
        };
        assert_eq!(resumed("e1", "ab", 50), (20, None));
        assert_eq!(resumed("e1", "cd", 50), (0, Some(Anew::Scope)));
        assert_eq!(resumed("e1", "ab", 19), (0, Some(Anew::Restored)));
        // What a restore lost is offered again, whatever else is new.
        assert_eq!(resumed("e2", "cd", 50), (0, Some(Anew::Restored)));
    }
}
