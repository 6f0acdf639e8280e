//! `stage open` shows the demo; `stage play bite --out DIR` plays the story and proves each step from outside;
//! `stage play visit-bad-link --out DIR` does so with a visit whose link gets worse and better;
//! `stage prove --out DIR` breaks one part after the other and expects the story to fail there.

use ach_tests::stage::cast::{Cast, Setting};
use ach_tests::stage::script;
use anyhow::{bail, Context, Result};
use std::path::PathBuf;

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // A second call finds a provider installed; that is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("stage: no runtime: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&args)) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stage: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(args: &[String]) -> Result<()> {
    let value = |name: &str| {
        args.iter()
            .position(|arg| arg == name)
            .and_then(|at| args.get(at + 1))
            .map(String::as_str)
    };
    let bin_dir = PathBuf::from(value("--bin-dir").context("--bin-dir is missing")?);
    let work = bin_dir.parent().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let setting = |folder: &str| Setting {
        bin_dir: bin_dir.clone(),
        work: work.join(folder),
        headless: args.iter().any(|arg| arg == "--headless"),
        relay_only: value("--relay-only").map(str::to_owned),
        sabotage: None,
        staff_page: value("--staff-page").map(str::to_owned),
    };
    match args.first().map(String::as_str) {
        Some("open") => open(Cast::assemble(setting("demo")).await?).await,
        Some("play") if args.get(1).map(String::as_str) == Some("bite") => {
            let out = PathBuf::from(value("--out").context("--out is missing")?);
            script::bite(setting("stage-bite"), &out, value("--until")).await
        }
        Some("play") if args.get(1).map(String::as_str) == Some("visit-bad-link") => {
            let out = PathBuf::from(value("--out").context("--out is missing")?);
            script::bad_link(setting("stage-bad-link"), &out, value("--until")).await
        }
        Some("prove") => {
            let out = PathBuf::from(value("--out").context("--out is missing")?);
            script::prove(&setting("stage-prove"), &out, value("--parts")).await
        }
        _ => bail!("usage: stage open|prove|play bite|play visit-bad-link --bin-dir DIR [--out DIR] [--until STEP] [--headless]"),
    }
}

/// Opens the two windows, says who is who, and waits for Ctrl-C.
async fn open(mut cast: Cast) -> Result<()> {
    cast.open_app("carrier", false, Some(script::POSITION))?;
    cast.open_app("clinician", true, None)?;
    println!(
        "\nThe data is made up. Server: {}",
        cast.demo["base_url"].as_str().unwrap_or_default()
    );
    if cast.has_staff_page() {
        println!(
            "Staff page for a browser: {}/staff (it warns once, because the server made its own certificate)",
            cast.demo["base_url"].as_str().unwrap_or_default()
        );
    }
    println!("Sign-in opens in your browser. Accounts (user name, password):");
    if let Some(users) = cast.demo["users"].as_object() {
        for (role, user) in users {
            println!(
                "  {role:<14} {:<24} {}",
                text(&user["username"]),
                text(&user["password"])
            );
        }
    }
    println!("HR's receiver writes to {}", cast.hr_dir.display());
    println!("Press Ctrl-C to end.");
    tokio::signal::ctrl_c().await?;
    cast.leave().await;
    Ok(())
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}
