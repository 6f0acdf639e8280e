//! The whole system without a window.
