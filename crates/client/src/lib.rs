//! HMS-ACH client: one loop that owns the state of a profile and drives store, network and calls.
//!
//! [`Client::start`] opens a profile; every command of the window is a method of the same name. The shell,
//! the tests and `ach` use the same methods. [`Client::events`] says what changed.

mod client;
mod commands;
pub mod config;
mod engine;
mod error;
mod event;
mod frames;
mod net;
#[cfg(test)]
#[path = "../tests/it/npm.rs"]
mod npm;
mod oidc;
mod packs;
mod phone;
mod picture;
mod prefs;
mod sabotage;
mod session;
mod signal;
mod sync;
mod vault;
mod views;
mod visit;
mod words;

pub use client::Client;
pub use config::{
    Clock, MediaChoice, Opener, Place, PositionSource, ProfileConfig, Provisioning, ProvisioningError,
    SyntheticSide, SystemClock, VaultChoice,
};
pub use error::ClientError;
pub use event::{AlertKind, ClientEvent, Tag};
pub use packs::pack_release;
pub use phone::Phone;
