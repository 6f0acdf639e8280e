//! The loop's part of the call: feeds the state machine, does its effects, passes pictures and figures on.

use std::sync::Arc;

use hms_core::call::visit::{VisitEffect, VisitInput};
use hms_core::Input;
use hms_media::{Call, CallError, CallEvent, CodeSeed, EndReason};
use hms_model::view::VisitCode;
use hms_model::wire::signal::{ToClient, ToServer, WireTurn};
use tokio::sync::mpsc;

use super::{CallOptions, Visit};
use crate::client::Shared;
use crate::config::MediaChoice;
use crate::engine::Engine;
use crate::event::{AlertKind, Tag};

/// Time for the last message to go out.
const LEAVING: std::time::Duration = std::time::Duration::from_millis(300);

impl Engine {
    /// Connects to the signalling, for as long as the app is open.
    pub(crate) fn start_signalling(&mut self) {
        // A FHIR service that is not ours rings nobody.
        if crate::sync::is_service(&self.shared.http) {
            return;
        }
        let (out, inbox) = mpsc::channel(crate::signal::OUT);
        self.visit.signal = Some(out);
        let work = crate::signal::run(Arc::clone(&self.shared), inbox);
        if let Some(earlier) = self.signalling.replace(self.shared.spawn(work)) {
            earlier.abort();
        }
    }

    /// The signalling is connected, or no longer.
    pub(crate) async fn signal_connected(&mut self, live: bool) {
        self.visit.signal_live = live;
        if !live {
            return;
        }
        let was_away = self.network.reached != Some(true);
        self.reached(Ok(()));
        if was_away {
            self.link_is_back().await;
        } else {
            // Hints may have been missed while it was away.
            self.core.handle(self.now(), Input::Changed);
        }
    }

    /// A message of the server.
    pub(crate) fn signal_arrived(&mut self, message: ToClient) {
        if let ToClient::Changed { .. } = &message {
            self.core.handle(self.now(), Input::Changed);
            return;
        }
        if matches!(message, ToClient::Ring { .. }) {
            self.visit.phone = Some(self.shared.config.server.help_phone.clone()).filter(|p| !p.is_empty());
        }
        self.visit_input(VisitInput::Signal(message));
    }

    /// Feeds the state machine and does what it wants done.
    pub(crate) fn visit_input(&mut self, input: VisitInput) {
        self.visit.machine.handle(self.now(), input);
        while let Some(effect) = self.visit.machine.poll_effect() {
            self.visit_effect(effect);
        }
        self.count_course();
        let active = self.visit.machine.is_active();
        if active != self.visit.was_active {
            self.visit.was_active = active;
            self.core.handle(self.now(), Input::Call { begins: active });
        }
        self.changed(Tag::Visit);
        self.shared.alarm.notify_one();
    }

    /// A letter more or less changes nothing that this window shows.
    pub(crate) fn visit_typing(&mut self, text: String) {
        self.visit.machine.handle(self.now(), VisitInput::Typing(text));
        while let Some(effect) = self.visit.machine.poll_effect() {
            self.visit_effect(effect);
        }
    }

    fn visit_effect(&mut self, effect: VisitEffect) {
        match effect {
            VisitEffect::Send(message) => self.signal_send(message),
            VisitEffect::StartOffer { turn } => self.start_engine(turn, None),
            VisitEffect::StartAnswer { turn, offer } => self.start_engine(turn, Some(offer)),
            VisitEffect::TakeAnswer(sdp) => self.with_call(Wish::TakeAnswer(sdp)),
            VisitEffect::TakeOffer(sdp) => self.with_call(Wish::TakeOffer(sdp)),
            VisitEffect::Restart => self.with_call(Wish::Restart),
            VisitEffect::SetMuted(muted) => {
                if let Some(call) = &self.visit.call {
                    call.set_muted(muted);
                }
            }
            VisitEffect::SetCamera(on) => {
                if let Some(call) = &self.visit.call {
                    call.set_camera_on(on);
                }
            }
            VisitEffect::TryPicture => {
                if let Some(call) = &self.visit.call {
                    call.try_picture();
                }
            }
            VisitEffect::ShowTyping { line, text } => {
                if let Some(call) = &self.visit.call {
                    call.show_typing(line, text);
                }
            }
            VisitEffect::StopEngine => self.stop_engine(),
            VisitEffect::Ring(true) => self.alert(AlertKind::Ring),
            VisitEffect::Ring(false) => {}
        }
    }

