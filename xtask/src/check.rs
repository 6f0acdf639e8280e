//! Type-checks the shell for the phones, where this machine has a compiler that can build their standard library.

use crate::run::{first_line, flag, program, step, Done};

/// `cargo xtask check --mobile`.
pub fn check(args: &[String]) -> Done {
    if !flag(args, "--mobile") {
        return Err("say what to check: --mobile".to_owned());
    }
    let sysroot = first_line("rustc", &["--print", "sysroot"]).unwrap_or_default();
    let sources = std::path::Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock");
    if !sources.exists() {
        return Err(
            "the standard library's sources are missing: rustup component add rust-src. Without them the \
                    phones' targets cannot be type-checked here."
                .to_owned(),
        );
    }
    for target in ["aarch64-linux-android", "aarch64-apple-ios"] {
        let mut cargo = program(
            "cargo",
            &[
                "check",
                "-Zbuild-std=std,panic_abort",
                "--lib",
                "--target",
                target,
            ],
        );
        step(
            &format!("Type-check for {target}"),
            cargo.env("RUSTC_BOOTSTRAP", "1"),
        )?;
    }
    Ok(())
}
