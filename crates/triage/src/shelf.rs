//! Which pack is used, of those that came: the one this build carries, and newer ones that clinicians signed.
//!
//! A pack that is not signed by enough of those who may, that cannot be read, or that is no newer than what is here is
//! refused, and the last good one stays. A recall takes a pack out of use; where nothing else is left, it is used on
//! and every result is one step more urgent ([`crate::Course::recalled`]).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pack::{Pack, PackError};
use crate::signing::{self, PackSignature, Status, Trust};
use crate::text::Text;

/// A clinician's word that a pack must not be used any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// SHA-256 of the pack, lower-case hex.
    pub pack: String,
    /// Why, for those who used it.
    pub why: Text,
    /// Who recalls, as the trusted key names them.
    pub name: String,
    /// The day, `2026-11-22`.
    pub date: String,
    /// Their public key, hex.
    pub key: String,
    /// The signature, hex.
    pub signature: String,
}

/// Why a pack that came is not used.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// This engine cannot read it; the app may be too old for it.
    #[error("the pack cannot be read")]
    Unreadable(#[source] PackError),
    /// Not signed by enough of those who may.
    #[error("the pack is not signed by enough clinicians")]
    NotApproved,
    /// Its version is not `YYYY-MM-DD.N`.
    #[error("the pack has no version that can be compared")]
    NoVersion,
    /// What is here is as new or newer.
    #[error("version {came} is not newer than {here}")]
    NotNewer {
        /// The version that came.
        came: String,
        /// The newest here.
        here: String,
    },
    /// The recall is signed by nobody who may.
    #[error("the recall is not signed by a clinician who may")]
    RecallNotSigned,
}

/// A pack that may be used, and what it may call itself.
#[derive(Clone, Debug)]
pub struct Held {
    /// The pack.
    pub pack: Arc<Pack>,
    /// Who approved it.
    pub status: Status,
}

/// The packs at hand.
#[derive(Clone, Debug)]
pub struct Shelf {
    trust: Trust,
    /// The build's own.
    own: Held,
    /// Those that came.
    came: Vec<Held>,
    recalls: Vec<Recall>,
}

impl Shelf {
    /// The pack of this build alone. `trust` says whose signatures count: with no keys nothing else is ever taken.
    #[must_use]
    pub fn new(trust: Trust) -> Shelf {
        let own = Held {
            pack: Pack::embedded_shared(),
            status: Status::DraftUnsigned,
        };
        Shelf {
            trust,
            own,
            came: Vec::new(),
            recalls: Vec::new(),
        }
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        std::iter::once(&self.own).chain(&self.came)
    }

    /// Takes a pack that came, where it is sound, approved and newer than every one here.
    /// True where it is new here; a pack that is here already changes nothing.
    ///
    /// # Errors
    /// [`Refused`]; nothing changes then.
    pub fn offer(&mut self, bytes: &[u8], signatures: &[PackSignature]) -> Result<bool, Refused> {
        let status = signing::verify(bytes, signatures, &self.trust);
        let hash = signing::hash(bytes);
        let mut here = std::iter::once(&mut self.own).chain(&mut self.came);
        if let Some(held) = here.find(|held| held.pack.hash() == hash) {
            // The pack of this build may be approved after it was built.
            let better = held.status == Status::DraftUnsigned && status != Status::DraftUnsigned;
            if better {
                held.status = status;
            }
            return Ok(better);
        }
        if status == Status::DraftUnsigned {
            return Err(Refused::NotApproved);
        }
        let pack = Pack::from_bytes(bytes).map_err(Refused::Unreadable)?;
        let came = number(pack.version()).ok_or(Refused::NoVersion)?;
        // What was taken back bars nothing: the pack that takes its place may have been made before it.
        let newest = self
            .held()
            .filter(|held| self.recalled(held.pack.hash()).is_none())
            .map(|held| held.pack.version())
            .max_by_key(|v| number(v));
        if let Some(here) = newest.filter(|here| number(here) >= Some(came)) {
            return Err(Refused::NotNewer {
                came: pack.version().to_owned(),
                here: here.to_owned(),
            });
        }
        self.came.push(Held {
            pack: Arc::new(pack),
            status,
        });
        Ok(true)
    }

