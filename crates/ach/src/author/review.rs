//! `ach triage page`, `key`, `sign` and `verify`: what clinicians read, and their signatures.

use super::{files, say_json, Signer};
use crate::failure::Failure;
use crate::say::say;
use hms_triage::author::{self, SigningSeed};
use hms_triage::signing::{self, PackSignature, Status, Trust, TrustedKey};
use hms_triage::Pack;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;

/// Writes the page.
pub fn page(out: &Path, content: &Path, signatures: &Path, trust: Option<&Path>) -> Result<(), Failure> {
    let content = files::tables(content)?;
    let (bytes, pack) = files::built(&content.tables, None)?;
    let status = match trust {
        Some(trust) => status(&bytes, signatures, trust)?,
        None => Status::DraftUnsigned,
    };
    let file = out.join("index.html");
    let text = author::page(&content.tables, &pack, &content.cases, &status.to_string());
    files::write(&file, text.as_bytes())?;
    say!(
        "{}: {} bytes, {status}, {}",
        file.display(),
        text.len(),
        pack.hash()
    );
    Ok(())
}

/// Makes a key.
pub fn key(out: &Path, name: &str) -> Result<(), Failure> {
    let mut seed = [0; 32];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random
        .fill(&mut seed)
        .map_err(|_| Failure::Content("this machine gives no random numbers".to_owned()))?;
    let seed = SigningSeed::new(&seed);
    let failed = |source| Failure::File {
        what: "write",
        file: out.to_owned(),
        source,
    };
    let mut options = std::fs::OpenOptions::new();
    // A key that exists is never written over: it may have signed.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(out).map_err(failed)?;
    file.write_all(seed.secret_text().as_bytes()).map_err(failed)?;
    say_json(&TrustedKey {
        name: name.to_owned(),
        key: seed.public(),
    })
}

/// Signs a pack and adds the signature to those there are.
pub fn sign(pack: &Path, by: &Signer, out: &Path) -> Result<(), Failure> {
    let bytes = files::bytes(pack)?;
    // What is signed must be a pack: a file that the engine refuses is refused here.
    Pack::from_bytes(&bytes).map_err(|e| files::content(&e))?;
    let seed = SigningSeed::read(&files::text(&by.key)?).map_err(|e| files::content(&e))?;
    let made = author::sign(&bytes, &seed, &by.name, &by.date).map_err(|e| files::content(&e))?;
    let mut all: Vec<PackSignature> = match out.exists() {
        true => files::json(out)?,
        false => Vec::new(),
    };
    all.retain(|s| (&s.pack, &s.key) != (&made.pack, &made.key));
    say!("{} signed {}", made.name, made.pack);
    all.push(made);
    let mut text = serde_json::to_string_pretty(&all).map_err(|e| Failure::Content(e.to_string()))?;
    text.push('\n');
    files::write(out, text.as_bytes())
}

/// Says whether a pack is approved.
pub fn verify(pack: &Path, signatures: &Path, trust: &Path, as_json: bool) -> Result<(), Failure> {
    let bytes = files::bytes(pack)?;
    let hash = Pack::from_bytes(&bytes)
        .map_err(|e| files::content(&e))?
        .hash()
        .to_owned();
    let status = status(&bytes, signatures, trust)?;
    if as_json {
        say_json(&json!({"pack": hash, "status": status}))?;
    } else {
        say!("{status}: {hash}");
    }
    match status {
        Status::Approved { by: _ } => Ok(()),
        Status::DraftUnsigned => Err(Failure::Content("the pack is not approved".to_owned())),
    }
}

fn status(pack: &[u8], signatures: &Path, trust: &Path) -> Result<Status, Failure> {
    let trust: Trust = files::json(trust)?;
    let signatures: Vec<PackSignature> = match signatures.exists() {
        true => files::json(signatures)?,
        // Nobody has signed yet.
        false => Vec::new(),
    };
    Ok(signing::verify(pack, &signatures, &trust))
}
