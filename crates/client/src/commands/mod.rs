//! One method of [`crate::Client`] for each command of the window.

mod app;
mod conflict;
mod handover;
mod manager;
mod media;
mod phone;
mod provenance;
mod report;
mod sign_in;
mod staff;
mod storage;
mod token;
mod triage;
mod visit;
mod workspace;

pub(crate) use phone::tell_apart;
pub(crate) use report::binary;
pub(crate) use staff::refresh_signals;
pub(crate) use storage::size_of;
