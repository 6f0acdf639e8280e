//! Bytes of photos and recordings go up after the report has its receipt, in pieces, and never hold it up.
//!
//! What the server has is asked for, never remembered: only where it keeps an upload is. So a cut costs at most the
//! piece that was on its way, and a killed app goes on where the server stands.

mod again;
mod pace;
#[cfg(test)]
mod peer;
mod tus;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_core::metered::Go;
use hms_store::{Blob, Store};
use reqwest::header::{CONTENT_TYPE, IF_NONE_MATCH};
use reqwest::Method;
use sha2::{Digest, Sha256};

use crate::client::Shared;
use crate::engine::{Engine, Upload};
use crate::error::ClientError;
use crate::event::Tag;
use crate::net::{Fault, Tries};
use pace::{Pace, START};
use tus::{Caller, Place, Tus};

/// The windows are told of progress no more often than this.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Times that one upload begins anew in one go: a server that forgets each at once is not asked for ever.
const ANEW_AT_MOST: u32 = 3;
/// Longest wait for an exchange to end before the next piece: words go first.
const EXCHANGE: Duration = Duration::from_secs(30);

/// The photo or recording that goes up now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadNow {
    id: String,
    offset: u64,
    size: u64,
}

impl UploadNow {
    /// Which part of it goes now, of how many.
    pub(crate) fn parts_of(&self, id: &str) -> Option<(u32, u32)> {
        let part = START as u64;
        let of = u32::try_from(self.size.div_ceil(part)).ok()?.max(1);
        let number = u32::try_from(self.offset / part + 1).ok()?;
        (self.id == id).then_some((number.min(of), of))
    }
}

/// Why an upload does not go on now.
enum Stop {
    /// The server refuses this one; the next may be taken.
    Refused(Fault),
    /// The link or the server is not there for any of them.
    Fault(Fault),
    /// The app was locked.
    Closed,
    /// The link costs money since: this one goes on over a free one.
    Costs,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_) => Self::Refused(fault),
            other => Self::Fault(other),
        }
    }
}

impl From<ClientError> for Stop {
    fn from(_: ClientError) -> Self {
        Self::Closed
    }
}

/// Uploads what is due whenever an exchange went well.
pub(crate) async fn uploads(shared: Arc<Shared>) {
    // Until the server has said otherwise.
    let mut in_pieces = None;
    let rung = AtomicBool::new(false);
    loop {
        shared.uploads.notified().await;
        upload_due(&shared, &mut in_pieces, &rung).await;
        // What was passed over because its words were still on their way may go now.
        if rung.swap(false, Ordering::Relaxed) {
            shared.uploads.notify_one();
        }
        shared
            .tell(async |engine: &mut Engine| engine.uploading_now(None))
            .await;
    }
}

/// Uploads what is due, one after the other.
async fn upload_due(shared: &Arc<Shared>, in_pieces: &mut Option<bool>, rung: &AtomicBool) {
    let mut passed: Vec<String> = Vec::new();
    loop {
        let due = shared
            .ask(async |engine: &mut Engine| Ok((engine.uploads().await?, engine.open_store()?)))
            .await;
        let Ok((due, store)) = due else { return };
        // Read anew each time: reports are sent while a photo goes up.
        let Some(upload) = due.into_iter().find(|upload| !passed.contains(&upload.id)) else {
            return;
        };
        passed.push(upload.id.clone());
        if !words_are_there(&store, &upload).await || !may_go_now(shared, &upload).await {
            continue;
        }
        let one = One {
            shared,
            upload: &upload,
            rung,
        };
        match one.send(in_pieces).await {
            Ok(()) => done(shared, upload.id).await,
            Err(Stop::Refused(fault)) => {
                // The report stands without it; the words are there, and the file stays on this device.
                tracing::warn!(%fault, "The server does not take a file");
            }
            Err(Stop::Fault(fault)) => {
                tracing::debug!(%fault, "A file could not be uploaded");
                return;
            }
            Err(Stop::Closed) => return,
            Err(Stop::Costs) => {}
        }
    }
}

/// Whether the link may carry it, by what it costs.
async fn may_go_now(shared: &Arc<Shared>, upload: &Upload) -> bool {
    let upload = upload.clone();
    let may = shared.ask(async move |engine: &mut Engine| engine.goes(&upload).await);
    matches!(may.await, Ok(Go::Now))
}

/// Whether the report has its receipt and the server knows of the file.
async fn words_are_there(store: &Store, upload: &Upload) -> bool {
    let report = format!("QuestionnaireResponse/{}", upload.report);
    let has_receipt = matches!(store.receipt(&report).await, Ok(Some(_)));
    let words_wait = store.outbox().await.map_or(true, |rows| {
        rows.iter()
            .any(|row| row.id == report || row.id == format!("DocumentReference/{}", upload.id))
    });
    has_receipt && !words_wait
}

