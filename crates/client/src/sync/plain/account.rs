//! Exchanges of the signed-in account with a server that is not ours, and how it is found out that it is none.

use std::sync::Arc;

use hms_core::sync::plain::Abilities;
use hms_model::wire::sync::WireOp;
use hms_store::{Store, StoreError};

use super::line::{service_of, Caller, Line};
use super::push::Kept;
use super::{Brought, Plain, PlainError};
use crate::client::Shared;
use crate::engine::Engine;
use crate::net::{Fault, Http};

/// Whether the address is that of a FHIR service, and not of a server like ours: those have no path.
pub(crate) fn is_service(http: &Http) -> bool {
    service_of(http.base()) == http.base()
}

/// What the server can do, where it is one without `$hms-sync`. An address like ours is taken for one of ours until
/// it has said otherwise.
pub(crate) async fn is_plain(shared: &Shared, store: &Store) -> Result<Option<Abilities>, PlainError> {
    let base = service_of(shared.http.base());
    let known = match super::memory::abilities(store, &base).await? {
        None if is_service(&shared.http) => Some(ask(shared, store, &base).await?),
        known => known,
    };
    Ok(known.filter(|known| !known.hms_sync))
}

/// What is known of a server that is not ours, without asking it.
pub(crate) async fn known(shared: &Shared, store: &Store) -> Result<Option<Abilities>, StoreError> {
    let known = super::memory::abilities(store, &service_of(shared.http.base())).await?;
    Ok(known.filter(|known| !known.hms_sync))
}

/// The server did not take an exchange: whether it says of itself that it has none.
pub(crate) async fn has_no_exchange(shared: &Shared, store: &Store, fault: Fault) -> Option<Abilities> {
    if !matches!(fault, Fault::Refused(400 | 404 | 405 | 501) | Fault::Server(501)) {
        return None;
    }
    let base = service_of(shared.http.base());
    let found = ask(shared, store, &base).await.ok()?;
    (!found.hms_sync && !found.types.is_empty()).then_some(found)
}

async fn ask(shared: &Shared, store: &Store, base: &str) -> Result<Abilities, PlainError> {
    let line = Line {
        caller: Caller::Account(shared),
        base,
    };
    super::abilities(line, store).await
}

/// One exchange; what was answered is in `answered`, also where it ends early. `kept` says what became of each.
pub(crate) async fn exchange(
    shared: &Arc<Shared>,
    store: &Store,
    ops: &[WireOp],
    seed: u64,
    mut abilities: Abilities,
    answered: &mut Vec<i64>,
) -> (Result<(), PlainError>, Vec<Kept>) {
    let patient = shared
        .ask(async |engine: &mut Engine| {
            let who = engine.who()?;
            Ok(who.patient().map(|id| format!("Patient/{id}")))
        })
        .await
        .ok()
        .flatten();
    let base = abilities.base.clone();
    let plain = Plain {
        line: Line {
            caller: Caller::Account(shared),
            base: &base,
        },
        store,
        ops,
        patient: patient.as_deref(),
        now: shared.config.clock.now(),
        seed,
    };
    let mut brought = Brought::default();
    let before = abilities.lacks();
    let ended = plain.run(&mut abilities, &mut brought).await;
    let lacks = abilities.lacks();
    if lacks != before {
        tracing::info!(?lacks, "This server cannot do all that ours can");
    }
    answered.append(&mut brought.answered);
    let changed = brought.changed;
    if !changed.is_empty() {
        shared
            .tell(async move |engine: &mut Engine| engine.records_changed(&changed).await)
            .await;
    }
    (ended, brought.kept)
}
