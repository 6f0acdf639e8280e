//! A visit as the hub sees it: who calls whom, and how far it has come.

use hms_model::time::Timestamp;

/// How long it rings.
pub const RING_MS: i64 = 45_000;
/// How long a visit waits for a side that lost its connection.
pub const AWAY_MS: i64 = 5 * 60_000;

/// One end of a visit: an account on a device. A new session of the same device takes the visit over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Party {
    /// Account id.
    pub user: String,
    /// Device id; empty where a poll goes on with its session and names none.
    pub device: String,
}

impl Party {
    /// Whether `who` may go on with a session of this party.
    #[must_use]
    pub fn is(&self, who: &Party) -> bool {
        self.user == who.user && (who.device.is_empty() || self.device == who.device)
    }
}

/// One side of a visit that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Who.
    pub party: Party,
    /// Since when its connection is lost.
    pub away_since: Option<Timestamp>,
}

/// How far a visit has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitState {
    /// The Encounter is being made.
    Preparing,
    /// It rings.
    Ringing {
        /// Account that is called.
        callee: String,
        /// Name and role shown there.
        from: String,
        /// Until when.
        until: Timestamp,
        /// Whether any device of theirs has been reached.
        reached: bool,
    },
    /// Both are in.
    Active {
        /// The called person.
        callee: Side,
    },
}

/// A visit that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Task that it answers.
    pub task: String,
    /// The clinician.
    pub caller: Side,
    /// How far it has come.
    pub state: VisitState,
}

impl Visit {
    /// The account at the other end, once it is known.
    #[must_use]
    pub fn callee(&self) -> Option<&str> {
        match &self.state {
            VisitState::Preparing => None,
            VisitState::Ringing { callee, .. } => Some(callee),
            VisitState::Active { callee } => Some(&callee.party.user),
        }
    }

    /// The other party of a visit that runs, if `party` is in it.
    #[must_use]
    pub fn other(&self, party: &Party) -> Option<&Party> {
        let VisitState::Active { callee } = &self.state else {
            return None;
        };
        if self.caller.party == *party {
            Some(&callee.party)
        } else if callee.party == *party {
            Some(&self.caller.party)
        } else {
            None
        }
    }

    /// Whether this party is in the visit now: its caller, or who answered it.
    #[must_use]
    pub fn holds(&self, party: &Party) -> bool {
        self.caller.party == *party
            || matches!(&self.state, VisitState::Active { callee } if callee.party == *party)
    }

    /// Notes that a side lost or regained its connection; `true` where that is news to the other side.
    pub fn set_away(&mut self, party: &Party, away_since: Option<Timestamp>) -> bool {
        let VisitState::Active { callee } = &mut self.state else {
            return false;
        };
        let side = if self.caller.party == *party {
            &mut self.caller
        } else if callee.party == *party {
            callee
        } else {
            return false;
        };
        let news = side.away_since.is_some() != away_since.is_some();
        if news {
            side.away_since = away_since;
        }
        news
    }

    /// When the visit ends by itself, unless something happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            VisitState::Preparing => None,
            VisitState::Ringing { until, .. } => Some(*until),
            VisitState::Active { callee } => {
                let away = [self.caller.away_since, callee.away_since];
                away.into_iter()
                    .flatten()
                    .min()
                    .map(|since| since.plus_ms(AWAY_MS))
            }
        }
    }
}
