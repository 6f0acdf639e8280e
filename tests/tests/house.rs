//! The house keeps its shape: allowed arrows between crates, and where unsafe code may live.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_path_buf()
}

/// Normal and build dependencies of every member, by name.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("json");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let names = dependencies
                .iter()
                .filter(|d| d["kind"].as_str() != Some("dev"))
                .filter_map(|d| d["name"].as_str().map(str::to_owned));
            (
                package["name"].as_str().expect("name").to_owned(),
                names.collect(),
            )
        })
        .collect()
}

const OURS: &[(&str, &[&str])] = &[
    ("hms-fhir", &[]),
    ("hms-model", &["hms-fhir"]),
    ("hms-triage", &["hms-model", "hms-fhir"]),
    ("hms-core", &["hms-model", "hms-fhir"]),
    ("hms-views", &["hms-core", "hms-model"]),
    ("hms-browser", &["hms-core", "hms-views", "hms-model", "hms-fhir"]),
    ("hms-store", &["hms-core", "hms-model", "hms-fhir"]),
    ("hms-media", &["hms-core", "hms-model", "hms-fhir"]),
    (
        "hms-client",
        &[
            "hms-core",
            "hms-store",
            "hms-media",
            "hms-model",
            "hms-fhir",
            "hms-triage",
            "hms-views",
            "hms-wire",
        ],
    ),
    ("ach", &["hms-client", "hms-triage", "hms-model"]),
    ("hms-ach", &["hms-client", "hms-model"]),
    ("hms-wire", &[]),
    (
        "hms-server",
        &["hms-core", "hms-model", "hms-triage", "hms-fhir", "hms-wire"],
    ),
    ("xtask", &[]),
];

#[test]
fn crates_depend_only_along_the_allowed_arrows() {
    let arrows = arrows();

    for (package, allowed) in OURS {
        let ours: Vec<&String> = arrows[*package]
            .iter()
            .filter(|name| name.starts_with("hms-") || *name == "ach")
            .filter(|name| !allowed.contains(&name.as_str()))
            .collect();
        assert!(ours.is_empty(), "{package} must not depend on {ours:?}");
    }
}

#[test]
fn each_outside_package_stays_in_its_room() {
    let rooms: &[(&str, &[&str])] = &[
        ("tauri", &["hms-ach"]),
        ("keyring", &["hms-client"]),
        ("rusqlite", &["hms-store", "hms-server"]),
        ("axum", &["hms-server"]),
        ("reqwest", &["hms-client", "hms-server", "ach-tests"]),
        ("str0m", &["hms-media"]),
        ("webrtc", &["hms-media"]),
        ("opusic-sys", &["hms-media"]),
        ("env-libvpx-sys", &["hms-media"]),
        ("zstd", &["hms-store", "hms-wire"]),
    ];
    let arrows = arrows();

    for (outside, allowed) in rooms {
        for (package, dependencies) in &arrows {
            let fits = !dependencies.contains(*outside) || allowed.contains(&package.as_str());
            assert!(
                fits,
                "{package} must not use {outside}: it belongs to {allowed:?}"
            );
        }
    }
}

#[test]
fn xtask_uses_the_standard_library_only() {
    assert_eq!(arrows()["xtask"], BTreeSet::new());
}

#[test]
fn unsafe_code_lives_only_where_it_is_expected() {
    let allowed = [
        "crates/browser/src/door.rs",
        "crates/media/src/ffi",
        "src-tauri/src/platform/mobile.rs",
        "tests/netlab/src/program/sys.rs",
        "tests/vfs",
    ];
    let mut found = Vec::new();

    for folder in ["crates", "src-tauri", "tests", "xtask"] {
        visit(&root().join(folder), &mut |file, text| {
            let relative = file
                .strip_prefix(root())
                .expect("inside")
                .to_string_lossy()
                .replace('\\', "/");
            let here = allowed.iter().any(|place| relative.starts_with(place));
            let waived = text.contains(concat!("expect(unsafe", "_code"))
                || text.contains(concat!("allow(unsafe", "_code"));
            if waived && !here {
                found.push(relative);
            }
        });
    }

    assert_eq!(
        found,
        Vec::<String>::new(),
        "unsafe code is waived in these files"
    );
}

#[test]
fn the_pure_crates_ban_clocks_files_and_network() {
    for name in ["fhir", "model", "triage", "core", "views", "browser"] {
        let file = root().join("crates").join(name).join("clippy.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            text.contains("SystemTime::now"),
            "{} must ban clocks",
            file.display()
        );
    }
}

