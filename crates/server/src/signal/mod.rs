//! Call signalling: who is connected, who calls whom, and messages that arrive once whatever the link does.

mod calls;
pub mod channel;
pub mod hints;
pub mod hub;
pub mod run;
pub mod turn;
pub mod visit;
pub mod visits;

pub use run::Signalling;
