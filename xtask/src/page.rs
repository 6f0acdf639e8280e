//! The staff page that a server gives to browsers: pages, and the core as WebAssembly.

use crate::run::{first_line, program, root, step, target, Done};
use std::path::{Path, PathBuf};

/// What WebAssembly without an operating system is called.
const WASM: &str = "wasm32-unknown-unknown";

/// Where the finished page is; `ach-server serve --staff-page` takes it.
pub fn folder() -> PathBuf {
    root().join("ui/dist-desk")
}

/// `cargo xtask staff-page`.
pub fn build() -> Done {
    if !wasm_is_there() {
        step(
            "Rust's library for WebAssembly (16 MB)",
            &mut program("rustup", &["target", "add", WASM]),
        )
        .map_err(|why| {
            format!("{why}\nThe staff page for browsers needs it; where Rust did not come by rustup, install its target {WASM} as your system does.")
        })?;
    }
    step(
        "Build the core for browsers",
        &mut program(
            "cargo",
            &[
                "rustc",
                "--package",
                "hms-browser",
                "--lib",
                "--crate-type",
                "cdylib",
                "--target",
                WASM,
                "--profile",
                "page",
            ],
        ),
    )?;
    step(
        "Build the staff page",
        &mut program("npm", &["run", "build:desk", "--workspace", "ui", "--silent"]),
    )?;
    let made = target().join(WASM).join("page/hms_browser.wasm");
    let at = folder().join("core.wasm");
    std::fs::copy(&made, &at)
        .map_err(|e| format!("could not copy {} to {}: {e}", made.display(), at.display()))?;
    println!("The staff page is in {}.", folder().display());
    Ok(())
}

/// The page for a demonstration; without what it needs the demonstration goes on, and says what it lacks.
pub fn for_demo() -> Option<PathBuf> {
    match build() {
        Ok(()) => Some(folder()),
        Err(why) => {
            println!("{why}\nThis demonstration has no staff page for browsers.");
            None
        }
    }
}

fn wasm_is_there() -> bool {
    first_line("rustc", &["--print", "target-libdir", "--target", WASM])
        .is_some_and(|folder| Path::new(&folder).is_dir())
}
