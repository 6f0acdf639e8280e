//! Call signalling: who is connected, who calls whom, and messages that arrive once whatever the link does.

mod calls;
pub mod channel;
pub mod hub;
pub mod turn;
pub mod visit;