fn visit(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir()
            && path
                .file_name()
                .is_none_or(|name| name != "node_modules" && name != "target")
        {
            visit(&path, look);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            look(&path, &std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

/// The licences that every package in the lock must offer one of, and the notices that list them.
/// Set `HMS_WRITE_NOTICES=1` to write docs/third-party-notices.md instead of comparing it.
#[test]
fn every_package_has_a_licence_we_may_ship_and_stands_in_the_notices() {
    const FINE: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "0BSD",
        "Unlicense",
        "Unicode-3.0",
        "MPL-2.0",
        "CC0-1.0",
        "CDLA-Permissive-2.0",
        "BSL-1.0",
        "blessing",
        "WTFPL",
        "MIT-0",
        "BSD-1-Clause",
    ];
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("json");
    let mut lines = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        if package["source"].is_null() {
            continue;
        }
        let name = package["name"].as_str().expect("name");
        let licence = package["license"]
            .as_str()
            .unwrap_or_default()
            .replace(" WITH LLVM-exception", "");
        // "A OR B": one is enough. Of "A AND B" both must be fine.
        let any = licence
            .split(" OR ")
            .flat_map(|part| part.split('/'))
            .any(|choice| {
                choice
                    .split(" AND ")
                    .all(|part| FINE.contains(&part.trim().trim_matches(['(', ')'])))
            });
        assert!(any, "{name}: the licence {licence:?} may not be shipped");
        lines.insert(format!(
            "| {name} | {} | {licence} |",
            package["version"].as_str().expect("version")
        ));
    }

    let kept = root().join("docs/third-party-notices.md");
    let text = format!(
        "# Third-party notices\n\nRust packages in Cargo.lock, with the licence each offers. Texts of the licences come with \
         the packages' sources. The pages' packages are listed in package-lock.json (MIT, Apache-2.0, OFL-1.1 for the font). \
         FHIR R4 definitions: CC0 1.0. libvpx: BSD-3-Clause. libopus: BSD-3-Clause. SQLCipher: BSD-3-Clause. zstd: BSD-3-Clause.\n\n\
         | package | version | licence |\n|---|---|---|\n{}\n",
        lines.into_iter().collect::<Vec<_>>().join("\n")
    );
    if std::env::var_os("HMS_WRITE_NOTICES").is_some() {
        std::fs::write(&kept, text).expect("notices");
        return;
    }
    let old = std::fs::read_to_string(&kept).unwrap_or_default();
    assert!(
        old == text,
        "docs/third-party-notices.md is out of date: run with HMS_WRITE_NOTICES=1"
    );
}

/// A table that names a test which is no more says that something is safe which nobody looks at.
#[test]
fn every_test_that_the_catalogue_of_faults_names_is_there() {
    let faults = std::fs::read_to_string(root().join("docs/faults.md")).expect("docs/faults.md");
    let mut named = 0;
    for (file, test) in faults.split('`').filter_map(|word| word.split_once(".rs::")) {
        let path = root().join(format!("{file}.rs"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text.contains(&format!("fn {test}(")),
            "docs/faults.md names {test}, which is not in {}",
            path.display()
        );
        named += 1;
    }
    assert!(named > 100, "{named}");
    // What only a machine that is not here could show: ten lines at most, none of the cases that decide whether
    // anything is lost, and each with its nearest test.
    let without = faults.lines().filter(|line| line.contains("missing hardware: "));
    let mut lines = 0;
    for line in without {
        let case = line
            .trim_start_matches("| ")
            .split(' ')
            .next()
            .unwrap_or_default();
        let decides = ["R", "C", "N", "S", "P"]
            .iter()
            .any(|letter| case.starts_with(letter))
            || ["D1", "D2", "D6"].contains(&case);
        assert!(!decides, "{case} may not be left to a missing machine");
        assert!(line.contains(".rs::"), "{case} names no nearest test");
        lines += 1;
    }
    assert!(lines <= 10, "{lines} cases are left to missing machines");
    // C1-5, N1-8, S1-11, M1-6, K1-3, A1-7, D1-8, E1-7, B1-7, P1-4, R1-9: none is passed over.
    for (letter, last) in [
        ('C', 5),
        ('N', 8),
        ('S', 11),
        ('M', 6),
        ('K', 3),
        ('A', 7),
        ('D', 8),
        ('E', 7),
        ('B', 7),
        ('P', 4),
        ('R', 9),
    ] {
        for number in 1..=last {
            let row = format!("| {letter}{number} |");
            assert!(
                faults.contains(&row),
                "docs/faults.md passes over {letter}{number}"
            );
        }
    }
}
