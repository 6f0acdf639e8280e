//! The sync engines that `bench sync` runs beside ours: built and installed apart, so that nothing of them enters a build of
//! ours. One that cannot be had is no failure: its rows say so.

use crate::bench::quiet;
use crate::run::{program, root, target};
use std::path::PathBuf;

/// Makes the peers ready, as far as that can be done here.
pub fn ready() {
    if let Err(why) = pouchdb() {
        eprintln!("xtask: without PouchDB: {why}");
    }
    if let Err(why) = powersync() {
        eprintln!("xtask: without the crate powersync: {why}");
    }
}

fn pouchdb() -> Result<(), String> {
    let folder = root().join("tests/peers/pouchdb");
    if folder.join("node_modules/pouchdb").exists() {
        return Ok(());
    }
    let mut install = program("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    quiet("PouchDB, as a peer", install.current_dir(folder))
}

fn powersync() -> Result<(), String> {
    let own = target().join("peer-powersync");
    let mut build = program(
        "cargo",
        &["build", "--release", "--locked", "--ignore-rust-version"],
    );
    build
        .current_dir(root().join("tests/peers/powersync"))
        .env("CARGO_TARGET_DIR", &own)
        // Its core uses `assert_matches`, which Rust has without a gate from 1.96 on; ours may be older.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zcrate-attr=feature(assert_matches)");
    quiet("The crate powersync, as a peer", &mut build)?;
    let made: PathBuf = own.join("release/peer-powersync");
    let place = target().join("release/peer-powersync");
    std::fs::copy(&made, &place)
        .map(|_| ())
        .map_err(|e| format!("{} to {}: {e}", made.display(), place.display()))
}
