//! Announcing an upload, taking pieces of it, and ending it.

use super::{blocking, finish, Announced, Standing, State, Taken, UploadError, Uploads, LARGEST};
use crate::app::App;
use crate::auth::Actor;
use crate::fhir::Problem;
use axum::body::Body;
use futures_util::StreamExt;
use ring::digest;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{timeout_at, Instant};

/// A request that gives way takes what is there already, for so long at most.
const LAST_BYTES: Duration = Duration::from_secs(1);
/// Without a byte for so long there is nothing more: a busy server is slow to read what has come.
const QUIET: Duration = Duration::from_millis(100);
/// Bytes that wait in memory before they are written.
const BUFFER: usize = super::part::RECORD;

/// The checksum of one piece.
#[derive(Debug, Clone)]
pub struct Checksum {
    /// Which.
    pub algorithm: &'static digest::Algorithm,
    /// What it should be.
    pub expected: Vec<u8>,
}

/// A piece as it arrives.
#[derive(Debug)]
pub struct Piece {
    /// Where it begins.
    pub offset: u64,
    /// Its length, where the sender told.
    pub length: Option<u64>,
    /// Its checksum, where the sender told.
    pub checksum: Option<Checksum>,
    /// Its bytes.
    pub body: Body,
}

impl Uploads {
    /// Announces an upload. Where the same bytes are stored already, it is complete at once.
    ///
    /// # Errors
    /// [`UploadError::TooLarge`], [`UploadError::TooMany`], [`UploadError::Full`], and as a PUT of the Binary would.
    pub async fn announce(app: &App, actor: &Actor, announced: Announced) -> Result<String, UploadError> {
        if announced.size > LARGEST {
            return Err(UploadError::TooLarge);
        }
        let stored = finish::admit(app, actor, &announced).await?;
        let (uploads, now) = (Arc::clone(&app.uploads), app.clock.now_ms());
        blocking("announce", move || match stored {
            true => uploads.begin_done(announced),
            false => uploads.begin(announced, now),
        })
        .await
    }

    /// Where an upload of this account stands. One that is complete is stored before this is said.
    ///
    /// # Errors
    /// [`UploadError::NotFound`], [`UploadError::Gone`], and as [`Uploads::append`] where it is complete.
    pub async fn look(app: &App, actor: &Actor, id: &str) -> Result<Standing, UploadError> {
        let taken = app
            .uploads
            .take(id, actor.user.as_str(), app.clock.now_ms())
            .await?;
        settled(app, actor, taken).await
    }

    /// Ends an upload of this account; its bytes are dropped.
    ///
    /// # Errors
    /// [`UploadError::NotFound`], [`UploadError::Gone`].
    pub async fn end(app: &App, actor: &Actor, id: &str) -> Result<(), UploadError> {
        let mut taken = app
            .uploads
            .take(id, actor.user.as_str(), app.clock.now_ms())
            .await?;
        *taken.state = State::Gone;
        app.uploads.forget(id);
        Ok(())
    }

    /// Adds a piece; the last one stores the Binary. What has arrived of a piece that breaks off is kept, except where
    /// it has a checksum.
    ///
    /// Runs to its end also where the caller is gone: what came is made safe.
    ///
    /// # Errors
    /// [`UploadError`].
    pub async fn append(app: App, actor: Actor, id: String, piece: Piece) -> Result<Standing, UploadError> {
        let work = async move {
            let taken = app
                .uploads
                .take(&id, actor.user.as_str(), app.clock.now_ms())
                .await?;
            let taken = receive(taken, piece).await?;
            settled(&app, &actor, taken).await
        };
        tokio::spawn(work).await.map_err(|_| UploadError::Io {
            what: "receive",
            source: std::io::Error::other("the work was stopped"),
        })?
    }
}

/// Where it stands; stores it where it is complete.
async fn settled(app: &App, actor: &Actor, mut taken: Taken) -> Result<Standing, UploadError> {
    let standing = taken.standing();
    if standing.offset == standing.size && taken.part().is_some() {
        finish::store(app, actor, taken).await?;
    }
    Ok(standing)
}

