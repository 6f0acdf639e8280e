//! A stage for the story: server, HR's receiver, windows, a browser, and the script.

pub mod browser;
pub mod cast;
pub mod evidence;
pub mod link;
pub mod process;
pub mod script;
pub mod webdriver;
