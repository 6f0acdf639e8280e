//! What the window is given. Views hold codes and moments, never sentences: the catalogues of the
//! window turn codes into words. Clinical content from the pack is the one exception.
//!
//! Moments are milliseconds since 1970 in UTC, as `f64`, because JavaScript has no other number.

mod app;
mod carrier;
mod conflict;
mod phone;
mod staff;
mod visit;

pub use app::*;
pub use carrier::*;
pub use conflict::*;
pub use phone::*;
pub use staff::*;
pub use visit::*;
