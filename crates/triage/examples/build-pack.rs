//! Builds the committed pack from the tables: `cargo run -p hms-triage --features author --example build-pack`.
//! With `--check` it only lints.
#![expect(
    clippy::disallowed_methods,
    reason = "the author's tool reads and writes the tables; the engine does not"
)]

use std::path::{Path, PathBuf};

use hms_triage::{author, Pack};

const VERSION: &str = "2026-11-22.1";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<(String, String)> = Vec::new();
    for folder in ["", "modules", "examples"] {
        for path in yaml_files(&root.join("content").join(folder)) {
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .expect("table names are UTF-8");
            let name = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            files.push((name, std::fs::read_to_string(&path).expect("a table can be read")));
        }
    }
    let tables = author::Tables::parse(files.iter().map(|(n, t)| (n.as_str(), t.as_str())));
    let built = tables.and_then(|tables| author::build(&tables, VERSION));
    let bytes = match built {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!(
                "{error}: {:?}",
                std::error::Error::source(&error).map(ToString::to_string)
            );
            std::process::exit(1);
        }
    };
    let pack = Pack::from_bytes(&bytes).expect("the builder checked it");
    let wrong = author::lint(&pack);
    for finding in &wrong {
        println!("{}: {}", finding.row, finding.what);
    }
    let file = pack.file();
    println!(
        "{} rules, {} findings, {} questions, {} bytes, sha256 {}",
        file.rules.len(),
        file.findings.len(),
        file.questions.len(),
        bytes.len(),
        pack.hash()
    );
    if std::env::args().any(|arg| arg == "--check") {
        std::process::exit(i32::from(!wrong.is_empty()));
    }
    std::fs::write(root.join("pack/pack.json"), &bytes).expect("the pack can be written");
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the content folder is there");
    let paths = entries.map(|e| e.expect("an entry can be read").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .collect();
    paths.sort();
    paths
}
