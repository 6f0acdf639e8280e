//! Fitness for duty in closed vocabularies. The clinician recommends; a manager decides; HR receives
//! status, limits and dates and nothing else.

use crate::report::codes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

codes! {
    /// Whether and how a person may work.
    WorkStatus {
        /// All duties.
        FullDuty = "full-duty",
        /// Some duties, with limits.
        Restricted = "restricted",
        /// No duties.
        NotFit = "not-fit",
        /// Not yet known: a visit or a decision is due.
        Awaiting = "awaiting",
    }
}

codes! {
    /// A limit on duties. Closed list: HR never receives free text.
    Limit {
        /// Lift at most 5 lb (2.3 kg).
        Lift5 = "lift-max-5-lb",
        /// Lift at most 10 lb (4.5 kg).
        Lift10 = "lift-max-10-lb",
        /// Lift at most 20 lb (9 kg).
        Lift20 = "lift-max-20-lb",
        /// No use of the left hand.
        NoLeftHand = "no-left-hand-use",
        /// No use of the right hand.
        NoRightHand = "no-right-hand-use",
        /// No driving.
        NoDriving = "no-driving",
        /// No walking route.
        NoWalkingRoute = "no-walking-route",
        /// Stand or walk at most 2 hours a day.
        Standing2h = "standing-max-2-h",
        /// No climbing of stairs or ladders.
        NoClimbing = "no-climbing",
        /// No bending or twisting.
        NoBending = "no-bending",
        /// No reaching above the shoulder.
        NoOverhead = "no-reaching-overhead",
        /// No work in heat (index of 90 °F or more).
        NoHeat = "no-work-in-heat",
        /// Keep the wound dry and covered.
        WoundCovered = "wound-dry-and-covered",
        /// Seated work only.
        SeatedOnly = "seated-work-only",
    }
}

/// Advice on fitness for duty: what the clinician signs and the manager decides on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyAdvice {
    /// Recommended status.
    pub status: WorkStatus,
    /// Limits; empty unless the status is restricted.
    pub limits: Vec<Limit>,
    /// First day.
    pub from: NaiveDate,
    /// Last day; `None` until the follow-up.
    pub until: Option<NaiveDate>,
}

/// Why an advice cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AdviceError {
    /// Restricted duty names at least one limit.
    #[error("restricted duty needs at least one limit")]
    NoLimit,
    /// Only restricted duty has limits.
    #[error("limits are only for restricted duty")]
    LimitNotAllowed,
    /// The last day is before the first.
    #[error("the last day is before the first")]
    EndsBeforeItStarts,
}

impl DutyAdvice {
    /// Checks the advice.
    ///
    /// # Errors
    /// The first reason why it cannot be signed.
    pub fn check(&self) -> Result<(), AdviceError> {
        if self.status == WorkStatus::Restricted && self.limits.is_empty() {
            return Err(AdviceError::NoLimit);
        }
        if self.status != WorkStatus::Restricted && !self.limits.is_empty() {
            return Err(AdviceError::LimitNotAllowed);
        }
        if self.until.is_some_and(|until| until < self.from) {
            return Err(AdviceError::EndsBeforeItStarts);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, d).expect("a day")
    }

    #[test]
    fn restricted_duty_needs_a_limit_and_only_restricted_duty_has_one() {
        let mut advice = DutyAdvice {
            status: WorkStatus::Restricted,
            limits: vec![],
            from: day(21),
            until: Some(day(28)),
        };
        assert_eq!(advice.check(), Err(AdviceError::NoLimit));

        advice.limits.push(Limit::Lift10);
        assert_eq!(advice.check(), Ok(()));

        advice.status = WorkStatus::NotFit;
        assert_eq!(advice.check(), Err(AdviceError::LimitNotAllowed));
    }

    #[test]
    fn advice_does_not_end_before_it_starts() {
        let advice = DutyAdvice {
            status: WorkStatus::NotFit,
            limits: vec![],
            from: day(21),
            until: Some(day(20)),
        };
        assert_eq!(advice.check(), Err(AdviceError::EndsBeforeItStarts));
    }
}
