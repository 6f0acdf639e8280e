//! Benches: release builds of the measuring programs that exist. docs/benchmarks.md holds goals and figures seen.

use crate::run::{program, step, Done};

/// Name on the command line, package, measuring program, what it measures.
const BENCHES: &[(&str, &str, &str, &str)] = &[
    (
        "save",
        "hms-store",
        "save_speed",
        "one durable save, encrypted, fsynced",
    ),
    ("keys", "hms-store", "kdf_cost", "PIN to key"),
];

/// `cargo xtask bench [NAME]`.
pub fn bench(args: &[String]) -> Done {
    let wanted = args.iter().find(|arg| !arg.starts_with("--"));
    let chosen: Vec<_> = BENCHES
        .iter()
        .filter(|(name, ..)| wanted.is_none_or(|wanted| wanted == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = BENCHES.iter().map(|(name, ..)| *name).collect();
        return Err(format!(
            "there is no bench of that name; there are: {}",
            names.join(", ")
        ));
    }
    for (_, package, example, what) in chosen {
        let args = [
            "run",
            "--quiet",
            "--release",
            "--package",
            package,
            "--example",
            example,
        ];
        step(what, &mut program("cargo", &args))?;
    }
    Ok(())
}
