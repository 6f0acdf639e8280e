//! One tape: the calls of one window in order, their answers, and the events in between.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use hms_client::{Client, ClientEvent, Phone};
use serde_json::{json, Map, Value};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::broadcast::Receiver;

use crate::commands;

/// How long a state may take to come.
const PATIENCE: Duration = Duration::from_secs(90);

/// What one window asked, and what it was told.
pub struct Tape {
    pub client: Client,
    /// The phone with everybody on it, where there is more than one.
    phone: Option<Phone>,
    events: Receiver<ClientEvent>,
    calls: Vec<Value>,
    /// Ids, and what the tests call them.
    names: Vec<(String, String)>,
}

/// A place on a tape from which another one begins.
#[derive(Clone, Copy)]
pub struct Mark(usize);

impl Tape {
    pub fn of(client: &Client) -> Self {
        Self {
            client: client.clone(),
            phone: None,
            events: client.events(),
            calls: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Of a phone that several people use: the commands go to whoever is in front.
    pub fn of_phone(phone: &Phone) -> Self {
        Self {
            phone: Some(phone.clone()),
            events: phone.events(),
            ..Self::of(&phone.client())
        }
    }

    async fn given(&self, command: &str, args: &Value) -> Result<Value, Value> {
        let Some(phone) = &self.phone else {
            return commands::give(&self.client, command, args).await;
        };
        match commands::give_on_phone(phone, command, args).await {
            Some(answer) => answer,
            None => commands::give(&phone.client(), command, args).await,
        }
    }

    /// Calls the thing with that id by a name in the tape.
    pub fn name(&mut self, id: impl Into<String>, name: &str) {
        self.names.push((id.into(), name.to_owned()));
    }

    /// Gives a command and writes down what it answered.
    pub async fn call(&mut self, command: &str, args: Value) -> Result<Value, Value> {
        self.drain();
        let answer = self.given(command, &args).await;
        let mut entry = Map::new();
        entry.insert("command".into(), json!(command));
        if args.as_object().is_some_and(|args| !args.is_empty()) {
            entry.insert("args".into(), without_bytes(args));
        }
        match &answer {
            Ok(data) => entry.insert("data".into(), data.clone()),
            Err(error) => entry.insert("error".into(), error.clone()),
        };
        self.calls.push(Value::Object(entry));
        answer
    }

    /// [`Tape::call`] of what must work.
    pub async fn ok(&mut self, command: &str, args: Value) -> Value {
        let answer = self.call(command, args.clone()).await;
        answer.unwrap_or_else(|error| panic!("{command} {args}: {error}"))
    }

    /// Reads without arguments; failures are answers too.
    pub async fn reads(&mut self, commands: &[&str]) {
        for command in commands {
            let _ = self.call(command, json!({})).await;
        }
    }

    /// Asks, without writing it down, until the answer is as wished; gives the answer.
    pub async fn until(&mut self, command: &str, args: Value, wished: impl Fn(&Value) -> bool) -> Value {
        look(&self.client, command, args, wished).await
    }

    pub fn mark(&self) -> Mark {
        Mark(self.calls.len())
    }

    /// Writes what was called since `from` as a tape of its own.
    pub fn save(&mut self, name: &str, from: Mark) {
        self.drain();
        let calls = self.calls[from.0..].to_vec();
        save(name, &self.names, calls);
    }

    /// Writes all of it.
    pub fn save_all(&mut self, name: &str) {
        self.save(name, Mark(0));
    }

    /// Writes down the events that have come.
    pub fn drain(&mut self) {
        loop {
            let entry = match self.events.try_recv() {
                Ok(ClientEvent::Changed { tags }) => {
                    json!({ "event": "changed", "payload": { "tags": tags } })
                }
                Ok(ClientEvent::Alert { kind }) => {
                    json!({ "event": "alert", "payload": { "kind": kind.as_str() } })
                }
                Err(TryRecvError::Lagged(_)) => continue,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            };
            if self.calls.last() != Some(&entry) {
                self.calls.push(entry);
            }
        }
    }
}

/// Arguments without the bytes of photos: the player finds a call by its command where the arguments differ.
fn without_bytes(mut args: Value) -> Value {
    if let Some(args) = args.as_object_mut() {
        if args.contains_key("base64") {
            args.insert("base64".into(), json!(""));
        }
    }
    args
}

/// Asks until the answer is as wished; gives the answer.
pub async fn look(client: &Client, command: &str, args: Value, wished: impl Fn(&Value) -> bool) -> Value {
    let wait = async {
        loop {
            if let Ok(answer) = commands::give(client, command, &args).await {
                if wished(&answer) {
                    return answer;
                }
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(answer) => answer,
        Err(_) => {
            let last = commands::give(client, command, &args).await;
            panic!("{command} {args} did not become as wished; last: {last:?}")
        }
    }
}

fn save(name: &str, names: &[(String, String)], calls: Vec<Value>) {
    let recorded_at = hms_client::Clock::now(&hms_client::SystemClock).0;
    let tape = json!({
        "recorded": true,
        "commit": commit(),
        "with": "cargo run -p hms-client --example record-tapes",
        "at": recorded_at,
        "calls": calls,
    });
    let text = normalise(&serde_json::to_string_pretty(&tape).expect("JSON"), names) + "\n";
    let path = folder().join(format!("{name}.json"));
    std::fs::write(&path, text).expect("the tape is written");
    eprintln!("recorded {name}");
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/ipc/recorded")
}

fn commit() -> String {
    let asked = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    asked.map_or_else(
        |_| String::new(),
        |o| String::from_utf8_lossy(&o.stdout).trim().to_owned(),
    )
}

/// The only place where a recorded value is changed: what differs with every recording and says nothing.
///
/// Ids get the names that the tests know them by, and those without a name are counted; ports become fixed ones;
/// the secrets of one sign-in (state, nonce, challenge) and of the pictures' socket are cut out. Times, receipt
/// numbers and numbers for support stay as they were.
fn normalise(text: &str, names: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (id, name) in names {
        text = text.replace(id.as_str(), name);
    }
    text = replace_all(&text, "https://127.0.0.1:", |c| c.is_ascii_digit(), "8443");
    text = replace_all(&text, "http://127.0.0.1:", |c| c.is_ascii_digit(), "8080");
    text = replace_all(&text, "http%3A%2F%2F127.0.0.1%3A", |c| c.is_ascii_digit(), "8090");
    text = replace_all(
        &text,
        "ws://127.0.0.1:",
        |c| c.is_ascii_alphanumeric() || "/-_".contains(c),
        "8091/pictures",
    );
    for secret in ["state=", "nonce=", "code_challenge="] {
        text = replace_all(
            &text,
            secret,
            |c| c.is_ascii_alphanumeric() || "-_".contains(c),
            "recorded",
        );
    }
    count_ids(&text)
}

/// Replaces what follows each `after`, as far as it is made of such characters.
fn replace_all(text: &str, after: &str, of: impl Fn(char) -> bool, with: &str) -> String {
    let mut parts = text.split(after);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(after);
        out.push_str(with);
        out.push_str(part.trim_start_matches(&of));
    }
    out
}

/// Gives every id that has no name a number, in the order of appearance.
fn count_ids(text: &str) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(here) = rest.chars().next() {
        let id = rest.get(..36).filter(|id| is_uuid(id));
        if let Some(id) = id {
            let number = known.iter().position(|other| other == id).unwrap_or_else(|| {
                known.push(id.to_owned());
                known.len() - 1
            });
            out.push_str(&format!("00000000-0000-4000-8000-{:012}", number + 1));
            rest = &rest[36..];
        } else {
            out.push(here);
            rest = &rest[here.len_utf8()..];
        }
    }
    out
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}
