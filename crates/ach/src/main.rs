//! The client without a window.
fn main() {}
