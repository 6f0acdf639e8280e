//! Does what the pure core decides.

use std::sync::Arc;

use hms_core::sync::SyncEnd;
use hms_core::{Effect, Input};
use hms_model::role::Role;
use hms_model::view::NetworkProblem;

use super::Engine;
use crate::event::{AlertKind, Tag};
use crate::net::Fault;
use crate::sabotage::dying;
use crate::views;

impl Engine {
    /// Drains the effects of the core.
    pub(crate) async fn pump(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::StartSync { max_ops } => {
                    let work = crate::sync::exchange(Arc::clone(&self.shared), max_ops);
                    let work = dying("exchange", work);
                    self.network.trying = true;
                    self.exchange = Some(self.shared.spawn(work));
                    self.changed(Tag::App);
                }
                Effect::AbortSync => {
                    if let Some(task) = self.exchange.take() {
                        task.abort();
                    }
                    self.batch.clear();
                    self.prune_receipted();
                    self.network.trying = false;
                }
                Effect::AskSignIn => {
                    self.network.problem = Some(NetworkProblem::SignInNeeded);
                    self.changed(Tag::App);
                }
                // A desk is locked by its system; a phone is put away unlocked.
                Effect::Lock if self.is_staff() => self.core.handle(self.now(), Input::AppOpened),
                Effect::Lock => self.lock_app().await,
            }
            self.shared.alarm.notify_one();
        }
        if let Some(why) = self.shared.tokens.ended() {
            self.begin_leaving(why.into()).await;
        }
        // The end of an exchange may bring a deadline forward without any effect: whoever sleeps must learn of it.
        let next = self.next_deadline();
        if next != self.armed {
            self.armed = next;
            self.shared.alarm.notify_one();
        }
    }

    /// True at a clinician's, nurse's or manager's desk.
    pub(crate) fn is_staff(&self) -> bool {
        match self.role() {
            Some(Role::Carrier) => false,
            Some(_) => true,
            None => self.shared.config.staff,
        }
    }

    /// Notes how the last request went.
    pub(crate) fn reached(&mut self, outcome: Result<(), Fault>) {
        let before = (self.network.reached, self.network.problem, self.network.trying);
        self.network.trying = false;
        match outcome {
            Ok(()) => {
                self.network.reached = Some(true);
                self.network.problem = None;
            }
            Err(fault) => {
                if let Some(problem) = fault.problem() {
                    self.network.reached = Some(problem == NetworkProblem::SignInNeeded);
                    self.network.problem = Some(problem);
                }
            }
        }
        if before != (self.network.reached, self.network.problem, self.network.trying) {
            self.changed(Tag::App);
        }
        self.keep_skew();
    }

    /// Remembers what is known of this phone's clock over a restart.
    fn keep_skew(&mut self) {
        let skew = self.shared.http.link().clock_off_ms();
        let moved = match (self.prefs.skew_ms, skew) {
            (None, None) => false,
            (Some(old), Some(new)) => (old - new).abs() > 60_000,
            (None, Some(_)) | (Some(_), None) => true,
        };
        if moved {
            self.prefs.skew_ms = skew;
            if let Err(error) = self.write_prefs() {
                tracing::warn!(%error, "The clock's error could not be kept");
            }
            self.changed(Tag::App);
        }
    }

    /// An exchange ended.
    pub(crate) async fn exchange_ended(&mut self, end: SyncEnd) {
        self.exchange = None;
        self.batch.clear();
        self.prune_receipted();
        if let (SyncEnd::Done { .. }, Some(store)) = (end, self.store.clone()) {
            let now = self.now();
            self.network.last_sync_at = Some(now);
            self.queue_as_of = Some(now);
            let _ = store
                .meta_put(super::open::LAST_SYNC, Some(now.0.to_string()))
                .await;
            self.was_online(&store).await;
            self.tell_records();
            self.note_space(&store);
            self.changed(Tag::App);
            self.changed(Tag::Queue);
        }
        // What was "sending" waits again, or has its receipt: both lists show it.
        self.changed(Tag::Outbox);
        self.changed(Tag::Reports);
        self.core.handle(self.now(), Input::SyncFinished(end));
    }

    /// Lets the journal go of what the server has.
    pub(crate) fn prune_receipted(&mut self) {
        let done = std::mem::take(&mut self.receipted);
        if done.is_empty() {
            return;
        }
        let sent: Vec<_> = done.iter().collect();
        if let Err(error) = self.journal.prune_sent(&sent) {
            tracing::warn!(%error, "The journal could not be pruned");
        }
    }

    /// Records changed: tells the windows, and calls for attention where an emergency came in.
    pub(crate) async fn records_changed(&mut self, ids: &[String]) {
        for id in ids {
            for tag in tags_of(id) {
                self.changed(*tag);
            }
        }
        self.take_packs(ids).await;
        if ids.iter().any(|id| id.starts_with("Encounter/")) {
            self.note_recheck().await;
        }
        let care = matches!(self.role(), Some(Role::Clinician | Role::Nurse));
        let Some(store) = self.store.clone().filter(|_| care) else {
            return;
        };
        for id in ids.iter().filter_map(|id| id.strip_prefix("Task/")) {
            let Ok(Some(stored)) = store.get("Task", id).await else {
                continue;
            };
            if views::queue::is_new_emergency(&stored.resource) && self.announced.insert(id.to_owned()) {
                self.alert(AlertKind::UrgentCase);
            }
        }
    }
}

/// What changes for the windows with a record (`Type/id`).
pub(crate) fn tags_of(id: &str) -> &'static [Tag] {
    match id.split_once('/').map_or(id, |(kind, _)| kind) {
        "QuestionnaireResponse" | "RiskAssessment" | "DocumentReference" => {
            &[Tag::Reports, Tag::Queue, Tag::Chart, Tag::Summaries]
        }
        "Task" => &[Tag::Queue, Tag::Chart, Tag::Manager, Tag::Summaries],
        "AuditEvent" => &[Tag::Reports],
        "Patient" | "Practitioner" => &[Tag::Queue, Tag::Chart, Tag::Summaries],
        _ => &[Tag::Chart, Tag::Summaries],
    }
}
