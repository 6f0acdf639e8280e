//! Decisions over time of the HMS-ACH client, without any input or output.
//!
//! State machines here have three verbs: `handle(now, Input)`, `poll_effect()` and `poll_timeout()`. After every
//! `handle` the caller drains `poll_effect` before the next `handle`. Time and chance come in as arguments.

pub mod backoff;
pub mod call;
pub mod clock;
mod core;
pub mod lock;
pub mod metered;
pub mod outbox;
pub mod proxy;
pub mod recheck;
pub mod send_state;
pub mod sync;

pub use crate::core::{Core, Effect, Input, WakeReason};
