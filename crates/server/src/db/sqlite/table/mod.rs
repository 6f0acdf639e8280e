//! One file for each table: the only place, beside `migrations/`, with SQL.

pub mod audit;
pub mod counter;
pub mod device;
pub mod feed;
pub mod grant;
pub mod index;
pub mod kv;
pub mod link;
pub mod op_result;
pub mod outbox_out;
pub mod quality;
pub mod relation;
pub mod resource;
pub mod sealed;
pub mod search;
pub mod task;
pub mod token;
pub mod transaction;
pub mod user;
pub mod version;
