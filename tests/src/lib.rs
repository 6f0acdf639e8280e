//! The whole system from outside: real programs, real windows, confirmed by other means than the window's word.

pub mod measure;
pub mod stage;
