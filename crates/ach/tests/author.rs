//! The author's tools as an author calls them: what they print, what they write, how they end.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("author-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// `ach triage …` at the top of the repository.
fn triage(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ach"))
        .arg("triage")
        .args(args)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("ach runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

const PACK: &str = "crates/triage/pack/pack.json";

fn committed() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PACK)).expect("the pack")
}

#[test]
fn the_content_goes_out_as_fhir_and_comes_back_as_the_same_pack() {
    let here = folder("fhir");
    let (pack, fhir, content, back) = (
        here.join("pack.json"),
        here.join("fhir"),
        here.join("content"),
        here.join("back.json"),
    );

    let out = triage(&["build", "--out", path(&pack), "--fhir", path(&fhir), "--json"]);
    assert_eq!(code(&out), 0, "{out:?}");
    assert_eq!(std::fs::read(&pack).expect("a pack"), committed());
    let files = std::fs::read_dir(&fhir).expect("a folder").count();
    assert_eq!(json(&out)["resources"], files);

    let out = triage(&[
        "import",
        path(&fhir),
        "--content",
        path(&content),
        "--out",
        path(&back),
    ]);
    assert_eq!(code(&out), 0, "{out:?}");
    assert_eq!(std::fs::read(&back).expect("a pack"), committed());

    // The tables that came back make it too, and the linter likes them.
    let again = here.join("again.json");
    assert_eq!(
        code(&triage(&["build", path(&content), "--out", path(&again)])),
        0
    );
    assert_eq!(std::fs::read(&again).expect("a pack"), committed());
    assert_eq!(code(&triage(&["lint", path(&content)])), 0);
}

#[test]
fn what_the_linter_finds_ends_with_one() {
    let (here, fhir) = (folder("lint"), folder("lint-fhir"));
    let pack = here.join("pack.json");
    assert_eq!(
        code(&triage(&["build", "--out", path(&pack), "--fhir", path(&fhir)])),
        0
    );
    let content = here.join("content");
    assert_eq!(
        code(&triage(&["import", path(&fhir), "--content", path(&content)])),
        0
    );
    let advice = content.join("advice.yaml");
    let text = std::fs::read_to_string(&advice).expect("a table");
    let hard = text.replacen(
        "en: ",
        "en: Notwithstanding extraordinary physiological deterioration of ",
        1,
    );
    std::fs::write(&advice, hard).expect("written");

    let out = triage(&["lint", path(&content), "--json"]);

    assert_eq!(code(&out), 1);
    let findings = json(&out)["findings"].as_array().expect("a list").clone();
    assert!(findings
        .iter()
        .any(|f| f["what"].as_str().is_some_and(|w| w.contains("English is grade"))));
}

#[test]
fn a_pack_that_lowers_a_case_is_told_and_ends_with_one() {
    let here = folder("diff");
    let lower = here.join("lower.json");
    let mut file: Value = serde_json::from_slice(&committed()).expect("JSON");
    for rule in file["rules"].as_array_mut().expect("rules") {
        if rule["id"] == "bite.cold" {
            rule["level"] = "days".into();
        }
    }
    std::fs::write(&lower, file.to_string()).expect("written");

    let out = triage(&["diff", PACK, path(&lower)]);
    assert_eq!(code(&out), 1, "{out:?}");
    let words = printed(&out);
    assert!(
        words.contains("DOWN ed_now -> ") && words.contains("bite-03"),
        "{words}"
    );
    assert!(words.contains("~ bite.cold: urgency"), "{words}");

    let out = triage(&["diff", PACK, path(&lower), "--json"]);
    assert!(json(&out)["wrong"].as_u64().is_some_and(|n| n > 0));
    let same = triage(&["diff", PACK]);
    assert_eq!(code(&same), 0, "{same:?}");
    assert!(printed(&same).contains("Cases: 0 of "));
}

#[test]
fn a_clinicians_signature_approves_this_pack_and_no_other() {
    let here = folder("sign");
    let file = |name: &str| here.join(name);
    let (key, signatures, trust) = (file("key"), file("signatures.json"), file("trust.json"));
    let ada = "Ada Ruiz, MD";
    let out = triage(&["key", "--out", path(&key), "--name", ada]);
    assert_eq!(code(&out), 0, "{out:?}");
    let trusted = json(&out);
    let secret = std::fs::read_to_string(&key).expect("a key");
    assert!(
        !printed(&out).contains(secret.trim()),
        "the secret is not printed"
    );
    // A key is never written over.
    assert_eq!(code(&triage(&["key", "--out", path(&key), "--name", ada])), 1);
    std::fs::write(
        &trust,
        serde_json::json!({"needed": 1, "keys": [trusted]}).to_string(),
    )
    .expect("written");
    let verify = |pack: &str| {
        let (signatures, trust) = (path(&signatures).to_owned(), path(&trust).to_owned());
        triage(&[
            "verify",
            "--pack",
            pack,
            "--signatures",
            &signatures,
            "--trust",
            &trust,
        ])
    };

    let draft = verify(PACK);
    assert_eq!(code(&draft), 1);
    assert!(printed(&draft).starts_with("draft, unsigned: "));

    let name = ["--name", ada, "--date", "2026-11-22"];
    let sign = ["sign", "--key", path(&key), "--out", path(&signatures)];
    let out = triage(&[&sign[..], &name[..]].concat());
    assert_eq!(code(&out), 0, "{out:?}");
    let approved = verify(PACK);
    assert_eq!(code(&approved), 0, "{approved:?}");
    assert!(printed(&approved).starts_with("approved by Ada Ruiz, MD: "));

    let other = file("other.json");
    let text = String::from_utf8(committed())
        .expect("text")
        .replacen("ed_now", "today", 1);
    std::fs::write(&other, text).expect("written");
    assert_eq!(code(&verify(path(&other))), 1, "a changed pack is a draft");

    let page = file("page");
    let (signatures, trust) = (path(&signatures), path(&trust));
    let out = triage(&[
        "page",
        "--out",
        path(&page),
        "--signatures",
        signatures,
        "--trust",
        trust,
    ]);
    assert_eq!(code(&out), 0, "{out:?}");
    let html = std::fs::read_to_string(page.join("index.html")).expect("a page");
    assert!(html.contains("Status: approved by Ada Ruiz, MD."));
}

#[test]
fn rules_examples_paths_and_modules_are_told() {
    let rule = triage(&["explain", "bite.hand_deep", "--json"]);
    assert_eq!(json(&rule)["rules"][0]["rule"]["level"], "ed_now");
    let words = printed(&triage(&["explain", "bite-03"]));
    assert!(words.contains("bite.cold") && words.contains("ed_now"), "{words}");
    assert_eq!(code(&triage(&["explain", "no such thing"])), 1);

    let walks = json(&triage(&["paths", "--bound", "5", "--json"]));
    let walks = walks.as_array().expect("a list");
    assert!(walks
        .iter()
        .any(|w| w["complaint"] == "animal_bite" && w["longest"].as_u64() > Some(3)));

    assert!(printed(&triage(&["graph", "bite"])).starts_with("flowchart LR"));
    assert!(printed(&triage(&["graph", "bite", "--dot"])).starts_with("digraph"));
    assert_eq!(code(&triage(&["graph", "nope"])), 1);
    assert_eq!(code(&triage(&["diff"])), 2, "wrong usage");
}
