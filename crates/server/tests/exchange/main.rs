//! The exchange with devices and other systems: sync, sealed reports, signalling, HR, escalation.

mod again;
mod coded;
mod colleague;
mod demo;
mod digest;
mod escalation;
mod forged;
mod hr;
mod lane;
mod lifecycle;
mod quality;
mod scope;
mod sealed;
mod signal;
mod signal_cuts;
mod story;
mod sync;
mod world;
