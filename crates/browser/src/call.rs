//! The call of a page: signalling, course, ladder, short code and what goes beside, around the browser's own engine.

mod asked;
mod told;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_core::call::code::{CodeSeed, Nonce, ShortCode};
use hms_core::call::data::{Joiner, StillKind, StillPart};
use hms_core::call::describe::{mark, says, READS};
use hms_core::call::quality::{Ladder, Link, Rung};
use hms_core::call::signal::SignalSession;
use hms_core::call::typed::{Drafts, Edit, Typist};
use hms_core::call::visit::{VisitEffect, VisitInput, VisitMachine};
use hms_model::time::Timestamp;
use hms_model::view::{VisitState, VisitView};
use hms_model::wire::signal::{SdpKind, ToClient, ToServer};
use serde_json::{json, Value};

pub(crate) use asked::Ask;
use asked::{Figures, What};
use told::{Came, Effect, Told};

/// Letters of this long go together.
const TYPED_EVERY_MS: i64 = 400;

/// Between the page's sockets and its engine.
#[derive(Default)]
pub(crate) struct CallCore {
    session: SignalSession,
    /// A WebSocket is open: what is to be said goes out by itself.
    socket: bool,
    /// Counts messages to the server: one that polls knows when to poll at once.
    said: u32,
    machine: VisitMachine,
    link: LinkSide,
    told: Told,
}

/// What belongs to one transport.
#[derive(Default)]
struct LinkSide {
    code: ShortCode,
    open: bool,
    reads: bool,
    typist: Typist,
    typed_due: Option<Timestamp>,
    drafts: Drafts,
    still: Joiner,
    sharp: Joiner,
    ladder: Option<Ladder>,
    figures: Figures,
}

impl CallCore {
    pub(crate) fn answer(&mut self, ask: Ask) -> Value {
        match ask {
            Ask::Hello { device } => self.session = SignalSession::new(&device),
            Ask::Connected => {
                self.socket = true;
                self.session.connected();
            }
            Ask::Disconnected => {
                self.socket = false;
                self.session.disconnected();
            }
            Ask::Frame { now, frame } => {
                if let Some(message) = self.session.arrived(frame) {
                    self.arrived(now, message);
                }
            }
            Ask::PollBody => return json!(self.session.poll_body()),
            Ask::Polled { now, answer } => {
                for message in self.session.polled(answer) {
                    self.arrived(now, message);
                }
            }
            Ask::Linked {
                rtt_ms,
                loss_permille,
            } => self.say(ToServer::Link {
                rtt_ms,
                loss_permille,
            }),
            Ask::Visit { now, what } => self.visit(now, what),
            Ask::Transport { nonce } => self.transport(&nonce),
            Ask::Heard { kind, sdp } => {
                self.link.code.hear(kind, &sdp);
                self.link.reads = says(&sdp, READS);
                self.tell_code();
            }
            Ask::Channel { now } => {
                self.link.open = true;
                self.tell_code();
                self.type_on(now);
            }
            Ask::Data { now, bytes } => self.data(now, &bytes),
            Ask::Look { now, link, figures } => self.look(now, link, figures),
            Ask::Show => {}
        }
        self.tell()
    }

    fn arrived(&mut self, now: Timestamp, message: ToClient) {
        match message {
            ToClient::Changed { .. } => self.told.changed = true,
            ToClient::Welcome { .. } => {}
            message => self.feed(now, VisitInput::Signal(message)),
        }
    }

    fn say(&mut self, message: ToServer) {
        self.said = self.said.wrapping_add(1);
        self.session.send(message);
    }

    fn visit(&mut self, now: Timestamp, what: What) {
        let input = match what {
            What::OfferReady { sdp } => VisitInput::OfferReady(self.described(SdpKind::Offer, &sdp)),
            What::AnswerReady { sdp } => VisitInput::AnswerReady(self.described(SdpKind::Answer, &sdp)),
            other => other.into_input(),
        };
        if matches!(input, VisitInput::MediaLost) {
            if let Some(ladder) = &mut self.link.ladder {
                ladder.outage();
            }
        }
        self.feed(now, input);
        self.type_on(now);
    }

    /// A description of the browser's engine, with what else the far side is to know.
    fn described(&mut self, kind: SdpKind, sdp: &str) -> String {
        let line = self.link.code.describe(kind, sdp);
        let words: Vec<&str> = [READS].into_iter().chain(line.as_deref()).collect();
        mark(sdp, &words)
    }

