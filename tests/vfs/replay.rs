//! The disk at a moment of the log.

use crate::shim::Event;
use hms_core::backoff::split_mix;
use std::collections::BTreeMap;

/// The smallest part that a disk writes whole.
const SECTOR: usize = 512;

/// How it ended.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// The process was killed: the system has all that was written.
    Kill,
    /// The power went: only what was synced is there.
    Power,
    /// The power went while the system was writing: some of what was not synced is there, by this seed, and the last of
    /// it in part.
    Some(u64),
}

impl Cut {
    /// The ways in which it may end at the `n`th moment.
    pub fn at(n: usize) -> [Self; 4] {
        let seed = n as u64;
        [
            Self::Kill,
            Self::Power,
            Self::Some(seed + 1),
            Self::Some(seed + 7_919),
        ]
    }
}

/// The files of the database, with what was written since each was synced.
#[derive(Default)]
pub struct Disk {
    files: BTreeMap<String, File>,
}

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    /// Whether its name is on the disk: it was synced once.
    is_there: bool,
    since: Vec<Event>,
}

impl Disk {
    /// What happens next.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Write { name, .. } | Event::Truncate { name, .. } => {
                self.files
                    .entry(name.clone())
                    .or_default()
                    .since
                    .push(event.clone());
            }
            Event::Sync { name } => {
                let file = self.files.entry(name.clone()).or_default();
                for event in std::mem::take(&mut file.since) {
                    apply(&mut file.synced, &event);
                }
                file.is_there = true;
            }
            Event::Delete { name } => {
                self.files.remove(name);
            }
            Event::Beside { name, bytes } => {
                let file = File {
                    synced: bytes.clone(),
                    is_there: true,
                    since: Vec::new(),
                };
                self.files.insert(name.clone(), file);
            }
        }
    }

    /// The files as they are found afterwards.
    pub fn image(&self, cut: Cut) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for (name, file) in &self.files {
            let mut bytes = file.synced.clone();
            match cut {
                Cut::Kill => file.since.iter().for_each(|event| apply(&mut bytes, event)),
                Cut::Power if !file.is_there => continue,
                Cut::Power => {}
                Cut::Some(seed) => file.some(&mut bytes, seed),
            }
            found.push((name.clone(), bytes));
        }
        found
    }
}

impl File {
    fn some(&self, bytes: &mut Vec<u8>, seed: u64) {
        let mut dice = seed;
        let kept: Vec<&Event> = self
            .since
            .iter()
            .filter(|_| {
                dice = split_mix(dice);
                dice.is_multiple_of(2)
            })
            .collect();
        for (n, event) in kept.iter().enumerate() {
            match event {
                Event::Write { name, at, bytes: all } if n + 1 == kept.len() => {
                    dice = split_mix(dice);
                    let sectors = all.len().div_ceil(SECTOR).max(1);
                    let whole = usize::try_from(dice).unwrap_or(0) % (sectors + 1);
                    let part = &all[..(whole * SECTOR).min(all.len())];
                    let torn = Event::Write {
                        name: name.clone(),
                        at: *at,
                        bytes: part.to_vec(),
                    };
                    apply(bytes, &torn);
                }
                other => apply(bytes, other),
            }
        }
    }
}

fn apply(file: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write { at, bytes, .. } => {
            let end = at + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*at..end].copy_from_slice(bytes);
        }
        Event::Truncate { to, .. } => file.resize(*to, 0),
        Event::Sync { .. } | Event::Delete { .. } | Event::Beside { .. } => {}
    }
}

/// An event in words.
pub fn describe(event: &Event) -> String {
    match event {
        Event::Write { name, at, bytes } => format!("{} bytes at {at} of {name}", bytes.len()),
        Event::Truncate { name, to } => format!("{name} cut to {to}"),
        Event::Sync { name } => format!("{name} synced"),
        Event::Delete { name } => format!("{name} removed"),
        Event::Beside { name, .. } => format!("{name} written"),
    }
}
