//! The desk: queue and chart; claiming needs the server, because only one person can have an entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use hms_model::map::{task, triage};
use hms_model::role::Role;
use hms_model::time::Timestamp;
use hms_model::view::{BasisView, ChartView, ErrorCode, QueueView, SignalView};
use hms_model::wire::sync::{ChangeBody, WireChange};
use hms_store::{LocalChange, Stored};
use hms_triage::Answers;
use reqwest::header::{HeaderValue, IF_MATCH};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{json, Value};

use crate::client::{Client, Shared};
use crate::engine::Engine;
use crate::error::ClientError;
use crate::event::Tag;
use crate::net::{read_json, Fault, Tries};
use crate::session::Identity;
use crate::views;

/// A queue that is older than this is said to be.
const STALE_MS: i64 = 15_000;

/// One patient's link, as the server knows it.
#[derive(Deserialize)]
struct WireSignal {
    patient: String,
    connected: bool,
    #[serde(default)]
    rtt_ms: Option<u32>,
    #[serde(default)]
    loss_permille: Option<u32>,
    #[serde(default)]
    last_sync: Option<String>,
}

impl Client {
    /// The queue.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`], [`ErrorCode::NotAllowed`].
    pub async fn queue(&self) -> Result<QueueView, ClientError> {
        self.ask(async |engine: &mut Engine| engine.queue_view().await)
            .await
    }

    /// Takes an entry; only one person can.
    ///
    /// # Errors
    /// [`ErrorCode::Taken`], [`ErrorCode::Offline`].
    pub async fn queue_claim(&self, task: String) -> Result<QueueView, ClientError> {
        let who = self.staff().await?;
        self.change_task(task, move |entry| {
            task::claimed(entry, who.practitioner(), &who.name)
        })
        .await?;
        self.queue().await
    }

    /// Gives an entry back.
    ///
    /// # Errors
    /// [`ErrorCode::Taken`] where it is somebody else's, [`ErrorCode::Offline`].
    pub async fn queue_release(&self, task: String) -> Result<QueueView, ClientError> {
        let who = self.staff().await?;
        self.change_task(task, move |entry| task::released(entry, who.practitioner()))
            .await?;
        self.queue().await
    }

    /// Says whose a report is that names a person only in words: the server looks for the one person with this number
    /// and name.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where nobody fits, [`ErrorCode::Changed`] where somebody has said so already,
    /// [`ErrorCode::Offline`].
    pub async fn report_identify(
        &self,
        task: String,
        number: String,
        name: String,
    ) -> Result<ChartView, ClientError> {
        let wanted = task.clone();
        let stored = self
            .ask(async move |engine: &mut Engine| Ok(engine.task(&wanted).await?.0))
            .await?;
        let report = task::report(&stored.resource);
        let report = report.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
        let path = format!("/api/reports/{report}/person");
        let body = json!({ "number": number, "name": name });
        let make = |token: &_| {
            let request = self.shared.http.request(Method::POST, &path, Some(token));
            request.json(&body)
        };
        match self.shared.authorized(make, Tries::Quick).await {
            Ok(_) => {}
            Err(Fault::Refused(422)) => return Err(ClientError::new(ErrorCode::NotFound)),
            Err(fault) => return Err(fault.into()),
        }
        // The record of that person comes with the next sync, which is now.
        self.sync_now().await?;
        self.chart(task).await
    }

    /// Chart and workspace of an entry. That it was opened is told to the server, for the person to see.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Locked`].
    pub async fn chart(&self, task: String) -> Result<ChartView, ClientError> {
        let (view, report) = self
            .ask(async move |engine: &mut Engine| {
                let view = engine.chart_view(&task).await?;
                let report = view.report.as_ref().map(|report| report.id.clone());
                let first = report.filter(|report| engine.announced.insert(format!("read {report}")));
                Ok((view, first))
            })
            .await?;
        if let Some(report) = report {
            self.shared.spawn(tell_read(Arc::clone(&self.shared), report));
        }
        Ok(view)
    }

