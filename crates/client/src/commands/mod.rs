//! One method of [`crate::Client`] for each command of the window.

mod app;
mod manager;
mod report;
mod staff;
mod triage;
mod visit;
