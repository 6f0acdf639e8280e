//! The server from outside: each test has a data directory of its own.

mod access;
mod audit;
mod capability;
mod compress;
mod database;
mod external;
mod fhir;
mod fhir_more;
mod hardening;
mod listen;
mod operate;
mod sign_in;
mod staff;
mod uploads;
mod world;
