//! A running call, as the client holds it.

mod beside;
mod conduct;
mod fit;
mod greeting;
mod mouth;
mod note;
mod playout;
#[cfg(test)]
mod rehearsal;
mod report;
mod senses;
mod session;
pub(crate) mod socket;
mod transport;
mod ways;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;

use hms_core::call::typed::Drafts;
use hms_model::view::VisitCode;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::{CallConfig, CallError, QualityRung};
pub use report::{
    CallEvent, CallStats, EndReason, MissingDevice, PathKind, RelayProtocol, SharpPicture, VideoFrame,
};
use session::{Command, Shared};

/// How long the camera may take for a photo.
const PHOTO_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// A call that runs on its own threads until [`Call::hang_up`] or drop.
///
/// The descriptions are SDP with all host and relay candidates inside (no trickling): they go to the other
/// side by whatever signalling the client has. Needs no tokio runtime of its own beyond the caller's.
pub struct Call {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

impl Call {
    /// Starts a call and returns the offer for the other side.
    ///
    /// # Errors
    /// If no socket, no codec or (with `relay_only`) no relay is to be had.
    pub async fn offer(config: CallConfig) -> Result<(Self, String), CallError> {
        let call = Self::start(config).await?;
        let offer = call.ask(Command::Offer).await?;
        Ok((call, offer))
    }

    /// Takes the other side's offer, starts a call and returns the answer for the other side.
    ///
    /// # Errors
    /// As [`Call::offer`], and if the offer is not a valid description.
    pub async fn answer(config: CallConfig, offer_sdp: &str) -> Result<(Self, String), CallError> {
        let call = Self::start(config).await?;
        let answer = call.accept_offer(offer_sdp).await?;
        Ok((call, answer))
    }

    /// Takes the answer to the last offer.
    ///
    /// # Errors
    /// If the answer is not valid or there is no open offer.
    pub async fn accept_answer(&self, answer_sdp: &str) -> Result<(), CallError> {
        let sdp = answer_sdp.to_owned();
        self.ask(|reply| Command::AcceptAnswer(sdp, reply)).await
    }

    /// Takes a further offer of the other side in a running call (after its [`Call::restart_ice`]) and
    /// returns the answer.
    ///
    /// # Errors
    /// If the offer is not valid.
    pub async fn accept_offer(&self, offer_sdp: &str) -> Result<String, CallError> {
        let sdp = offer_sdp.to_owned();
        self.ask(|reply| Command::AcceptOffer(sdp, reply)).await
    }

    /// Finds new paths (another network, a new address) and returns an offer for the other side, which
    /// answers it with [`Call::accept_offer`]. Sound and picture go on over the old path meanwhile.
    ///
    /// # Errors
    /// If the call is over or an offer is still open.
    pub async fn restart_ice(&self) -> Result<String, CallError> {
        self.ask(Command::RestartIce).await
    }

    /// The machine has another network, and this address leads out of it: the call opens new ways there, beside those it has, and
    /// goes on. Where the configuration binds no address the call notices by itself.
    ///
    /// # Errors
    /// If the call is over.
    pub async fn move_to(&self, ip: std::net::IpAddr) -> Result<(), CallError> {
        self.commands
            .send(Command::MoveTo(ip))
            .await
            .map_err(|_| CallError::Over)
    }

    /// Mutes or opens the microphone. Silence is sent while muted.
    pub fn set_muted(&self, muted: bool) {
        self.shared.controls.muted.store(muted, Relaxed);
    }

    /// Begins to keep what the microphone hears as a spoken note, muted or not; the far side hears what it did before. One that was
    /// being spoken is given up.
    ///
    /// # Errors
    /// If the sound cannot be coded.
    pub fn begin_note(&self) -> Result<(), CallError> {
        *self.shared.note() = Some(note::Note::begin()?);
        Ok(())
    }

    /// How many seconds of the note have been spoken, while one is. It ends by itself after two minutes.
    pub fn note_seconds(&self) -> Option<u64> {
        self.shared.note().as_ref().map(note::Note::seconds)
    }

    /// Ends the note; gives its file (Ogg Opus), where anything was spoken. The call's own end does not take it away.
    pub fn end_note(&self) -> Option<Vec<u8>> {
        let spoken = self.shared.note().take();
        spoken.and_then(note::Note::end)
    }