    /// Takes packs that were kept on a device, in whatever order they lie there. How many were taken.
    pub fn offer_kept(&mut self, mut kept: Vec<(Vec<u8>, Vec<PackSignature>)>) -> usize {
        kept.sort_by_key(|(bytes, _)| version_in(bytes));
        let taken = kept.into_iter().filter(|(bytes, signatures)| {
            // Whatever was done to the file since, it is checked as if it came now.
            matches!(self.offer(bytes, signatures), Ok(true))
        });
        taken.count()
    }

    /// Takes a recall. One clinician who may sign is enough: to stop is safer than to go on. True where it is new.
    ///
    /// # Errors
    /// [`Refused::RecallNotSigned`].
    pub fn recall(&mut self, recall: Recall) -> Result<bool, Refused> {
        let said = recall_message(&recall.pack, &recall.why, &recall.name, &recall.date);
        let trusted = self
            .trust
            .keys
            .iter()
            .find(|key| key.key == recall.key && key.name == recall.name);
        if trusted.is_none_or(|key| !signing::holds(&said, &recall.signature, key)) {
            return Err(Refused::RecallNotSigned);
        }
        if self.recalled(&recall.pack).is_some() {
            return Ok(false);
        }
        self.recalls.push(recall);
        Ok(true)
    }

    /// The pack for a new check: the newest that is not recalled; the newest of all where every one is.
    #[must_use]
    pub fn active(&self) -> &Held {
        let fit = |held: &&Held| {
            (
                self.recalled(held.pack.hash()).is_none(),
                number(held.pack.version()),
            )
        };
        self.held().max_by_key(fit).unwrap_or(&self.own)
    }

    /// The pack that a check was begun with, where it is here.
    #[must_use]
    pub fn by_hash(&self, hash: &str) -> Option<&Held> {
        self.held().find(|held| held.pack.hash() == hash)
    }

    /// Why a pack was recalled; `None` where it was not.
    #[must_use]
    pub fn recalled(&self, hash: &str) -> Option<&Recall> {
        self.recalls.iter().find(|recall| recall.pack == hash)
    }

    /// Hashes of the packs held beside the build's own, newest first.
    #[must_use]
    pub fn came(&self) -> Vec<String> {
        let mut came: Vec<&Held> = self.came.iter().collect();
        came.sort_by_key(|held| std::cmp::Reverse(number(held.pack.version())));
        came.into_iter().map(|held| held.pack.hash().to_owned()).collect()
    }
}

fn version_in(bytes: &[u8]) -> Option<(u32, u32, u32, u32)> {
    #[derive(Deserialize)]
    struct Versioned {
        version: String,
    }
    let found: Versioned = serde_json::from_slice(bytes).ok()?;
    number(&found.version)
}

/// `2026-11-22.1` as numbers that compare.
fn number(version: &str) -> Option<(u32, u32, u32, u32)> {
    let (day, count) = version.split_once('.')?;
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Some((year, month, day, count.parse().ok()?))
}

/// What is signed in a recall. The first line keeps it from being taken for an approval.
pub(crate) fn recall_message(pack: &str, why: &Text, name: &str, date: &str) -> String {
    let (en, es) = (why.get(crate::Lang::En), why.get(crate::Lang::Es));
    format!("HMS-ACH symptom checker, recall of a pack, 1\n{pack}\n{en}\n{es}\n{name}\n{date}\n")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(number("2026-11-22.10") > number("2026-11-22.9"));
        assert!(number("2026-12-01.1") > number("2026-11-30.9"));
        for bad in ["", "2026-11-22", "2026-11.1", "v2026-11-22.1", "2026-11-22.x"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