async fn receive(mut taken: Taken, piece: Piece) -> Result<Taken, UploadError> {
    let Standing { offset, size, .. } = taken.standing();
    if piece.offset != offset {
        return Err(UploadError::Offset { now: offset });
    }
    if piece.length.is_some_and(|length| length > size - offset) {
        return Err(UploadError::TooLarge);
    }
    let mut sum = piece
        .checksum
        .as_ref()
        .map(|checksum| digest::Context::new(checksum.algorithm));
    if let (Some(part), true) = (taken.part(), sum.is_some()) {
        part.check_from_here();
    }
    let mut frames = piece.body.into_data_stream();
    let (mut waiting, mut room) = (Vec::with_capacity(BUFFER), size - offset);
    let mut ends = None;
    let end = loop {
        let frame = match ends {
            None => tokio::select! {
                frame = frames.next() => frame,
                () = taken_over(&mut taken.turns, taken.turn) => {
                    ends = Some(Instant::now() + LAST_BYTES);
                    continue;
                }
            },
            // What came before the line broke was paid for once: it is kept.
            Some(last) => match timeout_at(last.min(Instant::now() + QUIET), frames.next()).await {
                Ok(frame) => frame,
                Err(_) => break Err(UploadError::TakenOver),
            },
        };
        let bytes = match frame {
            None => break Ok(()),
            Some(Err(_)) => break Err(UploadError::BrokeOff),
            Some(Ok(bytes)) => bytes,
        };
        let length = bytes.len() as u64;
        if length > room {
            break Err(UploadError::TooLarge);
        }
        room -= length;
        if let Some(sum) = &mut sum {
            sum.update(&bytes);
        }
        for part in bytes.chunks(BUFFER) {
            waiting.extend_from_slice(part);
            if waiting.len() >= BUFFER {
                let full = std::mem::replace(&mut waiting, Vec::with_capacity(BUFFER));
                taken = write(taken, full).await?;
            }
        }
    };
    let fits = match (sum, &piece.checksum, &end) {
        (Some(sum), Some(checksum), Ok(())) => sum.finish().as_ref() == checksum.expected.as_slice(),
        // Nobody can say of a part of a piece that it is right.
        (Some(_), ..) => false,
        (None, ..) => true,
    };
    let checked = piece.checksum.is_some();
    taken = blocking("write", move || {
        if let Some(part) = taken.part() {
            let kept = match (fits, checked) {
                (true, true) => part.append(&waiting).and_then(|()| part.checked()),
                (true, false) => part.append(&waiting),
                (false, _) => part.take_back(),
            };
            let safe = part.settle();
            trusted(&mut taken, kept.and(safe))?;
        }
        Ok(taken)
    })
    .await?;
    end?;
    if fits {
        Ok(taken)
    } else {
        Err(UploadError::Checksum)
    }
}

async fn write(mut taken: Taken, bytes: Vec<u8>) -> Result<Taken, UploadError> {
    blocking("write", move || {
        if let Some(part) = taken.part() {
            // On a full disk the records before this one are good and stay.
            let written = part.append(&bytes).or_else(|error| {
                part.settle()?;
                Err(error)
            });
            trusted(&mut taken, written)?;
        }
        Ok(taken)
    })
    .await
}

/// After a failure the file is read anew before anything is said of it.
fn trusted(taken: &mut Taken, done: Result<(), super::PartError>) -> Result<(), UploadError> {
    done.map_err(|error| {
        *taken.state = State::Closed;
        UploadError::from(error)
    })
}

/// Waits until another request asks for the upload.
async fn taken_over(turns: &mut tokio::sync::watch::Receiver<u64>, mine: u64) {
    if turns.wait_for(|turn| *turn != mine).await.is_err() {
        // Nobody is left who could ask.
        std::future::pending::<()>().await;
    }
}

impl From<crate::db::DbError> for UploadError {
    fn from(error: crate::db::DbError) -> Self {
        Self::Record(Problem::Db(error))
    }
}