    /// Sends a small picture for some seconds, whatever the ladder thinks of the link: a person wants to see whether it
    /// is of use. A link without room for sound carries none.
    pub fn try_picture(&self) {
        self.shared.controls.try_picture.store(true, Relaxed);
    }

    /// Switches the camera on or off. The far side keeps the last picture while it is off.
    pub fn set_camera_on(&self, on: bool) {
        self.shared.controls.camera_on.store(on, Relaxed);
    }

    /// A photo of what is before the camera now, at its full size; nothing of it is sent. `None` where the camera gives
    /// nothing in time, or there is none.
    pub async fn photograph(&self) -> Option<VideoFrame> {
        let mut photos = self.shared.photos.subscribe();
        self.shared.controls.photograph.store(true, Relaxed);
        tokio::time::timeout(PHOTO_WITHIN, photos.changed())
            .await
            .ok()?
            .ok()?;
        let photo = photos.borrow_and_update().clone();
        photo
    }

    /// Sends the file of a sharp picture beside sound, part by part; it answers the far side's wish of this number.
    /// False where the far side takes none: a browser, or a channel that is not open yet.
    pub fn send_sharp(&self, number: u16, picture: Vec<u8>) -> bool {
        let open = self.shared.controls.beside_open.load(Relaxed);
        open && self.commands.try_send(Command::Sharp(number, picture)).is_ok()
    }

    /// The newest sharp picture of the far side.
    pub fn sharp(&self) -> watch::Receiver<Option<SharpPicture>> {
        self.shared.sharp.subscribe()
    }

    /// Shows the far side the line of this number as it is typed now, where it can: see [`Call::shows_typing`].
    pub fn show_typing(&self, line: u32, text: String) {
        // Full only where the call's thread stands still: the next letter tells the whole line again.
        let _ = self.commands.try_send(Command::Typed(line, text));
    }

    /// The far side shows words while they are typed here.
    pub fn shows_typing(&self) -> bool {
        let controls = &self.shared.controls;
        controls.beside_open.load(Relaxed) && controls.far_reads.load(Relaxed)
    }

    /// What the far side is typing.
    pub fn drafts(&self) -> watch::Receiver<Drafts> {
        self.shared.drafts.subscribe()
    }

    /// The code that the two people compare.
    pub fn code(&self) -> watch::Receiver<VisitCode> {
        self.shared.code.subscribe()
    }

    /// Sets the best rung that the call may use; the call itself goes lower if the link asks for it.
    pub fn set_rung(&self, rung: QualityRung) {
        self.shared.controls.set_ceiling(rung);
    }

    /// The newest remote picture; older ones are dropped.
    pub fn frames(&self) -> watch::Receiver<Option<VideoFrame>> {
        self.shared.frames.subscribe()
    }

    /// The newest own picture, as it is sent.
    pub fn own_frames(&self) -> watch::Receiver<Option<VideoFrame>> {
        self.shared.own_frames.subscribe()
    }

    /// The newest figures.
    pub fn stats(&self) -> watch::Receiver<CallStats> {
        self.shared.stats.subscribe()
    }

    /// The call's events, those so far included. Bounded at 64: a reader that stops reading loses later ones,
    /// and [`Call::stats`] still tells the state.
    pub fn events(&self) -> mpsc::Receiver<CallEvent> {
        self.shared.events.subscribe()
    }

    /// The far side's sound as it is played: 48 kHz mono, 20 ms a block. A slow reader loses the oldest.
    pub fn remote_audio(&self) -> broadcast::Receiver<Arc<[i16]>> {
        self.shared.remote_audio.subscribe()
    }

    /// Tells the other side that the call is over, ends it and waits for its threads.
    pub async fn hang_up(self) {
        let _ = self.ask(Command::HangUp).await;
    }

    async fn start(config: CallConfig) -> Result<Self, CallError> {
        let (commands, shared) = session::start(config).await?;
        Ok(Self { commands, shared })
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, CallError>>) -> Command,
    ) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| CallError::Over)?;
        answer.await.map_err(|_| CallError::Over)?
    }
}
