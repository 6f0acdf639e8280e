//! One method of [`crate::Client`] for each command of the window.

mod app;
mod conflict;
mod handover;
mod manager;
mod report;
mod sign_in;
mod staff;
mod token;
mod triage;
mod visit;
mod workspace;

pub(crate) use staff::refresh_signals;
