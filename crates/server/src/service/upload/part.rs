//! The file of one upload: sealed records, one after the other.
//!
//! ```text
//! record = kind (1) · length of the ciphertext (4, big endian) · nonce (12) · ciphertext with its tag
//! ```
//! AES-256-GCM under `keys/upload.key`, as nothing of a person lies in the clear on the server's disk. Each record is
//! bound to its upload, its number and its offset, so that none can be moved. What follows the last good record is
//! what a crash left of one, and is cut off.

use super::Announced;
use crate::random;
use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_256_GCM, NONCE_LEN};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes in a record, at most.
pub(super) const RECORD: usize = 64 * 1024;
const HEAD: usize = 1 + 4 + NONCE_LEN;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// What was announced.
    Announced = 1,
    /// Bytes.
    Bytes = 2,
    /// Bytes of a piece whose checksum was not looked at yet: they count once a [`Kind::Checked`] follows.
    Unchecked = 3,
    /// The bytes before it fit their checksum.
    Checked = 4,
    /// The upload is stored; alone in a file of its own.
    Done = 5,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [
            Self::Announced,
            Self::Bytes,
            Self::Unchecked,
            Self::Checked,
            Self::Done,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartError {
    #[error("failed to {what} an upload")]
    Io {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// Not ours, or sealed with another key.
    #[error("an upload cannot be read")]
    Unreadable,
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> PartError {
    move |source| PartError::Io { what, source }
}

/// How far the good records of a file reach.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// In the file.
    length: u64,
    /// In the upload.
    offset: u64,
    /// Records.
    number: u32,
}

/// An open file of an upload.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    seal: Seal,
    now: Mark,
    /// Where the piece with a checksum began that is being written.
    checking: Option<Mark>,
    /// Something was written since the last fsync.
    dirty: bool,
}

impl Part {
    /// A new file with what was announced; it and its name are on the disk when this returns.
    pub(super) fn create(
        folder: &Path,
        id: &str,
        key: &[u8; 32],
        announced: &Announced,
    ) -> Result<Self, PartError> {
        make_folder(folder)?;
        let path = folder.join(format!("{id}.part"));
        let file = private(OpenOptions::new().read(true).write(true).create_new(true))
            .open(&path)
            .map_err(io("create"))?;
        let mut part = Self {
            file,
            seal: Seal::new(id, key)?,
            now: Mark::default(),
            checking: None,
            dirty: false,
        };
        let text = serde_json::to_vec(announced).map_err(|_| PartError::Unreadable)?;
        let made = part
            .write(Kind::Announced, &text)
            .and_then(|()| part.settle())
            .and_then(|()| sync_folder(folder));
        if let Err(error) = made {
            remove(folder, id);
            return Err(error);
        }
        Ok(part)
    }

    /// Opens a file and reads it through: what does not hold is cut off.
    pub(super) fn open(folder: &Path, id: &str, key: &[u8; 32]) -> Result<Self, PartError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(folder.join(format!("{id}.part")))
            .map_err(io("open"))?;
        let mut part = Self {
            file,
            seal: Seal::new(id, key)?,
            now: Mark::default(),
            checking: None,
            dirty: false,
        };
        let good = part.walk(|_, _| {})?;
        if good.number == 0 {
            return Err(PartError::Unreadable);
        }
        part.now = good;
        part.cut()?;
        Ok(part)
    }

    /// Bytes of the upload that are in the file.
    pub(super) fn offset(&self) -> u64 {
        self.now.offset
    }

    /// From here on bytes are of a piece with a checksum, until [`Part::checked`] or [`Part::take_back`].
    pub(super) fn check_from_here(&mut self) {
        self.checking = Some(self.now);
    }

    /// Adds bytes. They are safe after [`Part::settle`]. Where the disk is full, nothing is added.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), PartError> {
        let kind = if self.checking.is_some() {
            Kind::Unchecked
        } else {
            Kind::Bytes
        };
        bytes.chunks(RECORD).try_for_each(|chunk| self.write(kind, chunk))
    }

    /// The piece fits its checksum.
    pub(super) fn checked(&mut self) -> Result<(), PartError> {
        self.write(Kind::Checked, &[])?;
        self.checking = None;
        Ok(())
    }

    /// Drops the piece that was begun with [`Part::check_from_here`].
    pub(super) fn take_back(&mut self) -> Result<(), PartError> {
        if let Some(begun) = self.checking.take() {
            self.now = begun;
            self.cut()?;
        }
        Ok(())
    }

    /// Makes safe what was added; a piece whose checksum nobody looked at is dropped.
    pub(super) fn settle(&mut self) -> Result<(), PartError> {
        self.take_back()?;
        if self.dirty {
            // After a failed fsync nobody knows what is on the disk: the file is opened anew and read.
            self.file.sync_all().map_err(io("make safe"))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// All bytes.
    pub(super) fn read(&mut self) -> Result<Vec<u8>, PartError> {
        let mut all = Vec::with_capacity(usize::try_from(self.now.offset).unwrap_or(0));
        let good = self.walk(|kind, bytes| {
            if matches!(kind, Kind::Bytes | Kind::Unchecked) {
                all.extend_from_slice(bytes);
            }
        })?;
        all.truncate(usize::try_from(good.offset).unwrap_or(0));
        Ok(all)
    }

    /// Writes a record whole or not at all.
    fn write(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), PartError> {
        let record = self.seal.record(kind, self.now, bytes)?;
        self.dirty = true;
        let written = self
            .file
            .seek(SeekFrom::Start(self.now.length))
            .and_then(|_| self.file.write_all(&record));
        if let Err(error) = written {
            self.cut()?;
            return Err(io("write")(error));
        }
        self.now = self.now.after(kind, record.len(), bytes.len());
        Ok(())
    }

    /// Cuts off what is behind the good records.
    fn cut(&mut self) -> Result<(), PartError> {
        let length = self.file.metadata().map_err(io("measure"))?.len();
        if length != self.now.length {
            self.dirty = true;
            self.file.set_len(self.now.length).map_err(io("shorten"))?;
        }
        Ok(())
    }

    /// Reads the good records in order; gives where the last counted one ends.
    fn walk(&mut self, mut each: impl FnMut(Kind, &[u8])) -> Result<Mark, PartError> {
        self.file.seek(SeekFrom::Start(0)).map_err(io("read"))?;
        let mut reader = std::io::BufReader::with_capacity(RECORD + 64, &self.file);
        let (mut at, mut counted) = (Mark::default(), Mark::default());
        while let Some((kind, bytes, length)) = self.seal.next(&mut reader, at)? {
            let first = at.number == 0;
            if first != (kind == Kind::Announced) || kind == Kind::Done {
                break;
            }
            each(kind, &bytes);
            at = at.after(kind, length, bytes.len());
            if kind != Kind::Unchecked {
                counted = at;
            }
        }
        Ok(counted)
    }
}

impl Mark {
    fn after(self, kind: Kind, record: usize, bytes: usize) -> Self {
        let of_upload = match kind {
            Kind::Bytes | Kind::Unchecked => bytes as u64,
            Kind::Announced | Kind::Checked | Kind::Done => 0,
        };
        Self {
            length: self.length + record as u64,
            offset: self.offset + of_upload,
            number: self.number + 1,
        }
    }
}

/// The key, and the upload that records are bound to.
struct Seal {
    key: LessSafeKey,
    id: String,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    fn new(id: &str, key: &[u8; 32]) -> Result<Self, PartError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| PartError::Unreadable)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            id: id.to_owned(),
        })
    }

    fn bound_to(&self, kind: Kind, at: Mark) -> Aad<Vec<u8>> {
        let mut text = self.id.clone().into_bytes();
        text.push(kind as u8);
        text.extend(at.number.to_be_bytes());
        text.extend(at.offset.to_be_bytes());
        Aad::from(text)
    }

    fn record(&self, kind: Kind, at: Mark, bytes: &[u8]) -> Result<Vec<u8>, PartError> {
        // Random: the place of a record that a crash tore is written again, with other bytes.
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = bytes.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                self.bound_to(kind, at),
                &mut sealed,
            )
            .map_err(|_| PartError::Unreadable)?;
        let length = u32::try_from(sealed.len()).map_err(|_| PartError::Unreadable)?;
        let mut record = Vec::with_capacity(HEAD + sealed.len());
        record.push(kind as u8);
        record.extend(length.to_be_bytes());
        record.extend(nonce);
        record.append(&mut sealed);
        Ok(record)
    }

    /// The next record, opened, with its length in the file; `None` where there is no good one.
    fn next(&self, from: &mut impl Read, at: Mark) -> Result<Option<(Kind, Vec<u8>, usize)>, PartError> {
        let mut head = Vec::with_capacity(HEAD);
        from.take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(io("read"))?;
        let Ok([kind, a, b, c, d, nonce @ ..]) = <[u8; HEAD]>::try_from(head) else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(kind) = Kind::of(kind).filter(|_| length <= RECORD + AES_256_GCM.tag_len()) else {
            return Ok(None);
        };
        let mut sealed = Vec::with_capacity(length);
        from.take(length as u64)
            .read_to_end(&mut sealed)
            .map_err(io("read"))?;
        let aad = self.bound_to(kind, at);
        let nonce = Nonce::assume_unique_for_key(nonce);
        match self.key.open_in_place(nonce, aad, &mut sealed) {
            Ok(bytes) => Ok(Some((kind, bytes.to_vec(), HEAD + length))),
            Err(_) => Ok(None),
        }
    }
}

