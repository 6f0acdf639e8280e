//! The server from outside: each test has a data directory of its own.

mod access;
mod audit;
mod database;
mod fhir;
mod listen;
mod sign_in;
mod world;
