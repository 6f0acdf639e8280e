//! `cargo xtask`: set-up, demo, tests, benches. Standard library only, so that it builds on any Rust and
//! can say what is missing.

mod bench;
mod calls;
mod check;
mod deep;
mod demo;
mod fuzz;
mod link;
mod page;
mod peers;
mod run;
mod setup;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <task>

  demo      set up, build, start the server with a made-up district, open the carrier's and the clinician's windows
              --headless           without a screen (Xvfb)
              --scenario bite      play the story without a hand; --out DIR for evidence, --until STEP to stop early
              --scenario visit-bad-link   a visit whose (simulated) link gets worse, goes, and comes back
              --relay-only udp     (or tcp) calls in the scenario use nothing but the relay
              --yes                install missing packages without asking (Debian, Ubuntu)
  test      set up, then everything that CI runs; --deep runs the long seeded suites, too, and
                                   prints their counts for docs/faults.md
              --only NAME          one step: fmt, clippy, rust, ui, browser, windows, desk, deep
  bench     [NAME…]                measure the release build: validate, keys, triage, store, save, sync, upload, server, visits,
                                   start, call, package
              --quick              small sizes only: 10,000 records, 100 waiting reports; not the goals
              --large              700,000 records too
              --json               one JSON object a figure; `bench build` times the builds themselves
  link      a bad link between two programs, until Ctrl-C, when it says what passed
              --listen ADDRESS --to ADDRESS   where it listens, and what it passes on to
              --plan NAME          open, rural, thin or flap; or a file (docs/link.md)
              --udp                datagrams too; --seed N for other chances
  fuzz      [TARGET…]              feed what a call reads with what nobody sends (tests/fuzz), and fail on a crash, 1 GiB or 5 s
              --seconds N          for each target; 60 where nothing is said
  staff-page                       build the staff page for browsers into ui/dist-desk (`ach-server serve --staff-page`)
  check     --mobile               type-check the shell for Android and iOS
  dev       the app with the development server of the pages
  doctor    say what this machine lacks
  reset     remove the demo's data and the tools' own files; never a real profile
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    if args
        .iter()
        .any(|arg| matches!(arg.as_str(), "--help" | "-h" | "help"))
    {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let Some(stray) = args.first().and_then(|task| stray(task, rest)) {
        eprintln!("xtask: {stray}\n\n{USAGE}");
        return ExitCode::from(2);
    }
    let done = match args.first().map(String::as_str) {
        Some("demo") => demo::demo(rest),
        Some("test") => test::test(rest),
        Some("bench") => bench::bench(rest),
        Some("link") => link::link(rest),
        Some("fuzz") => fuzz::fuzz(rest),
        Some("check") => check::check(rest),
        Some("staff-page") => crate::setup::ready(run::flag(rest, "--yes")).and_then(|()| page::build()),
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

/// What a task does not take is named before anything is installed, built or removed.
fn stray(task: &str, args: &[String]) -> Option<String> {
    let (flags, options, word): (&[&str], &[&str], bool) = match task {
        "demo" => (
            &["--headless", "--yes"],
            &["--scenario", "--out", "--until", "--relay-only"],
            false,
        ),
        "test" => (&["--deep", "--yes"], &["--only"], false),
        "bench" => (&["--json", "--quick", "--large", "--yes"], &["--work"], true),
        "link" => (&["--udp"], &["--listen", "--to", "--plan", "--seed"], false),
        "fuzz" => (&[], &["--seconds"], true),
        "check" => (&["--mobile"], &[], false),
        "dev" | "staff-page" => (&["--yes"], &[], false),
        "doctor" | "reset" => (&[], &[], false),
        _ => return Some(format!("there is no task {task}")),
    };
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        if options.contains(&arg) {
            args.next();
        } else if !flags.contains(&arg) && (!word || arg.starts_with('-')) {
            return Some(format!("{task} does not take {arg}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::stray;

    fn said(task: &str, args: &[&str]) -> Option<String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        stray(task, &args)
    }

    #[test]
    fn what_a_task_does_not_take_is_named() {
        assert_eq!(said("demo", &["--headless", "--scenario", "bite", "--yes"]), None);
        assert_eq!(said("bench", &["save", "sync", "--json"]), None);
        assert_eq!(said("reset", &["now"]).unwrap(), "reset does not take now");
        assert_eq!(
            said("test", &["--onyl", "ui"]).unwrap(),
            "test does not take --onyl"
        );
        assert_eq!(said("tset", &[]).unwrap(), "there is no task tset");
    }
}
