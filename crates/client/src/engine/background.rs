//! Work that goes on by itself: deadlines of the core, a look for the server, delivery of sealed entries.

use std::sync::Arc;
use std::time::Duration;

use hms_core::call::visit::VisitInput;
use hms_core::Input;
use hms_model::time::Timestamp;
use hms_model::wire::session::WireHello;

use super::Engine;
use crate::client::Shared;
use crate::error::ClientError;
use crate::net::{Fault, Tries};
use crate::sabotage::dying;

/// A server that did not answer is looked for this often; the request is small and has no account in it.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Longest sleep: a clock that was set back must not hold a deadline for ever.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The signal column of an open desk is renewed this often.
const SIGNALS_EVERY: Duration = Duration::from_secs(5);

/// Starts it.
pub(crate) fn start_background(shared: &Arc<Shared>) {
    shared.spawn(deadlines(Arc::clone(shared)));
    shared.spawn(look_out(Arc::clone(shared)));
    shared.spawn(signals(Arc::clone(shared)));
    shared.spawn(dying("uploads", crate::sync::uploads(Arc::clone(shared))));
}

/// Keeps an open desk of care up to date on how patients are linked.
async fn signals(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(SIGNALS_EVERY).await;
        let wanted = shared
            .ask(async |engine: &mut Engine| Ok(engine.clinical().is_ok()))
            .await;
        match wanted {
            Ok(true) => crate::commands::refresh_signals(&shared).await,
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

/// Wakes the core at its deadlines.
async fn deadlines(shared: Arc<Shared>) {
    loop {
        let next = shared
            .ask(
                async |engine: &mut Engine| -> Result<Option<(Timestamp, Timestamp)>, ClientError> {
                    Ok(engine.next_deadline().map(|at| (at, engine.now())))
                },
            )
            .await;
        let Ok(next) = next else { return };
        let wait = next.map_or(LONGEST_SLEEP, |(at, now)| {
            Duration::from_millis(u64::try_from(at.since_ms(now)).unwrap_or(0))
        });
        let due = tokio::select! {
            () = tokio::time::sleep(wait.min(LONGEST_SLEEP)) => true,
            () = shared.alarm.notified() => false,
        };
        if due {
            shared
                .tell(async |engine: &mut Engine| {
                    let now = engine.now();
                    if engine.core.poll_timeout().is_some_and(|(at, _)| at <= now) {
                        engine.core.handle(now, Input::Timer);
                    }
                    if engine.visit.machine.poll_timeout().is_some_and(|at| at <= now) {
                        engine.visit_input(VisitInput::Timer);
                    }
                    engine.recheck_timer().await;
                })
                .await;
        }
    }
}

/// What there is to look for the server for.
struct Wanted {
    sealed: bool,
    offline: bool,
    key: bool,
}

/// Looks for the server while something waits for it, and delivers what is sealed.
async fn look_out(shared: Arc<Shared>) {
    loop {
        let wanted = shared
            .ask(async |engine: &mut Engine| {
                // Also what an earlier run did not finish.
                engine.leave_on().await;
                engine.lock_if_offline_too_long().await;
                engine.shared.http.meter().write(&engine.shared.config.dir);
                Ok(Wanted {
                    sealed: engine.sealed.entries.iter().any(|e| engine.is_to_deliver(e)),
                    offline: engine.store.is_some() && engine.network.reached == Some(false),
                    key: engine.network.reached.is_none()
                        || (engine.seal_key().is_none() && !crate::sync::is_service(&engine.shared.http)),
                })
            })
            .await;
        let Ok(wanted) = wanted else { return };
        if wanted.sealed || wanted.offline || wanted.key {
            look(&shared).await;
            if wanted.sealed {
                crate::sync::deliver_sealed(&shared).await;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(shared: &Arc<Shared>) {
    if crate::sync::is_service(&shared.http) {
        return look_for_service(shared).await;
    }
    let found = shared
        .http
        .get::<WireHello>("/api/hello", None, Tries::Quick)
        .await;
    shared
        .tell(async move |engine: &mut Engine| {
            let was_away = engine.network.reached != Some(true);
            engine.reached(found.as_ref().map(|_| ()).map_err(|fault| *fault));
            let Ok(hello) = found else { return };
            if engine.seal_key().is_none() {
                engine.prefs.pinned_key = Some(hello.hpke_public_key);
                let _ = engine.write_prefs();
            }
            if was_away {
                engine.link_is_back().await;
            }
        })
        .await;
}

/// A FHIR service that is not ours knows nothing of us: that it answers is all there is to know.
async fn look_for_service(shared: &Arc<Shared>) {
    let found = shared
        .http
        .get::<serde_json::Value>("/metadata", None, Tries::Quick)
        .await;
    let outcome = match found {
        Err(fault) if fault.problem().is_some() && fault != Fault::SignInNeeded => Err(fault),
        Ok(_) | Err(_) => Ok(()),
    };
    shared
        .tell(async move |engine: &mut Engine| {
            let was_away = engine.network.reached != Some(true);
            engine.reached(outcome);
            if was_away && outcome.is_ok() {
                engine.link_is_back().await;
            }
        })
        .await;
}

impl Engine {
    /// The server is reached again, by whichever way found it first: what waits goes now.
    pub(crate) async fn link_is_back(&mut self) {
        if let Some(store) = self.store.clone() {
            let _ = store.lift_waits().await;
        }
        self.core.handle(self.now(), Input::NetworkUp);
    }

    /// The next moment at which something is due by itself.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let core = self.core.poll_timeout().map(|(at, _)| at);
        let open = self.store.is_some();
        let recheck = self.recheck.as_ref().and_then(|recheck| recheck.deadline(open));
        core.into_iter()
            .chain(self.visit.machine.poll_timeout())
            .chain(recheck)
            .min()
    }

    /// The form that is being filled in now is not delivered yet; what was left behind earlier is.
    pub(crate) fn is_open_form(&self, id: &str) -> bool {
        self.form
            .as_ref()
            .is_some_and(|form| form.draft.report.as_str() == id)
    }
}