    fn signal_send(&mut self, message: ToServer) {
        let sent = self.visit.signal.as_ref().map(|out| out.try_send(message));
        if !matches!(sent, Some(Ok(()))) {
            // The server ends a visit whose side is away; a person sees that it does not go on.
            tracing::warn!("A signalling message could not be queued");
        }
    }

    fn start_engine(&mut self, turn: Vec<WireTurn>, offer: Option<String>) {
        self.stop_engine();
        self.visit.notes_kept = 0;
        self.visit.engine_number += 1;
        let number = self.visit.engine_number;
        let mut config = CallOptions::from_environment().config(&self.shared.config.media, turn);
        config.tls = Some(self.shared.http.socket_tls());
        config.proxies = self.shared.http.proxies().clone();
        config.code = self.visit.machine.id().map(|visit| CodeSeed {
            visit: visit.to_owned(),
            nonce: uuid::Uuid::new_v4().into_bytes(),
        });
        let shared = Arc::clone(&self.shared);
        let task = self.shared.spawn(async move {
            let started = match offer {
                None => Call::offer(config)
                    .await
                    .map(|(call, sdp)| (call, VisitInput::OfferReady(sdp))),
                Some(offer) => Call::answer(config, &offer)
                    .await
                    .map(|(call, sdp)| (call, VisitInput::AnswerReady(sdp))),
            };
            shared
                .tell(async move |engine: &mut Engine| engine.engine_started(number, started))
                .await;
        });
        self.visit.tasks.push(task);
    }

    fn engine_started(&mut self, number: u64, started: Result<(Call, VisitInput), CallError>) {
        if number != self.visit.engine_number {
            return;
        }
        match started {
            Ok((call, ready)) => {
                self.visit.counted.ready(self.now());
                let call = Arc::new(call);
                let view = self.visit.machine.view();
                call.set_muted(view.muted);
                call.set_camera_on(self.visit.machine.shows_picture());
                self.visit.call = Some(Arc::clone(&call));
                let watch = watch(Arc::clone(&self.shared), number, &call);
                self.visit.tasks.push(self.shared.spawn(watch));
                if let Some(figures) = super::figures::write(&self.shared.config.media, &call) {
                    self.visit.tasks.push(self.shared.spawn(figures));
                }
                self.visit_input(ready);
                if matches!(self.shared.config.media, MediaChoice::Synthetic { .. }) {
                    self.visit_input(VisitInput::StandIn);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "The call's engine could not be started");
                self.visit_input(VisitInput::EngineFailed);
            }
        }
    }

    /// Asks the running engine for something, and feeds the answer to the state machine.
    fn with_call(&mut self, wish: Wish) {
        let Some(call) = self.visit.call.clone() else {
            return;
        };
        let (shared, number) = (Arc::clone(&self.shared), self.visit.engine_number);
        let task = self.shared.spawn(async move {
            match wish.ask(&call).await {
                Ok(None) => {}
                Ok(Some(input)) => {
                    shared
                        .tell(async move |engine: &mut Engine| {
                            if number == engine.visit.engine_number {
                                engine.visit_input(input);
                            }
                        })
                        .await;
                }
                Err(error) => tracing::warn!(%error, "The call's engine refused"),
            }
        });
        self.visit.tasks.push(task);
    }

    fn stop_engine(&mut self) {
        for task in self.visit.tasks.drain(..) {
            task.abort();
        }
        self.visit.end_note();
        if !self.visit.spoken.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.shared.spawn(async move {
                shared
                    .tell(async |engine: &mut Engine| {
                        if let Err(error) = engine.keep_notes().await {
                            tracing::warn!(%error, "A spoken note could not be kept yet");
                        }
                    })
                    .await;
            });
        }
        self.visit.engine_number += 1;
        self.visit.stats = None;
        self.visit.last_frame = None;
        self.visit.code = VisitCode::default();
        self.visit.sharp = None;
        self.visit.giving = None;
        if let Some(call) = self.visit.call.take() {
            self.shared.spawn(async move {
                if let Some(call) = Arc::into_inner(call) {
                    call.hang_up().await;
                }
            });
        }
        self.shared.screens.remote.send_replace(None);
        self.shared.screens.own.send_replace(None);
    }

    /// Leaves a call that goes on while the app closes.
    pub(crate) async fn end_call(&mut self) {
        if self.visit.machine.is_active() {
            self.visit_input(VisitInput::Leave);
            // The other side learns at once that this one has left; a cut would look like a bad link.
            tokio::time::sleep(LEAVING).await;
        }
        self.stop_engine();
        self.keep_records().await;
        if let Err(error) = self.keep_notes().await {
            tracing::warn!(%error, "A spoken note could not be kept");
        }
        self.visit = Visit {
            engine_number: self.visit.engine_number,
            ..Visit::default()
        };
    }

    fn call_event(&mut self, number: u64, event: CallEvent) {
        if number != self.visit.engine_number {
            return;
        }
        let now = self.now();
        let counted = &mut self.visit.counted;
        match &event {
            CallEvent::Connected => counted.connected(now),
            CallEvent::FirstFrame => counted.first_frame(now),
            CallEvent::Lost => counted.lost(now),
            CallEvent::Recovered => counted.back(now),
            CallEvent::Moved | CallEvent::StandIn(_) | CallEvent::Ended(_) | CallEvent::Rung(_) => {}
        }
        match event {
            CallEvent::Connected | CallEvent::Recovered => self.visit_input(VisitInput::MediaUp),
            CallEvent::Lost => self.visit_input(VisitInput::MediaLost),
            CallEvent::Moved => {
                self.visit_input(VisitInput::Moved);
                self.shared.moved.notify_waiters();
            }
            CallEvent::StandIn(_) => self.visit_input(VisitInput::StandIn),
            CallEvent::Ended(EndReason::Failed) => self.visit_input(VisitInput::EngineFailed),
            // The signalling says who left and why.
            CallEvent::Ended(EndReason::HungUp | EndReason::FarSide) => {}
            CallEvent::FirstFrame | CallEvent::Rung(_) => self.changed(Tag::Visit),
        }
    }
}

