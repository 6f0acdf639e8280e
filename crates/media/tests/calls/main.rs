//! Whole calls in one process, over real sockets of this machine.

mod direct;
#[path = "../../../server/src/relay/mod.rs"]
#[expect(dead_code, reason = "the server uses the rest of it")]
mod relay;
mod relayed;
mod side;
