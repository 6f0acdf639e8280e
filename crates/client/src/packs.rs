//! The symptom checker's packs on this device: the build's own, and newer ones that came by sync and that clinicians
//! signed. What was taken is kept as a file in the profile, since the checker works on a locked phone too; it is not
//! about anybody. Each file is checked again when it is read, so whoever changes one only makes it worthless.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::map::pack::{self, PackRelease};
use hms_triage::signing::{self, PackSignature, Status, Trust};
use hms_triage::{Lang, Pack, Recall, Refused, Session, Shelf};
use hms_wire::{Coding, Unpacker};
use serde_json::Value;

use crate::vault::write_private;

/// A pack is never larger than this, unpacked (the goal is 2 MiB).
const LARGEST: u64 = 4 * 1024 * 1024;
/// How many packs that came are kept: the newest, and the last good ones before it.
const KEPT: usize = 3;

/// Why something that came is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackTrouble {
    /// Not what its resource says.
    #[error("the pack that came is damaged")]
    Damaged,
    /// Not a pack that may be used.
    #[error("the pack that came is not used")]
    Refused(#[from] Refused),
    /// It could not be kept.
    #[error("the pack that came could not be kept")]
    File(#[from] std::io::Error),
}

/// What became of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing new.
    Known,
    /// A pack, a recall, or both are new.
    New,
}

/// The packs at hand.
#[derive(Debug)]
pub(crate) struct Packs {
    shelf: Shelf,
    dir: PathBuf,
}

impl Packs {
    /// The build's own, and those kept in a profile.
    pub(crate) fn read(profile: &Path, trust: Trust) -> Self {
        let dir = profile.join("packs");
        let mut shelf = Shelf::new(trust);
        let files = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| std::fs::read(file.path()).ok());
        let kept: Vec<PackRelease> = texts
            .filter_map(|text| pack::from_fhir(&serde_json::from_slice(&text).ok()?))
            .collect();
        shelf.offer_kept(
            kept.iter()
                .filter_map(|release| unpacked(release).ok()?)
                .collect(),
        );
        for recall in kept.iter().filter_map(|release| recall_of(release).ok()?) {
            let _ = shelf.recall(recall);
        }
        Self { shelf, dir }
    }

    /// The pack for a new check.
    pub(crate) fn active(&self) -> Arc<Pack> {
        Arc::clone(&self.shelf.active().pack)
    }

    /// The pack that a check goes on with: the one it was begun with, unless that was recalled or is not here.
    pub(crate) fn of(&self, session: &Session) -> Arc<Pack> {
        let begun = session
            .answers
            .pack
            .as_deref()
            .and_then(|hash| self.shelf.by_hash(hash));
        match begun.filter(|held| !self.is_recalled(held.pack.hash())) {
            Some(held) => Arc::clone(&held.pack),
            None => self.active(),
        }
    }

    /// The pack that gave a result, for looking back on it; `None` where it is not here.
    pub(crate) fn by_hash(&self, hash: &str) -> Option<Arc<Pack>> {
        self.shelf.by_hash(hash).map(|held| Arc::clone(&held.pack))
    }

    /// Whether clinicians took a pack back.
    pub(crate) fn is_recalled(&self, hash: &str) -> bool {
        self.shelf.recalled(hash).is_some()
    }

    /// Why they did.
    pub(crate) fn why_recalled(&self, hash: &str, lang: Lang) -> Option<String> {
        self.shelf
            .recalled(hash)
            .map(|recall| recall.why.get(lang).to_owned())
    }

    /// What the windows are told of a pack: `signed`, `draft` or `recalled`.
    pub(crate) fn status(&self, hash: &str) -> &'static str {
        if self.is_recalled(hash) {
            return "recalled";
        }
        match self.shelf.by_hash(hash).map(|held| &held.status) {
            Some(Status::Approved { by: _ }) => "signed",
            Some(Status::DraftUnsigned) | None => "draft",
        }
    }

    /// Takes what a resource carries.
    ///
    /// # Errors
    /// [`PackTrouble`]; what was here stays in use.
    pub(crate) fn take(&mut self, resource: &Value) -> Result<Taken, PackTrouble> {
        let Some(release) = pack::from_fhir(resource) else {
            return Ok(Taken::Known);
        };
        let mut taken = Taken::Known;
        // The recall first: a pack that comes with its recall must not be used for a moment.
        if let Some(recall) = recall_of(&release)? {
            let alone = PackRelease {
                hash: recall.pack.clone(),
                recall: release.recall.clone(),
                ..PackRelease::default()
            };
            if self.shelf.recall(recall)? {
                self.keep(&format!("{}.recall.json", pack::id(&alone.hash)), &alone)?;
                taken = Taken::New;
            }
        }
        // Most of what lies in the store was taken long ago, and is not unpacked again.
        if matches!(self.status(&release.hash), "signed" | "recalled") {
            return Ok(taken);
        }
        if let Some((bytes, signatures)) = unpacked(&release)? {
            if self.shelf.offer(&bytes, &signatures)? {
                let alone = PackRelease {
                    recall: None,
                    ..release.clone()
                };
                self.keep(&format!("{}.json", pack::id(&release.hash)), &alone)?;
                self.tidy();
                taken = Taken::New;
            }
        }
        Ok(taken)
    }

    fn keep(&self, name: &str, release: &PackRelease) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        write_private(
            &self.dir.join(name),
            &serde_json::to_vec(&pack::to_fhir(release))?,
        )
    }

    /// Older packs go; their recalls stay.
    fn tidy(&self) {
        for old in self.shelf.came().iter().skip(KEPT) {
            let _ = std::fs::remove_file(self.dir.join(format!("{}.json", pack::id(old))));
        }
    }
}

/// A pack as it travels to devices.
///
/// # Errors
/// A failure of the coder.
pub fn pack_release(
    bytes: &[u8],
    hash: &str,
    signatures: String,
) -> Result<PackRelease, hms_wire::WireError> {
    let packed = hms_wire::pack(Coding::Zstd, bytes)?;
    Ok(PackRelease {
        hash: hash.to_owned(),
        file: Some(STANDARD.encode(packed)),
        signatures: Some(signatures),
        recall: None,
    })
}

/// A pack's bytes, and who signed them.
type Signed = (Vec<u8>, Vec<PackSignature>);

/// What a release carries; `None` where that is no pack.
fn unpacked(release: &PackRelease) -> Result<Option<Signed>, PackTrouble> {
    let damaged = |_| PackTrouble::Damaged;
    let Some(file) = &release.file else {
        return Ok(None);
    };
    let packed = STANDARD.decode(file).map_err(|_| PackTrouble::Damaged)?;
    let mut unpacker = Unpacker::new(Coding::Zstd, LARGEST).map_err(damaged)?;
    unpacker.feed(&packed);
    let mut bytes = Vec::new();
    while let Some(piece) = unpacker.pull().map_err(damaged)? {
        bytes.extend(piece);
    }
    unpacker.end().map_err(damaged)?;
    // The name of the file comes from it: what a server says it is must be what it is.
    if signing::hash(&bytes) != release.hash {
        return Err(PackTrouble::Damaged);
    }
    let signatures = match &release.signatures {
        Some(text) => serde_json::from_str(text).map_err(|_| PackTrouble::Damaged)?,
        None => Vec::new(),
    };
    Ok(Some((bytes, signatures)))
}

fn recall_of(release: &PackRelease) -> Result<Option<Recall>, PackTrouble> {
    let Some(text) = &release.recall else {
        return Ok(None);
    };
    serde_json::from_str(text)
        .map(Some)
        .map_err(|_| PackTrouble::Damaged)
}