/// One upload on its way.
struct One<'a> {
    shared: &'a Arc<Shared>,
    upload: &'a Upload,
    /// An exchange ended well while this one waited: the word was for all.
    rung: &'a AtomicBool,
}

impl One<'_> {
    /// Ends well where the server has the bytes, or where there are none.
    async fn send(&self, in_pieces: &mut Option<bool>) -> Result<(), Stop> {
        let id = self.upload.id.clone();
        let size = self
            .shared
            .ask(async move |engine: &mut Engine| Ok(engine.open_store()?.blob_size(&id).await?))
            .await?;
        let Some(size) = size else { return Ok(()) };
        if super::is_service(&self.shared.http) {
            return self.as_resource().await;
        }
        let tus = Tus(Caller::Account(self.shared));
        let offered = match *in_pieces {
            Some(known) => known,
            None => *in_pieces.insert(tus.is_offered().await?),
        };
        if !offered {
            return self.whole().await;
        }
        match self.in_pieces(tus, size).await {
            // Too many are open, or a proxy lets the method through and not the rest.
            Err(Stop::Refused(Fault::Refused(405 | 429))) => self.whole().await,
            other => other,
        }
    }

    async fn in_pieces(&self, tus: Tus<'_>, size: u64) -> Result<(), Stop> {
        let seed = self
            .shared
            .ask(async |engine: &mut Engine| Ok(engine.seed))
            .await?;
        let mut pace = Pace::new(seed);
        let mut path = self.upload.place.clone();
        let (mut anew, mut reached) = (0, 0);
        let mut told = Instant::now();
        loop {
            let went = self
                .run(tus, size, &mut path, &mut pace, &mut reached, &mut told)
                .await;
            let fault = match went {
                Ok(()) => return Ok(()),
                Err(Stop::Fault(fault)) => fault,
                Err(Stop::Refused(Fault::Refused(404 | 410 | 460))) if path.is_some() => {
                    anew += 1;
                    path = None;
                    reached = 0;
                    self.keep_place(None).await?;
                    if anew > ANEW_AT_MOST {
                        return Err(Fault::Refused(410).into());
                    }
                    continue;
                }
                // It stands elsewhere, broke off there, or an earlier request of ours has it still: it is asked again.
                Err(Stop::Refused(Fault::Refused(408 | 409 | 423))) if path.is_some() => {
                    tokio::time::sleep(tus::IN_THE_WAY).await;
                    Fault::Cut
                }
                Err(stop) => return Err(stop),
            };
            let wait = pace.failed(fault).ok_or(Stop::Fault(fault))?;
            self.shared
                .tell(async |engine: &mut Engine| engine.uploading_now(None))
                .await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // An exchange went well: the link is back.
                () = self.shared.uploads.notified() => self.rung.store(true, Ordering::Relaxed),
            }
        }
    }

    /// Goes on where the server stands, to the end or to the first fault.
    async fn run(
        &self,
        tus: Tus<'_>,
        size: u64,
        path: &mut Option<String>,
        pace: &mut Pace,
        reached: &mut u64,
        told: &mut Instant,
    ) -> Result<(), Stop> {
        let (at, mut offset) = match path {
            Some(at) => (at.clone(), tus.offset(at).await?),
            None => {
                let made = self.create(tus, size).await?;
                self.keep_place(Some(made.path.clone())).await?;
                *path = Some(made.path.clone());
                (made.path, made.offset)
            }
        };
        if offset > *reached {
            *reached = offset;
            pace.moved();
        }
        while offset < size {
            self.words_first().await?;
            // Asked before each piece: the phone may have left the Wi-Fi, or the person may have said that it goes.
            self.link_is_free().await?;
            let (id, length) = (self.upload.id.clone(), pace.piece());
            let now = UploadNow {
                id: id.clone(),
                offset,
                size,
            };
            let tell = told.elapsed() >= TELL_EVERY;
            if tell {
                *told = Instant::now();
            }
            let bytes = self
                .shared
                .ask(async move |engine: &mut Engine| {
                    let bytes = engine.open_store()?.blob_part(&id, offset, length).await?;
                    if tell {
                        engine.uploading_now(Some(now));
                    }
                    Ok(bytes)
                })
                .await?;
            let (began, length) = (Instant::now(), bytes.len());
            offset = tus.append(&at, offset, bytes).await?;
            *reached = offset.max(*reached);
            pace.went(length, began.elapsed());
        }
        Ok(())
    }

    async fn create(&self, tus: Tus<'_>, size: u64) -> Result<Place, Stop> {
        let sha256 = self.sha256(size).await?;
        let metadata = [
            ("document", self.upload.id.as_str()),
            ("filetype", self.upload.content_type.as_str()),
            ("sha256", sha256.as_str()),
        ];
        Ok(tus.create(size, &metadata).await?)
    }

    /// Of all bytes, a part of them in memory at a time.
    async fn sha256(&self, size: u64) -> Result<String, Stop> {
        use std::fmt::Write as _;
        let (mut sum, mut offset) = (Sha256::new(), 0);
        while offset < size {
            let id = self.upload.id.clone();
            let part = self
                .shared
                .ask(async move |engine: &mut Engine| {
                    Ok(engine.open_store()?.blob_part(&id, offset, START).await?)
                })
                .await?;
            if part.is_empty() {
                break;
            }
            offset += part.len() as u64;
            sum.update(&part);
        }
        Ok(sum.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// Waits while words are on their way: a report never shares the link with a photo.
    async fn words_first(&self) -> Result<(), Stop> {
        let began = Instant::now();
        while began.elapsed() < EXCHANGE {
            let busy = self
                .shared
                // An exchange that only fetches does not hold it up: after each cut there is one.
                .ask(async |engine: &mut Engine| Ok(engine.exchange.is_some() && !engine.batch.is_empty()))
                .await?;
            if !busy {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn link_is_free(&self) -> Result<(), Stop> {
        let id = self.upload.id.clone();
        let goes = self
            .shared
            .ask(async move |engine: &mut Engine| {
                let now = engine.uploads().await?.into_iter().find(|upload| upload.id == id);
                match now {
                    Some(upload) => engine.goes(&upload).await,
                    None => Ok(Go::Now),
                }
            })
            .await?;
        match goes {
            Go::Now => Ok(()),
            Go::WaitsForFreeLink => Err(Stop::Costs),
        }
    }

    /// In one request, for a server that takes no pieces.
    async fn whole(&self) -> Result<(), Stop> {
        let Some(blob) = self.blob().await? else {
            return Ok(());
        };
        let path = format!("/fhir/Binary/{}", self.upload.id);
        let sent = self
            .shared
            .authorized(
                |token| {
                    self.shared
                        .http
                        .request(Method::PUT, &path, Some(token))
                        .header(CONTENT_TYPE, &self.upload.content_type)
                        // Sent again after a lost answer it is no change, which a carrier may not make.
                        .header(IF_NONE_MATCH, "*")
                        .header(
                            "x-security-context",
                            format!("DocumentReference/{}", self.upload.id),
                        )
                        .body(blob.bytes.clone())
                },
                Tries::Patient,
            )
            .await;
        match sent {
            // There already: an earlier try whose answer was lost.
            Ok(_) | Err(Fault::Refused(409 | 412)) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// To a FHIR service that is not ours: every one reads a Binary in JSON, and not every one raw bytes.
    async fn as_resource(&self) -> Result<(), Stop> {
        let Some(blob) = self.blob().await? else {
            return Ok(());
        };
        super::plain::put_binary(
            self.shared,
            &self.upload.id,
            &self.upload.content_type,
            &blob.bytes,
        )
        .await?;
        Ok(())
    }

    async fn blob(&self) -> Result<Option<Blob>, Stop> {
        let id = self.upload.id.clone();
        let read = async move |engine: &mut Engine| Ok(engine.open_store()?.blob_get(&id).await?);
        Ok(self.shared.ask(read).await?)
    }

    /// Remembers where the upload is, so that it goes on there after the app was killed.
    async fn keep_place(&self, place: Option<String>) -> Result<(), Stop> {
        let id = self.upload.id.clone();
        let kept = self
            .shared
            .ask(async move |engine: &mut Engine| {
                let mut all = engine.uploads().await?;
                if let Some(upload) = all.iter_mut().find(|upload| upload.id == id) {
                    upload.place = place;
                }
                engine.set_uploads(&all).await
            })
            .await;
        Ok(kept?)
    }
}

impl Engine {
    /// Notes what goes up now; the windows show how far it is.
    fn uploading_now(&mut self, now: Option<UploadNow>) {
        if self.uploading != now {
            self.uploading = now;
            self.changed(Tag::Outbox);
            self.changed(Tag::Reports);
        }
    }
}

async fn done(shared: &Arc<Shared>, id: String) {
    let noted = shared
        .ask(async move |engine: &mut Engine| {
            engine.upload_done(&id).await?;
            engine.uploading_now(None);
            Ok(())
        })
        .await;
    if noted.is_err() {
        tracing::warn!("An upload could not be noted; it is made once more");
    }
}