/// A file that was found in the folder.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) announced: Announced,
    pub(super) done: bool,
}

/// What is in the folder; what cannot be read is left alone.
pub(super) fn list(folder: &Path, key: &[u8; 32]) -> Vec<Found> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<Found> = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = |part: Option<&std::ffi::OsStr>| part.and_then(|p| p.to_str()).map(str::to_owned);
        let (Some(id), Some(ending)) = (name(path.file_stem()), name(path.extension())) else {
            continue;
        };
        let done = ending == "done";
        if !done && ending != "part" {
            continue;
        }
        let Some(announced) = announced(&path, &id, key, done) else {
            tracing::warn!("A file among the uploads cannot be read");
            continue;
        };
        match found.iter_mut().find(|other| other.id == id) {
            // Stored, and the server ended before the bytes were dropped.
            Some(other) => other.done = true,
            None => found.push(Found { id, announced, done }),
        }
    }
    found
}

fn announced(path: &PathBuf, id: &str, key: &[u8; 32], done: bool) -> Option<Announced> {
    let wanted = if done { Kind::Done } else { Kind::Announced };
    let seal = Seal::new(id, key).ok()?;
    let (kind, bytes, _) = seal.next(&mut File::open(path).ok()?, Mark::default()).ok()??;
    (kind == wanted).then(|| serde_json::from_slice(&bytes).ok())?
}

