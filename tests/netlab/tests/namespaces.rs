//! The program sets up, counts and takes everything away again. Needs root on Linux and `ip`; says so and passes without.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

fn able() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout == b"0\n");
    let probe = format!("netlab-probe-{}", std::process::id());
    let ip = |what: &str| Command::new("ip").args(["netns", what, &probe]).output();
    let makes = root && ip("add").is_ok_and(|done| done.status.success());
    makes && ip("del").is_ok() && std::path::Path::new("/dev/net/tun").exists()
}

fn there(name: &str) -> bool {
    std::path::Path::new("/var/run/netns").join(name).exists()
}

#[test]
fn namespaces_come_with_their_addresses_and_go_at_the_end() {
    if !able() {
        eprintln!("not tested: no right to make network namespaces");
        return;
    }
    let name = format!("netlab-test-{}", std::process::id());
    let mut lab = Command::new(env!("CARGO_BIN_EXE_netlab"))
        .args(["--name", &name, "--plan", "clean"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = lab.stdin.take().unwrap();
    let mut lines = BufReader::new(lab.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();

    assert!(next().contains("\"ready\":true"));
    let inside = format!("{name}-2");
    assert!(there(&inside));
    let addresses = Command::new("ip").args(["-n", &inside, "addr"]).output().unwrap();
    assert!(String::from_utf8_lossy(&addresses.stdout).contains("10.77.0.2/24"));
    writeln!(input, r#"{{"do":"plan","name":"b","seed":11}}"#).unwrap();
    assert!(next().contains("\"seed\":11"));
    writeln!(input, r#"{{"do":"plan","name":"nothing","seed":1}}"#).unwrap();
    assert!(next().contains("error"));
    writeln!(input, r#"{{"do":"stats"}}"#).unwrap();
    assert!(next().contains("\"packets\":0"));
    drop(input);

    assert!(lab.wait().unwrap().success());
    assert!(!there(&inside));
}
