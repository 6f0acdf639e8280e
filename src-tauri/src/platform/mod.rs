//! What differs between systems: start options, display, notices, opening addresses.

pub mod display;
pub mod notify;
pub mod opener;
pub mod options;