/// Notes that an upload is stored, and drops its bytes.
pub(super) fn mark_done(
    folder: &Path,
    id: &str,
    key: &[u8; 32],
    announced: &Announced,
) -> Result<(), PartError> {
    make_folder(folder)?;
    let text = serde_json::to_vec(announced).map_err(|_| PartError::Unreadable)?;
    let record = Seal::new(id, key)?.record(Kind::Done, Mark::default(), &text)?;
    let beside = folder.join(format!("{id}.new"));
    private(OpenOptions::new().write(true).create(true).truncate(true))
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(&record)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, folder.join(format!("{id}.done"))))
        .map_err(io("note"))?;
    let _ = std::fs::remove_file(folder.join(format!("{id}.part")));
    Ok(())
}

/// Drops everything of an upload.
pub(super) fn remove(folder: &Path, id: &str) {
    for ending in ["part", "new", "done"] {
        let path = folder.join(format!("{id}.{ending}"));
        if let Err(error) = std::fs::remove_file(path) {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(%error, "An upload's file could not be removed");
            }
        }
    }
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn make_folder(folder: &Path) -> Result<(), PartError> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(io("make room for"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
            .map_err(io("make room for"))?;
    }
    Ok(())
}

/// The name of a new file is safe only after its folder is.
fn sync_folder(folder: &Path) -> Result<(), PartError> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io("make safe"))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn announced() -> Announced {
        Announced {
            user: "u-dana".to_owned(),
            document: "photo".to_owned(),
            content_type: "image/jpeg".to_owned(),
            size: 1000,
            sha256: String::new(),
            expires: 0,
        }
    }

    #[test]
    fn cut_at_every_byte_a_file_gives_the_whole_records_before_it_and_goes_on() {
        let temp = tempfile::tempdir().expect("folder");
        let mut part = Part::create(temp.path(), "one", &KEY, &announced()).expect("made");
        let mut ends = vec![(part.now.length, 0)];
        for piece in [b"first".as_slice(), b"second", b"third"] {
            part.append(piece).expect("added");
            ends.push((part.now.length, part.offset()));
        }
        part.settle().expect("safe");
        let whole = std::fs::read(temp.path().join("one.part")).expect("read");

        for cut in 0..=whole.len() {
            std::fs::write(temp.path().join("one.part"), &whole[..cut]).expect("cut");
            let expected = ends.iter().rev().find(|(length, _)| *length <= cut as u64);
            match (Part::open(temp.path(), "one", &KEY), expected) {
                (Ok(mut part), Some((_, offset))) => {
                    assert_eq!(part.offset(), *offset, "cut at {cut}");
                    part.append(b"more").expect("goes on");
                    let all = part.read().expect("read");
                    assert_eq!(all, [&b"firstsecondthird"[..*offset as usize], b"more"].concat());
                }
                (Err(PartError::Unreadable), None) => {}
                (other, _) => panic!("cut at {cut}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_found_and_nothing_lies_in_the_clear() {
        let temp = tempfile::tempdir().expect("folder");
        let mut part = Part::create(temp.path(), "one", &KEY, &announced()).expect("made");
        part.append(b"CANARY").expect("added");
        part.settle().expect("safe");
        let path = temp.path().join("one.part");
        let mut bytes = std::fs::read(&path).expect("read");
        for word in [b"CANARY".as_slice(), b"u-dana", b"photo"] {
            assert!(!bytes.windows(word.len()).any(|w| w == word));
        }

        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        std::fs::write(&path, &bytes).expect("flipped");

        assert_eq!(Part::open(temp.path(), "one", &KEY).expect("opens").offset(), 0);
        assert!(matches!(
            Part::open(temp.path(), "one", &[8; 32]),
            Err(PartError::Unreadable)
        ));
    }

    #[test]
    fn a_piece_counts_once_its_checksum_was_looked_at() {
        let temp = tempfile::tempdir().expect("folder");
        let mut part = Part::create(temp.path(), "one", &KEY, &announced()).expect("made");
        part.append(b"good ").expect("added");
        part.check_from_here();
        part.append(b"checked ").expect("added");
        part.checked().expect("noted");
        part.check_from_here();
        part.append(b"nobody looked").expect("added");
        drop(part);

        let mut part = Part::open(temp.path(), "one", &KEY).expect("opens");

        assert_eq!(part.read().expect("read"), b"good checked ");
        assert_eq!(part.offset(), 13);
    }
}
