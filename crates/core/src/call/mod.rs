//! Calls: signalling that survives cuts ([`signal`]), the course of a visit ([`visit`]), the quality ladder
//! ([`quality`]), stills beside the call ([`data`]), and TURN's messages on a stream ([`framing`]).

pub mod data;
pub mod framing;
pub mod quality;
pub mod signal;
pub mod visit;
