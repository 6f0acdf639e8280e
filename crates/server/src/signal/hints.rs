//! Tells connected clients that something in their scope changed. A hint; the cursor of the sync is the truth.

use super::hub::Input;
use super::visits::actor_of;
use crate::app::App;
use crate::db::sqlite::table;
use crate::db::{Changed, DbError};
use crate::service::sync::scope::Scope;
use hms_model::role::Role;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::Receiver;

/// Changes are collected for this long before anybody is told.
const COLLECT: Duration = Duration::from_millis(200);
/// More changes than this at once, as in an import, and everybody is told without looking at each.
const TOO_MANY: usize = 500;

/// Collects changes and tells whom they concern, until the server ends.
pub async fn run(app: App, mut events: Receiver<Changed>) {
    loop {
        let mut changes: Vec<Changed> = Vec::new();
        match events.recv().await {
            Ok(change) => changes.push(change),
            Err(RecvError::Lagged(_)) => tell_everybody(&app).await,
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(COLLECT).await;
        let mut all = false;
        loop {
            match events.try_recv() {
                Ok(change) => changes.push(change),
                Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) => all = true,
                Err(_) => break,
            }
        }
        if all || changes.len() > TOO_MANY {
            tell_everybody(&app).await;
            continue;
        }
        match concerned(&app, changes).await {
            Ok(hints) => {
                for (user, types) in hints {
                    app.signal.tell(Input::Changed { user, types }).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "Whom a change concerns could not be found; everybody is told");
                tell_everybody(&app).await;
            }
        }
    }
}

async fn tell_everybody(app: &App) {
    for user in app.signal.connected() {
        let types = BTreeSet::from(["Task".to_owned(), "QuestionnaireResponse".to_owned()]);
        app.signal.tell(Input::Changed { user, types }).await;
    }
}

async fn concerned(app: &App, changes: Vec<Changed>) -> Result<BTreeMap<String, BTreeSet<String>>, DbError> {
    let connected = app.signal.connected();
    if connected.is_empty() {
        return Ok(BTreeMap::new());
    }
    app.db
        .read(move |read| {
            let mut seen = HashSet::new();
            let mut found = Vec::new();
            for change in changes
                .into_iter()
                .filter(|c| seen.insert((c.kind.clone(), c.id.clone())))
            {
                let body = match table::resource::get(read.conn(), &change.kind, &change.id)? {
                    Some(stored) if !stored.deleted => Some(stored.value()?),
                    _ => None,
                };
                found.push((change, body));
            }
            let mut hints: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for user in connected {
                let Some(actor) = table::user::by_id(read.conn(), &user)?.and_then(|u| actor_of(u, None))
                else {
                    continue;
                };
                let mut scope = Scope::new(read.conn(), &actor);
                for (change, body) in &found {
                    let touches = match (body, &change.patient) {
                        (Some(body), _) if scope.holds(&change.kind, &change.id, body, None)? => true,
                        // What left the scope concerns whoever may have had it: patients come and go with these.
                        (_, Some(patient)) => {
                            let decides = ["Task", "Encounter", "Patient"].contains(&change.kind.as_str());
                            (actor.role == Role::Clinician && decides)
                                || scope.facts(patient)?.any(actor.role) && body.is_none()
                        }
                        (_, None) => actor.role == Role::Clinician && change.kind == "Task",
                    };
                    if touches {
                        hints.entry(user.clone()).or_default().insert(change.kind.clone());
                    }
                }
            }
            Ok(hints)
        })
        .await
}
