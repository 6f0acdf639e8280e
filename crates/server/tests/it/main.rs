//! The server from outside: each test has a data directory of its own.

mod audit;
mod database;
mod world;