    /// What the engine can say of a check beside its result; `None` where its answers or its pack are not on this device.
    ///
    /// # Errors
    /// [`ErrorCode::NotAllowed`] but for clinicians and nurses, [`ErrorCode::Locked`].
    pub async fn check_basis(&self, check: String) -> Result<Option<BasisView>, ClientError> {
        let found = self
            .ask(async move |engine: &mut Engine| {
                engine.clinical()?;
                let id = format!("{check}-answers");
                let stored = engine.open_store()?.get("QuestionnaireResponse", &id).await?;
                let replay = stored
                    .as_ref()
                    .and_then(|stored| triage::replay(&stored.resource));
                let answers = replay.and_then(|text| serde_json::from_str::<Answers>(text).ok());
                let pack = answers
                    .as_ref()
                    .and_then(|answers| engine.packs.by_hash(answers.pack.as_deref()?));
                let lang = views::triage::lang(&engine.prefs.language);
                Ok(answers.zip(pack).map(|(answers, pack)| (answers, pack, lang)))
            })
            .await?;
        let Some((answers, pack, lang)) = found else {
            return Ok(None);
        };
        // The nearest change is searched for: tens of milliseconds that nothing else waits for.
        let view = tokio::task::spawn_blocking(move || views::basis::basis(&pack, &answers, lang));
        view.await.map(Some).map_err(ClientError::internal)
    }

