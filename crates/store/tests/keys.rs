//! The key of a profile: killed at any moment of wrapping it anew, one of both PINs opens; closed, it is nowhere in the
//! memory of the process.

mod common;

use common::{save, task, NOW};
use hms_model::secret::Secret;
use hms_store::keys::{wipe_stack, KdfCost, KeyFile};
use hms_store::Store;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const CHILD: &str = "HMS_STORE_KEYS_CHILD";
const PINS: [&str; 2] = ["739104", "285913"];

/// Not a test of its own: the child's work, when this binary is started for it.
#[test]
fn child() {
    let Ok(work) = std::env::var(CHILD) else { return };
    let (what, dir) = work.split_once(' ').expect("work and folder");
    match what {
        "wrap" => wrap_for_ever(Path::new(dir)),
        "memory" => look_for_the_key(Path::new(dir)),
        other => panic!("{other}"),
    }
}

fn start(what: &str, dir: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().expect("own path"))
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, format!("{what} {}", dir.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts")
}

fn say(line: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("says");
}

fn wrap_for_ever(dir: &Path) {
    let file = KeyFile::new(dir, KdfCost::TEST);
    let opened = |pin: &str| file.unlock(pin, Some(&Secret::new([9; 32])), NOW).ok();
    let key = opened(PINS[0]).or_else(|| opened(PINS[1])).expect("one of both");
    for pin in PINS.iter().cycle() {
        file.set_pin(&key, pin, Some(&Secret::new([9; 32])))
            .expect("wraps");
        say("wrapped");
    }
}

#[test]
fn killed_at_any_moment_of_wrapping_the_key_anew_one_of_both_pins_opens_it() {
    let dir = tempfile::tempdir().expect("dir");
    let keychain = Secret::new([9; 32]);
    let file = KeyFile::new(dir.path(), KdfCost::TEST);
    let key = file.create(PINS[0], Some(&keychain)).expect("made");
    let mut dice = common::Dice(5);
    let mut opened_by = [0, 0];
    for _ in 0..40 {
        let mut child = start("wrap", dir.path());
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"))
            .lines()
            .map_while(Result::ok)
            .filter(|line| line == "wrapped");
        for _ in 0..=dice.roll(4) {
            said.next().expect("it wraps");
        }
        std::thread::sleep(Duration::from_micros(dice.roll(4_000)));
        child.kill().expect("kills");
        child.wait().expect("ends");

        let by = PINS.map(|pin| file.unlock(pin, Some(&keychain), NOW).ok());
        assert_eq!(by.iter().flatten().count(), 1, "one of both, and not both");
        for (count, found) in opened_by.iter_mut().zip(by) {
            if let Some(found) = found {
                assert!(found.expose() == key.expose(), "another key");
                *count += 1;
            }
        }
    }
    println!(
        "opened by the one {} times, by the other {}",
        opened_by[0], opened_by[1]
    );
    assert!(opened_by[0] > 0 && opened_by[1] > 0);
}

#[test]
fn once_the_store_is_closed_its_key_is_nowhere_in_memory() {
    if !Path::new("/proc/self/mem").exists() {
        println!("skipped: this system does not show a process its memory");
        return;
    }
    let dir = tempfile::tempdir().expect("dir");
    let child = start("memory", dir.path()).wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&child.stderr);
    println!("{said}");
    assert!(child.status.success(), "{said}");
    assert!(
        said.contains("open: there"),
        "the search finds what is there: {said}"
    );
    assert!(said.contains("closed: nowhere"), "{said}");
}

/// Kept only in this form, which the search does not find.
const MASK: u8 = 0xA5;

/// In calls of their own, which are over when the search begins: a frame that lives keeps what was moved out of it.
#[inline(never)]
fn made(dir: &Path) -> Vec<u8> {
    let file = KeyFile::new(dir, KdfCost::TEST);
    let key = file.create(PINS[0], Some(&Secret::new([9; 32]))).expect("made");
    key.expose().iter().map(|byte| byte ^ MASK).collect()
}

#[inline(never)]
fn opened(dir: &Path) -> Store {
    let file = KeyFile::new(dir, KdfCost::TEST);
    let key = file.unlock(PINS[0], Some(&Secret::new([9; 32])), NOW);
    Store::open(dir, &key.expect("unlocks")).expect("opens")
}

fn look_for_the_key(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    let masked = made(dir);
    let store = opened(dir);
    runtime.block_on(async {
        for n in 0..20 {
            save(&store, task(&format!("t{n}"), "words")).await;
        }
        say(if places(&masked).is_empty() {
            "open: nowhere"
        } else {
            "open: there"
        });
        store.close().await;
    });
    // As the client does when the app locks.
    wipe_stack();
    let left = places(&masked);
    say(&if left.is_empty() {
        "closed: nowhere".to_owned()
    } else {
        format!("closed: {left:?}")
    });
}

/// Where the key lies, raw or in hex, by the name of the mapping.
fn places(masked: &[u8]) -> Vec<String> {
    // Digit by digit, and masked at once.
    let hex = |ten: u8| -> Vec<u8> {
        let digit = |of: u8| MASK ^ if of < 10 { b'0' + of } else { ten + of - 10 };
        let bytes = masked.iter().map(|byte| byte ^ MASK);
        bytes
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    };
    let wanted = [("raw", masked.to_vec()), ("hex", hex(b'a')), ("HEX", hex(b'A'))];
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let mut memory = std::fs::File::open("/proc/self/mem").expect("memory");
    let mut found = Vec::new();
    // One buffer, masked before it is looked through: the search must not find itself.
    let mut bytes = Vec::new();
    for line in maps.lines() {
        let mut parts = line.split_whitespace();
        let (range, rights) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !rights.starts_with("rw") || line.contains("[vvar") {
            continue;
        }
        let (from, to) = range.split_once('-').expect("a range");
        let (from, to) = (
            u64::from_str_radix(from, 16).expect("hex"),
            u64::from_str_radix(to, 16).expect("hex"),
        );
        bytes.resize(usize::try_from(to - from).expect("fits"), 0);
        let read = memory
            .seek(SeekFrom::Start(from))
            .and_then(|_| memory.read(&mut bytes));
        let Ok(read) = read else { continue };
        bytes.truncate(read);
        bytes.iter_mut().for_each(|byte| *byte ^= MASK);
        for (form, wanted) in &wanted {
            let half = &wanted[..wanted.len() / 2];
            let mut begins = bytes.iter().enumerate().filter(|(_, byte)| **byte == half[0]);
            if begins.any(|(at, _)| bytes[at..].starts_with(half)) {
                found.push(format!("{form} in {line}"));
            }
        }
        bytes.fill(0);
    }
    found
}
