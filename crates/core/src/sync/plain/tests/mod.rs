mod courses;
mod errands;
pub(super) mod pretend;
mod words;

// What the server in memory speaks.
use super::{Ask, Method, Reply};
