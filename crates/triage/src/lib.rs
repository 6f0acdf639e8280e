//! The symptom checker of HMS-ACH: a pure function from a pack and answers to the next question or the
//! outcome. Deterministic, offline, explained; its content is data that clinicians edit and review.
//!
//! **Nobody with a licence has reviewed the content yet. Every pack says "draft, unsigned".**
//!
//! ```
//! use hms_triage::{Answer, Lang, Next, Pack, Session};
//!
//! let pack = Pack::embedded();
//! let mut session = Session::new(pack);
//! session.search(pack, "a dog bit my hand", Lang::En);
//! while let Next::Question(question) = session.next(pack, Lang::En) {
//!     session.answer(pack, &question.id, Answer::unknown()).unwrap();
//! }
//! let outcome = session.outcome(pack, Lang::En);
//! assert!(outcome.urgency >= hms_triage::Urgency::Hours24, "not sure never lowers");
//! ```
//!
//! - [`Pack::embedded`] is the pack this build carries; [`Pack::hash`] names it for a replay.
//! - [`Session`] drives the app: [`Session::know`], [`Session::search`], [`Session::next`],
//!   [`Session::answer`], [`Session::before`] and [`Session::question`] to go back, [`Session::outcome`].
//!   It is plain data (serde), so a check can be stored and gone on with.
//! - [`Session::follow`] takes the course over time; [`Recheck::after`] raises a result by its timer alone.
//! - [`next`] is the same as a function of [`Answers`] alone.
//! - [`Shelf`] takes newer packs that clinicians signed, and recalls; [`Shelf::active`] is the one to use.
//! - [`Basis`] is what a clinician sees beside the outcome: what may lie behind it, and the nearest change.
//! - [`Interview`] speaks the JSON-lines protocol of `ach triage interview --json`.
//!
//! Why it cannot lower an emergency: findings lie on the chain ruled out < unknown < present
//! ([`State`]); rules are AND, OR and sums over "present" and "not ruled out" ([`Expr`]), with no
//! negation to write; the urgency is the highest among the rules that hold. So an answer left open, or
//! a finding that gets worse, never lowers the result.

mod answer;
#[cfg(feature = "author")]
pub mod author;
mod basis;
mod differential;
mod evaluate;
mod expr;
pub mod interview;
mod level;
mod outcome;
mod pack;
mod plan;
pub mod search;
mod session;
mod shelf;
pub mod signing;
mod text;
mod trend;
mod vitals;

pub use answer::{Answer, Answers, Milli};
pub use basis::{possibilities, Basis, Change, Step};
pub use differential::{Band, Possibility};
pub use evaluate::{check, AnswerError};
pub use expr::{Expr, State};
pub use interview::Interview;
pub use level::{Level, Need, Urgency, Venue};
pub use outcome::{Because, Outcome, PackRef, Reason};
pub use pack::{
    Choice, Complaint, Condition, Danger, Finding, Kind, Line, NumberSpec, Pack, PackError, PackFile,
    Question, Rule, Side, Sign, Source, Threshold, TrendLine, FORMAT, TREND_RECALLED, TREND_SILENT,
    TREND_THIRD, TREND_WORSE,
};
pub use session::{
    next, Next, OptionView, Person, QuestionView, SearchView, Session, UnitView, COMPLAINT, OFFERED,
    SOMETHING_ELSE,
};
pub use shelf::{Held, Recall, Refused, Shelf};
pub use text::{fold, Lang, Text};
pub use trend::{Course, Recheck, Since};
pub use vitals::{ReadingError, Vital, VitalUnit};
