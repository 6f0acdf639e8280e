//! Whole calls in one process, over real sockets of this machine.

mod direct;
mod side;
