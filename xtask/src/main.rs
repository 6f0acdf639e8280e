//! `cargo xtask`: set-up, demo, tests, benches. Standard library only, so that it builds on any Rust and
//! can say what is missing.

mod bench;
mod check;
mod demo;
mod run;
mod setup;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <task>

  demo      set up, build, start the server with a made-up district, open the carrier's and the clinician's windows
              --headless           without a screen (Xvfb)
              --scenario bite      play the story without a hand; --out DIR for evidence, --until STEP to stop early
              --relay-only udp     (or tcp) calls in the scenario use nothing but the relay
              --yes                install missing packages without asking (Debian, Ubuntu)
  test      set up, then everything that CI runs; --deep runs the long seeded suites too
              --only NAME          one step: fmt, clippy, rust, ui, browser, windows
  bench     [NAME]                 measure (release build): save, keys
  check     --mobile               type-check the shell for Android and iOS
  dev       the app with the development server of the pages
  doctor    say what this machine lacks
  reset     remove the demo's data and the tools' own files; never a real profile
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("demo") => demo::demo(rest),
        Some("test") => test::test(rest),
        Some("bench") => bench::bench(rest),
        Some("check") => check::check(rest),
        Some("dev") => demo::dev(rest),
        Some("doctor") => setup::doctor(),
        Some("reset") => demo::reset(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nxtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
