//! What the targets share: an input read as choices, and two engines joined without a socket.

pub mod choices;
pub mod engines;

pub use choices::Choices;
