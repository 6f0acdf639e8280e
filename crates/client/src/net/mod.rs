//! The way to the server: one HTTP client with the server's own authority, and what each failure means.

mod fault;
#[cfg(test)]
mod flip;
mod http;
mod link;
mod meter;
mod proxy;
mod tls;

pub(crate) use fault::Fault;
pub(crate) use http::{is_html, read_json, retry_after, Http, Stop, Tries};
pub(crate) use link::LinkWatch;
pub(crate) use tls::TlsSetupError;
