//! A bad link for packets: slow, thin, late, lossy, down for a while. What happens to a packet is worked out, not
//! waited for: nothing here reads a clock or opens a socket, so that the same link serves virtual time in a test and
//! real time between network namespaces.

mod chance;
mod link;
mod plan;

pub use link::{Fate, Loss, PacketLink, Way, Why};
pub use plan::{Plan, Step};
