//! The commands of the window. Each parses nothing and decides nothing: it passes on to the client.

pub mod app;
pub mod manager;
pub mod phone;
pub mod report;
pub mod staff;
pub mod triage;
pub mod visit;
