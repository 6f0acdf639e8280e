//! When the app locks by itself, which PINs are too weak, and how long a wrong one makes the person wait.

mod auto;
mod pin;

pub use auto::{AutoLock, IDLE_MS};
pub use pin::{check_pin, PinTries, WeakPin, FREE_TRIES, MOST_TRIES};