    /// Closes an entry.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Changed`].
    pub async fn close_task(&self, task: String) -> Result<QueueView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            let (stored, _) = engine.task(&task).await?;
            let mut resource = stored.resource;
            set(&mut resource, "status", json!("completed"));
            engine.put_version("task-close", resource, stored.version).await?;
            engine.queue_view().await
        })
        .await
    }

    /// The account, which must be one of care.
    pub(super) async fn staff(&self) -> Result<Identity, ClientError> {
        self.ask(async |engine: &mut Engine| engine.clinical()).await
    }

    /// Changes a Task at the server, against the version that is known here; another version is fetched and
    /// judged once more.
    async fn change_task(
        &self,
        task: String,
        change: impl Fn(&Value) -> Option<Value>,
    ) -> Result<(), ClientError> {
        let wanted = task.clone();
        let stored = self
            .ask(async move |engine: &mut Engine| Ok(engine.task(&wanted).await?.0))
            .await?;
        let shared = &self.shared;
        let mut resource = stored.resource;
        let mut version = stored
            .version
            .ok_or_else(|| ClientError::new(ErrorCode::Changed))?;
        for last in [false, true] {
            let wish = change(&resource).ok_or_else(|| ClientError::new(ErrorCode::Taken))?;
            match put_at(shared, &format!("/fhir/Task/{task}"), &wish, &version).await {
                Ok(fresh) => {
                    return self
                        .ask(async move |engine: &mut Engine| engine.take_in(fresh).await)
                        .await;
                }
                Err(Fault::Refused(409 | 412)) if !last => {
                    let path = format!("/fhir/Task/{task}");
                    let get = |token: &_| shared.http.request(Method::GET, &path, Some(token));
                    let response = shared.authorized(get, Tries::Quick).await?;
                    let fresh: Value = read_json(response).await?;
                    version = views::text(&fresh, &["meta", "versionId"])
                        .unwrap_or_default()
                        .to_owned();
                    resource = fresh.clone();
                    self.ask(async move |engine: &mut Engine| engine.take_in(fresh).await)
                        .await?;
                }
                Err(Fault::Refused(409 | 412)) => return Err(ClientError::new(ErrorCode::Taken)),
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(ClientError::new(ErrorCode::Taken))
    }
}

async fn put_at(shared: &Arc<Shared>, path: &str, resource: &Value, version: &str) -> Result<Value, Fault> {
    let tag = HeaderValue::from_str(&format!("W/\"{version}\"")).map_err(|_| Fault::Unreadable)?;
    let make = |token: &_| {
        let request = shared.http.request(Method::PUT, path, Some(token));
        request
            .header(IF_MATCH, tag.clone())
            .header("content-type", "application/fhir+json")
            .body(resource.to_string())
    };
    read_json(shared.authorized(make, Tries::Quick).await?).await
}

/// Reads the report at the server, which notes who did.
async fn tell_read(shared: Arc<Shared>, report: String) {
    let path = format!("/fhir/QuestionnaireResponse/{report}");
    let make = |token: &_| shared.http.request(Method::GET, &path, Some(token));
    let told = shared.authorized(make, Tries::Patient).await;
    tracing::debug!(ok = told.is_ok(), "Told that a report was opened");
    if let Err(fault) = told {
        tracing::debug!(%fault, "That a report was opened could not be told");
        shared
            .tell(async move |engine: &mut Engine| {
                engine.announced.remove(&format!("read {report}"));
            })
            .await;
    }
}

/// Asks how patients are linked now, while a desk is open.
pub(crate) async fn refresh_signals(shared: &Arc<Shared>) {
    let make = |token: &_| {
        shared
            .http
            .request(Method::GET, "/api/queue/signals", Some(token))
    };
    let answer = match shared.authorized(make, Tries::Quick).await {
        Ok(response) => read_json::<Vec<WireSignal>>(response).await,
        Err(fault) => Err(fault),
    };
    shared
        .tell(async move |engine: &mut Engine| {
            match answer {
                Ok(list) => {
                    let fresh: BTreeMap<String, SignalView> = list.into_iter().map(signal).collect();
                    if fresh != engine.signals {
                        engine.signals = fresh;
                        engine.changed(Tag::Queue);
                    }
                    // The server hints at every change and its hint is followed at once: an answer now means
                    // that what is shown is its list.
                    if engine.visit.signal_live && !engine.core.is_syncing() {
                        engine.queue_as_of = Some(engine.now());
                    }
                }
                Err(fault) => {
                    engine.reached(Err(fault));
                    engine.changed(Tag::Queue);
                }
            }
        })
        .await;
}

fn signal(wire: WireSignal) -> (String, SignalView) {
    let view = SignalView {
        connected: wire.connected,
        rtt_ms: wire.rtt_ms,
        loss_permille: wire.loss_permille,
        last_sync_at: wire
            .last_sync
            .as_deref()
            .and_then(Timestamp::parse)
            .map(Timestamp::as_f64),
    };
    (wire.patient, view)
}

/// Sets an element of a resource.
pub(super) fn set(resource: &mut Value, element: &str, value: Value) {
    if let Some(map) = resource.as_object_mut() {
        map.insert(element.to_owned(), value);
    }
}

impl Engine {
    /// The account, which must be one of care.
    pub(crate) fn clinical(&self) -> Result<Identity, ClientError> {
        let who = self.who()?;
        match who.role {
            Role::Clinician | Role::Nurse => Ok(who),
            Role::Carrier
            | Role::Manager
            | Role::Hr
            | Role::Compliance
            | Role::Administrator
            | Role::System => Err(ClientError::new(ErrorCode::NotAllowed)),
        }
    }

    async fn queue_view(&mut self) -> Result<QueueView, ClientError> {
        let who = self.clinical()?;
        let records = views::of_queue(&self.open_store()?).await?;
        let items = views::queue::queue(&records, who.practitioner(), &self.signals, self.true_now());
        let age = self.queue_as_of.map(|at| self.now().since_ms(at));
        Ok(QueueView {
            items,
            as_of: self.queue_as_of.map(Timestamp::as_f64),
            stale: age.is_none_or(|age| age > STALE_MS),
        })
    }

    /// The chart of an entry.
    pub(super) async fn chart_view(&mut self, task: &str) -> Result<ChartView, ClientError> {
        self.clinical()?;
        let records = views::of_entry(&self.open_store()?, views::chart::KINDS, task).await?;
        let (sending, _) = self.sending().await?;
        let as_of = self.network.last_sync_at.map(Timestamp::as_f64);
        let view = views::chart::chart(task, &records, &sending, self.true_now(), as_of);
        let mut view = view.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
        let lang = views::triage::lang(&self.prefs.language);
        for check in &mut view.checks {
            check.signed = self.packs.status(&check.pack) == "signed";
            check.recalled = self.packs.why_recalled(&check.pack, lang);
        }
        Ok(view)
    }

    /// A Task, and who asks.
    pub(super) async fn task(&self, id: &str) -> Result<(Stored, Identity), ClientError> {
        let who = self.who()?;
        let stored = self.open_store()?.get("Task", id).await?;
        Ok((stored.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?, who))
    }

    /// Saves a record against the version that the person saw.
    pub(super) async fn put_version(
        &mut self,
        action: &str,
        resource: Value,
        base: Option<String>,
    ) -> Result<(), ClientError> {
        let change = LocalChange::put(resource).ok_or_else(|| ClientError::new(ErrorCode::Internal))?;
        self.save_changes(action, vec![LocalChange { base, ..change }])
            .await
    }

    /// Takes in a record that the server has just given, ahead of the next sync.
    pub(super) async fn take_in(&mut self, resource: Value) -> Result<(), ClientError> {
        let store = self.open_store()?;
        if let Some(cursor) = store.cursor().await? {
            let change = WireChange {
                change: ChangeBody::Resource(resource),
            };
            let report = store.apply_page(vec![change], cursor, self.now()).await?;
            self.records_changed(&report.changed).await;
        }
        self.core.handle(self.now(), hms_core::Input::Changed);
        Ok(())
    }
}
