//! Calls: signalling that survives cuts ([`signal`]), the course of a visit ([`visit`]), the quality ladder
//! ([`quality`]), stills beside the call ([`data`]), words of ours in descriptions ([`describe`]), words while they are typed ([`typed`]), the code that two people compare
//! ([`code`]), how a visit went ([`record`]), and TURN's messages on a stream ([`framing`]).

pub mod code;
pub mod data;
pub mod describe;
pub mod framing;
pub mod quality;
pub mod record;
pub mod signal;
pub mod typed;
pub mod visit;
