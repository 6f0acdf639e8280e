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

/// The program itself: its exit code and what it prints.
fn program(arguments: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ach-server"))
        .args(arguments)
        .output()
        .expect("run");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn a_chain_that_was_cut_and_written_anew_is_found_by_the_signed_end_that_was_kept() {
    let temp = TempDir::new().expect("temporary directory");
    let data = temp.path().join("data");
    let kept = temp.path().join("kept.ndjson");
    let verify = |with_kept: bool| {
        let mut arguments = vec!["audit", "verify", "--data", text(&data)];
        if with_kept {
            arguments.extend(["--head", text(&kept)]);
        }
        program(&arguments)
    };
    let add = |name: &str| {
        let user = [
            "user",
            "add",
            name,
            "--role",
            "hr",
            "--name",
            name,
            "--data",
            text(&data),
        ];
        assert_eq!(ach(&user), Ok(0));
    };
    assert_eq!(ach(&["init", "--data", text(&data)]), Ok(0));
    for name in ["ada", "bo", "cy", "dee"] {
        add(name);
    }
    let (code, head) = program(&["audit", "head", "--data", text(&data)]);
    assert_eq!(code, Some(0));
    std::fs::write(&kept, &head).expect("kept");
    assert_eq!(verify(true).0, Some(0));

    // Whoever has the key of the database removes what came last, and mends the noted end.
    let dir = hms_server::data_dir::DataDir::open(&data).expect("data");
    let hex: String = dir
        .db_key()
        .expect("key")
        .expose()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let conn = rusqlite::Connection::open(dir.database()).expect("open");
    conn.pragma_update(None, "key", format!("x'{hex}'")).expect("key");
    let hash: Vec<u8> = conn
        .query_row("SELECT hash FROM audit WHERE idx = 2", [], |r| r.get(0))
        .expect("row");
    let end: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    conn.execute_batch("DELETE FROM audit WHERE idx > 2")
        .expect("cut");
    conn.execute(
        "UPDATE kv SET value = ?1 WHERE name = 'audit.head'",
        [format!("2 {end}")],
    )
    .expect("mended");
    drop(conn);

    assert_eq!(verify(false).0, Some(0), "by itself the chain looks whole");
    let (code, said) = verify(true);
    assert!(
        code == Some(1) && said.contains("event 3") && said.contains("Truncated"),
        "{said}"
    );
    for name in ["eli", "fay", "gus"] {
        add(name);
    }
    assert_eq!(verify(false).0, Some(0));
    let (code, said) = verify(true);
    assert!(code == Some(1) && said.contains("Rewritten"), "{said}");

    // A head that was made up, or changed to fit.
    let forged = head.replacen("\"count\":4", "\"count\":2", 1);
    assert_ne!(forged, head);
    std::fs::write(&kept, forged).expect("forged");
    let (code, said) = verify(true);
    assert!(
        code == Some(1) && said.contains("not signed by this server's key"),
        "{said}"
    );
}

#[test]
fn imported_history_makes_no_notice_and_no_entry_in_the_queue() {
    let temp = TempDir::new().expect("temporary directory");
    let data = temp.path().join("data");
    assert_eq!(ach(&["init", "--data", text(&data)]), Ok(0));
    let report = hms_model::map::system::injury_report();
    let file = temp.path().join("history.ndjson");
    let lines = [
        r#"{"resourceType":"Organization","id":"north","name":"North"}"#.to_owned(),
        r#"{"resourceType":"Patient","id":"dana","managingOrganization":{"reference":"Organization/north"}}"#.to_owned(),
        format!(
            r#"{{"resourceType":"QuestionnaireResponse","id":"r1","status":"completed","questionnaire":"{report}",
                "subject":{{"reference":"Patient/dana"}},"authored":"2019-05-01T10:00:00Z"}}"#
        )
        .replace('\n', " "),
    ];
    std::fs::write(&file, lines.join("\n")).expect("file");

    assert_eq!(ach(&["import", text(&file), "--data", text(&data)]), Ok(0));

    let dir = hms_server::data_dir::DataDir::open(&data).expect("data");
    let app = hms_server::app::App::open(&dir, hms_server::clock::Clock::System).expect("open");
    let count = |kind: &'static str| {
        app.db
            .read_blocking(move |read| -> Result<i64, hms_server::db::DbError> {
                let sql = "SELECT count(*) FROM resource WHERE type = ?1";
                Ok(read.conn().query_row(sql, [kind], |r| r.get(0)).expect("count"))
            })
            .expect("count")
    };
    assert_eq!((count("QuestionnaireResponse"), count("Task")), (1, 0));
}

#[test]
fn a_folder_that_is_none_and_an_address_that_is_none_are_named() {
    let temp = TempDir::new().expect("temporary directory");
    let (data, file) = (temp.path().join("data"), temp.path().join("file"));
    std::fs::write(&file, "x").expect("file");
    assert_eq!(ach(&["init", "--data", text(&data)]), Ok(0));

    let nowhere = temp.path().join("nowhere/ach.bak");
    let backup = ach(&["backup", text(&nowhere), "--data", text(&data)]).expect_err("no folder");
    assert!(backup.contains("there is no folder"), "{backup}");
    let receiver = ["hr-receiver", "--dir", text(&file), "--listen", "127.0.0.1:0"];
    let receiver = ach(&receiver).expect_err("a file");
    assert!(receiver.contains("is a file"), "{receiver}");
    for option in ["--hr-url", "--issuer"] {
        let serve = [
            "serve",
            "--data",
            text(&data),
            "--listen",
            "127.0.0.1:0",
            option,
            "nonsense",
        ];
        let refused = ach(&serve).expect_err("no address");
        assert!(
            refused.contains("not an address") && refused.contains(option),
            "{refused}"
        );
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_on_the_machine_reads_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let temp = TempDir::new().expect("temporary directory");
    let data = temp.path().join("data");
    let rights = |path: &Path| {
        let meta = std::fs::metadata(path).expect("there");
        meta.permissions().mode() & 0o777
    };

    assert_eq!(ach(&["init", "--data", text(&data)]), Ok(0));
    assert_eq!((rights(&data), rights(&data.join("ach.db"))), (0o700, 0o600));

    // One that an earlier release made is put right.
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(data.join("ach.db"), open).expect("set");
    assert_eq!(ach(&["audit", "verify", "--data", text(&data)]), Ok(0));
    assert_eq!(rights(&data.join("ach.db")), 0o600);
}