/// Something that is asked of a running engine.
enum Wish {
    TakeAnswer(String),
    TakeOffer(String),
    Restart,
}

impl Wish {
    async fn ask(self, call: &Call) -> Result<Option<VisitInput>, CallError> {
        match self {
            Self::TakeAnswer(sdp) => call.accept_answer(&sdp).await.map(|()| None),
            Self::TakeOffer(sdp) => call
                .accept_offer(&sdp)
                .await
                .map(VisitInput::AnswerReady)
                .map(Some),
            Self::Restart => call.restart_ice().await.map(VisitInput::OfferReady).map(Some),
        }
    }
}

/// Passes the engine's pictures, figures and events on until it is gone.
fn watch(shared: Arc<Shared>, number: u64, call: &Call) -> impl std::future::Future<Output = ()> {
    let (mut remote, mut own) = (call.frames(), call.own_frames());
    let (mut stats, mut events) = (call.stats(), call.events());
    let (mut sharp, mut code, mut drafts) = (call.sharp(), call.code(), call.drafts());
    // A watch says nothing of what is there already.
    code.mark_changed();
    async move {
        loop {
            tokio::select! {
                changed = code.changed() => {
                    if changed.is_err() { return }
                    let made = code.borrow_and_update().clone();
                    shared
                        .tell(async move |engine: &mut Engine| {
                            if number == engine.visit.engine_number {
                                engine.visit.code = made;
                                engine.changed(Tag::Visit);
                            }
                        })
                        .await;
                }
                changed = drafts.changed() => {
                    if changed.is_err() { return }
                    let typed = drafts.borrow_and_update().clone();
                    shared
                        .tell(async move |engine: &mut Engine| {
                            if number == engine.visit.engine_number {
                                engine.visit_input(VisitInput::PeerTyping(typed));
                            }
                        })
                        .await;
                }
                changed = remote.changed() => {
                    if changed.is_err() { return }
                    shared.screens.remote.send_replace(remote.borrow_and_update().clone());
                }
                changed = own.changed() => {
                    if changed.is_err() { return }
                    shared.screens.own.send_replace(own.borrow_and_update().clone());
                }
                changed = stats.changed() => {
                    if changed.is_err() { return }
                    let figures = stats.borrow_and_update().clone();
                    let newest = shared.screens.remote.borrow().as_ref().and_then(|frame| frame.number);
                    shared
                        .tell(async move |engine: &mut Engine| {
                            if number == engine.visit.engine_number {
                                engine.meter_call(&figures);
                                engine.visit.counted.look(engine.now(), &figures);
                                engine.visit.stats = Some(figures);
                                engine.visit.last_frame = newest.or(engine.visit.last_frame);
                                engine.changed(Tag::Visit);
                            }
                        })
                        .await;
                }
                changed = sharp.changed() => {
                    if changed.is_err() { return }
                    let picture = sharp.borrow_and_update().clone();
                    if let Some(picture) = picture {
                        super::sharp::take(Arc::clone(&shared), number, picture).await;
                    }
                }
                event = events.recv() => {
                    let Some(event) = event else { return };
                    shared.tell(async move |engine: &mut Engine| engine.call_event(number, event)).await;
                }
            }
        }
    }
}
