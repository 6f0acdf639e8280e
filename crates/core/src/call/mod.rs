//! Calls: signalling that survives cuts ([`signal`]), the course of a visit ([`visit`]), the quality ladder
//! ([`quality`]).

pub mod quality;
pub mod signal;
pub mod visit;
