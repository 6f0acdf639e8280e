//! Whole calls in one process, over real sockets of this machine.

mod bad_link;
mod beside;
mod direct;
mod joins;
mod link;
mod moves;
#[path = "../../../server/src/relay/mod.rs"]
#[expect(dead_code, reason = "the server uses the rest of it")]
mod relay;
mod relayed;
#[cfg(feature = "engine-webrtc")]
mod second_engine;
mod side;