    /// A new transport begins: nothing of an earlier one is of use.
    fn transport(&mut self, nonce: &str) {
        let nonce: Option<Nonce> = STANDARD
            .decode(nonce)
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        let visit = self.machine.id().map(str::to_owned);
        let seed = visit.zip(nonce).map(|(visit, nonce)| CodeSeed { visit, nonce });
        self.link = LinkSide {
            code: ShortCode::new(seed),
            ..LinkSide::default()
        };
    }

    /// Feeds the machine and does what it wants done here; what only the page can do is told.
    fn feed(&mut self, now: Timestamp, input: VisitInput) {
        self.machine.handle(now, input);
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                VisitEffect::Send(message) => self.say(message),
                VisitEffect::ShowTyping { line, text } => self.link.typist.write(line, &text),
                VisitEffect::TryPicture => {
                    if let Some(ladder) = &mut self.link.ladder {
                        ladder.try_picture(now);
                    }
                }
                effect => self.told.effects.extend(Effect::of(effect)),
            }
        }
    }

    /// This side's number of the short code, once: the channel keeps it until it has arrived.
    fn tell_code(&mut self) {
        if !self.link.open {
            return;
        }
        if let Some(message) = self.link.code.to_tell() {
            self.told.data.push(STANDARD.encode(message));
            self.link.code.told();
        }
    }

    /// Sends what was typed since the last time; the first letter after a pause goes at once.
    fn type_on(&mut self, now: Timestamp) {
        let waits = self.link.typed_due.is_some_and(|due| now < due);
        if waits || !self.link.open || !self.link.reads {
            return;
        }
        if let Some(edit) = self.link.typist.next_edit() {
            self.told.data.push(STANDARD.encode(edit.to_bytes()));
            self.link.typist.sent(&edit);
            self.link.typed_due = Some(now.plus_ms(TYPED_EVERY_MS));
        }
    }

    fn data(&mut self, now: Timestamp, bytes: &str) {
        let Ok(bytes) = STANDARD.decode(bytes) else { return };
        self.link.code.revealed(&bytes);
        if let Some(edit) = Edit::from_bytes(&bytes) {
            self.link.drafts.take(&edit);
            let drafts = self.link.drafts.clone();
            self.feed(now, VisitInput::PeerTyping(drafts));
        } else if let Some(part) = StillPart::from_bytes(&bytes) {
            let (kind, number) = (part.kind, part.still);
            let picture = match kind {
                StillKind::Quick => self.link.still.take(part),
                StillKind::Sharp => self.link.sharp.take(part),
            };
            if let Some(picture) = picture {
                self.told.pictures.push(Came {
                    sharp: kind == StillKind::Sharp,
                    number,
                    bytes: STANDARD.encode(picture),
                });
            }
        }
    }

    fn look(&mut self, now: Timestamp, link: Link, figures: Figures) {
        let first = || Ladder::new(Rung::at_first(link.rtt_ms));
        self.link.ladder.get_or_insert_with(first).observe(now, link);
        self.link.figures = figures;
        self.type_on(now);
    }

    /// All that follows from what was asked.
    fn tell(&mut self) -> Value {
        while let Some(frame) = self.socket.then(|| self.session.poll_frame()).flatten() {
            self.told.frames.push(frame);
        }
        let typed = self
            .link
            .typed_due
            .filter(|_| self.link.typist.waits() && self.link.open);
        let next = self.machine.poll_timeout().into_iter().chain(typed).min();
        let rung = self.link.ladder.as_ref().map(Ladder::rung);
        let mut told = json!(std::mem::take(&mut self.told));
        if let Some(told) = told.as_object_mut() {
            told.insert("live".into(), json!(self.session.is_live()));
            told.insert("said".into(), json!(self.said));
            told.insert("at".into(), json!(next));
            told.insert("rung".into(), json!(rung.map(|rung| (rung, rung.settings()))));
            told.insert("picture".into(), json!(self.machine.shows_picture()));
            told.insert("view".into(), crate::shown(&self.view()));
            told.insert("phone".into(), json!(self.machine.offers_phone()));
        }
        told
    }

    fn view(&self) -> VisitView {
        let mut view = self.machine.view();
        let Some(rung) = self.link.ladder.as_ref().map(Ladder::rung) else {
            return view;
        };
        view.code = self.link.code.state().clone();
        view.live_text = self.link.open && self.link.reads;
        view.sharp_percent = self.link.sharp.percent();
        if view.state == VisitState::InCall {
            // Of a line that is lost there are none.
            self.link.figures.fill(&mut view);
            view.quality = match (rung.word(), view.sound_only || view.peer_sound_only) {
                ("picture_small" | "picture_paused", true) => "weak".to_owned(),
                (word, _) => word.to_owned(),
            };
        }
        view
    }
}

#[cfg(test)]
mod tests;
