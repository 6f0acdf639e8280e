//! The way to the server: one HTTP client with the server's own authority, and what each failure means.

mod fault;
mod http;
mod link;
mod tls;

pub(crate) use fault::Fault;
pub(crate) use http::{read_json, Http, Stop, Tries};
pub(crate) use link::LinkWatch;
pub(crate) use tls::TlsSetupError;
