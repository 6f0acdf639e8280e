//! What an operator does at the command line.

use clap::Parser;
use hms_server::cli::{run, Cli};
use std::path::Path;
use tempfile::TempDir;

fn ach(arguments: &[&str]) -> Result<u8, String> {
    let cli = Cli::try_parse_from(std::iter::once("ach-server").chain(arguments.iter().copied()))
        .map_err(|error| error.to_string())?;
    run(cli).map_err(|error| format!("{error:#}"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

#[test]
fn a_server_is_set_up_filled_backed_up_and_restored() {
    let temp = TempDir::new().expect("temporary directory");
    let (data, copy, file) = (
        temp.path().join("data"),
        temp.path().join("copy"),
        temp.path().join("ach.bak"),
    );
    let (data, copy, file) = (text(&data), text(&copy), text(&file));

    assert_eq!(
        ach(&["init", "--data", data, "--base-url", "https://ach.example.gov/"]),
        Ok(0)
    );
    assert!(ach(&["init", "--data", data])
        .expect_err("twice")
        .contains("already holds"));
    let people = temp.path().join("people.ndjson");
    let lines: Vec<String> = (0..3)
        .map(|n| format!(r#"{{"resourceType":"Patient","id":"p{n}","gender":"female"}}"#))
        .collect();
    std::fs::write(&people, lines.join("\n")).expect("file");
    assert_eq!(ach(&["import", text(&people), "--data", data]), Ok(0));
    let user = [
        "user",
        "add",
        "dana",
        "--role",
        "carrier",
        "--name",
        "Dana",
        "--fhir",
        "Patient/p0",
        "--data",
        data,
    ];
    assert_eq!(ach(&user), Ok(0));
    assert!(ach(&user).expect_err("twice").contains("account already"));
    assert_eq!(ach(&["user", "disable", "dana", "--data", data]), Ok(0));
    assert_eq!(ach(&["user", "reset-pin", "dana", "--data", data]), Ok(0));
    assert!(ach(&["user", "disable", "nobody", "--data", data]).is_err());
    assert!(ach(&["device", "revoke", "nothing", "--data", data])
        .expect_err("unknown")
        .contains("device list"));
    assert_eq!(ach(&["audit", "verify", "--data", data]), Ok(0));

    assert_eq!(ach(&["backup", file, "--data", data]), Ok(0));
    assert!(ach(&["restore", file, "--data", data])
        .expect_err("not empty")
        .contains("never overwrites"));
    assert_eq!(ach(&["restore", file, "--data", copy]), Ok(0));
    assert_eq!(ach(&["audit", "verify", "--data", copy]), Ok(0));
    let mut bytes = std::fs::read(file).expect("backup");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).expect("damage");
    let elsewhere = temp.path().join("elsewhere");
    assert!(ach(&["restore", file, "--data", text(&elsewhere)])
        .expect_err("damaged")
        .contains("damaged"));
    assert!(!elsewhere.exists());
}

#[test]
fn an_import_with_a_mistake_changes_nothing_and_says_where_it_is() {
    let temp = TempDir::new().expect("temporary directory");
    let data = temp.path().join("data");
    assert_eq!(ach(&["init", "--data", text(&data)]), Ok(0));
    let file = temp.path().join("bad.ndjson");
    std::fs::write(
        &file,
        "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",\"id\":\"b\",\"gender\":\"purple\"}",
    )
    .expect("file");

    let refused = ach(&["import", text(&file), "--data", text(&data)]).expect_err("refused");

    assert!(
        refused.contains("Bundle.entry[1].resource.ofType(Patient.gender)"),
        "{refused}"
    );
    assert!(!refused.contains("purple"), "{refused}");
}

#[test]
fn a_missing_data_directory_is_answered_with_the_next_step() {
    let refused = ach(&["audit", "verify", "--data", "/nonexistent/ach"]).expect_err("refused");
    assert!(
        refused.contains("ach-server init --data /nonexistent/ach"),
        "{refused}"
    );
}
