//! Peers from npm, which we did not write: started beside a test, and ended with it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The top of the workspace, where this package is installed.
pub fn root_with(package: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    assert!(
        root.join("node_modules").join(package).exists(),
        "`npm ci` at the top, which `cargo xtask test` runs, installs the peer"
    );
    root
}

/// A server of `tests/peers`. It ends with its standard input.
pub struct NpmServer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub port: u16,
}

impl NpmServer {
    /// Starts a script that needs this package. The first line that it writes is its port.
    pub fn start(package: &str, script: &str, arguments: &[&OsStr]) -> Self {
        let mut child = Command::new("node")
            .arg(Path::new("tests/peers").join(script))
            .args(arguments)
            .current_dir(root_with(package))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut server = Self {
            child,
            lines,
            port: 0,
        };
        server.port = server.line().parse().expect("a port");
        server
    }

    /// The next line that it writes.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("text")
    }
}

impl Drop for NpmServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Medplum's FHIR server, empty.
pub struct FhirPeer {
    pub server: NpmServer,
}

impl FhirPeer {
    pub fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = NpmServer::start("@medplum/fhir-router", "fhir-server.mjs", &[]);
        Self { server }
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/fhir/R4", self.server.port)
    }

    /// Everything of a type that it has now, asked directly.
    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let all = client.get(format!("{}/{kind}?_count=1000", self.base()));
        let answer = all.send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let bundle: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|it| it["resource"].clone()).collect()
    }
}
