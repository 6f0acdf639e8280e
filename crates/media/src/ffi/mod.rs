//! The only unsafe code of the crate: thin, safe owners of libopus and libvpx objects.
//!
//! Each owner frees its object once, hands out no pointer, and checks every length before the call.

#![expect(
    unsafe_code,
    reason = "libopus and libvpx are C libraries; their owners here check lengths and free once"
)]

pub(crate) mod opus;
pub(crate) mod vpx;
