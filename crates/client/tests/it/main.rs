//! The client against the real server, both in this process, over TLS on a loopback port.

mod alone;
mod call;
mod faults;
mod killed;
mod locked;
mod story;
mod world;
