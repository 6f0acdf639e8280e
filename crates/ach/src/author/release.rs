//! `ach triage release` and `recall`: the files by which a pack reaches the devices, and by which it is taken back.

use super::{files, Signer};
use crate::failure::Failure;
use crate::say::say;
use hms_model::map::pack::{to_fhir, PackRelease};
use hms_triage::author::{self, SigningSeed};
use hms_triage::signing::{PackSignature, Trust};
use hms_triage::{Shelf, Text};
use std::path::Path;

/// Writes the resource of a pack that devices with this trust would take.
pub fn release(pack: &Path, signatures: &Path, trust: &Path, out: &Path) -> Result<(), Failure> {
    let bytes = files::bytes(pack)?;
    let signed: Vec<PackSignature> = files::json(signatures)?;
    let trust: Trust = files::json(trust)?;
    let mut shelf = Shelf::new(trust);
    let taken = shelf.offer(&bytes, &signed).map_err(|e| files::content(&e))?;
    if !taken {
        let carried = "every device of this build carries this pack; give the new one another version";
        return Err(Failure::Content(carried.to_owned()));
    }
    let hash = shelf.active().pack.hash().to_owned();
    let words = serde_json::to_string(&signed).map_err(|e| Failure::Content(e.to_string()))?;
    let release = hms_client::pack_release(&bytes, &hash, words).map_err(|e| files::content(&e))?;
    write(out, &release)?;
    say!("{}: {}, {hash}", out.display(), shelf.active().status);
    Ok(())
}

/// Writes the resource of a recall that devices with this trust would take.
pub fn recall(hash: &str, trust: &Path, why: &Text, by: &Signer, out: &Path) -> Result<(), Failure> {
    let seed = SigningSeed::read(&files::text(&by.key)?).map_err(|e| files::content(&e))?;
    let recall = author::recall(hash, why, &seed, &by.name, &by.date).map_err(|e| files::content(&e))?;
    let mut shelf = Shelf::new(files::json(trust)?);
    shelf.recall(recall.clone()).map_err(|e| files::content(&e))?;
    let words = serde_json::to_string(&recall).map_err(|e| Failure::Content(e.to_string()))?;
    let release = PackRelease {
        hash: hash.to_owned(),
        recall: Some(words),
        ..PackRelease::default()
    };
    write(out, &release)?;
    say!("{}: {} recalls {hash}", out.display(), by.name);
    Ok(())
}

fn write(out: &Path, release: &PackRelease) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(&to_fhir(release)).map_err(|e| Failure::Content(e.to_string()))?;
    files::write(out, &text)
}
