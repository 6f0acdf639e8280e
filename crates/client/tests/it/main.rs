//! The client against the real server, both in this process, over TLS on a loopback port.

mod call;
mod faults;
mod locked;
mod story;
mod world;
