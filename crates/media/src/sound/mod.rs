//! Sound as it is heard: the adaptive jitter buffer, the player that drives it, time compression.

pub mod jitter;
mod likeness;
mod player;
mod squeeze;

pub use likeness::likeness;
pub use player::{Player, PlayerFigures};

/// Samples in 20 ms, the step of everything that is heard.
pub const BLOCK: usize = 960;
