//! The very first opens of a process, all at the same moment. Its own program, because a process has them only once.

mod common;

use std::sync::Barrier;
use std::thread;

/// `SQLite` calls itself ready before `SQLCipher`'s part is; a thread that came in between was told "not encrypted".
#[test]
fn databases_opened_at_the_same_moment_all_open() {
    const THREADS: usize = 24;
    let dirs: Vec<_> = (0..THREADS).map(|_| tempfile::tempdir().expect("dir")).collect();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for dir in &dirs {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                common::open(dir.path());
            });
        }
    });
}
