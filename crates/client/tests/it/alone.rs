//! Children of this test program: work that is killed on purpose, or that needs a process of its own.

use std::process::{Command, Stdio};

/// What a child is told to do.
pub const CHILD: &str = "HMS_CLIENT_CHILD";

/// This program again, for one test, with a word for it.
pub fn child(test: &str, word: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, word)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Runs the rest of a test in a process of its own: false where a child has done it already.
pub fn in_own_process(test: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let done = child(test, test)
        .stdout(Stdio::inherit())
        .status()
        .expect("a child");
    assert!(done.success(), "{test} failed in its own process");
    false
}
