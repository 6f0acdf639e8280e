//! What is kept of a plain server in the encrypted store.

use std::collections::BTreeMap;

use hms_core::sync::plain::{Abilities, Form, Names};
use hms_model::wire::sync::{ChangeBody, WireChange};
use hms_store::{Note, Store, StoreError};
use serde_json::Value;

/// What the server can do.
const SERVER: &str = "plain/server";
/// What the server calls a record that was made here.
const NAME: &str = "plain/name/";
/// How the server writes a record that was sent.
const FORM: &str = "plain/form/";

/// Names and forms of one exchange.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) names: Names,
    forms: BTreeMap<String, Form>,
}

impl Memory {
    pub(super) async fn load(store: &Store) -> Result<Self, StoreError> {
        let mut memory = Self::default();
        for (here, there) in store.meta_under(NAME).await? {
            memory.names.learn(&here, &there);
        }
        for (id, text) in store.meta_under(FORM).await? {
            if let Ok(form) = serde_json::from_str(&text) {
                memory.forms.insert(id, form);
            }
        }
        Ok(memory)
    }

    /// What the server calls a record that it has made now.
    pub(super) fn name(&mut self, here: &str, there: &str) -> Note {
        self.names.learn(here, there);
        (format!("{NAME}{here}"), Some(there.to_owned()))
    }

    /// How the server wrote what was sent to it; nothing is kept where it is as it was sent.
    pub(super) fn form(&mut self, base: &str, id: &str, sent: &Value, written: &Value) -> Note {
        let form = self
            .names
            .inbound(base, written)
            .map(|(_, there)| Form::between(sent, &there))
            .unwrap_or_default();
        let text = serde_json::to_string(&form).ok().filter(|_| !form.is_empty());
        match &text {
            Some(_) => self.forms.insert(id.to_owned(), form),
            None => self.forms.remove(id),
        };
        (format!("{FORM}{id}"), text)
    }

    /// A record of the server as this device reads it, and its id here.
    pub(super) fn read(&self, base: &str, record: &Value) -> Option<(String, Value)> {
        let (id, found) = self.names.inbound(base, record)?;
        let found = self
            .forms
            .get(&id)
            .map(|form| form.restore(&found))
            .unwrap_or(found);
        Some((id, found))
    }

    /// The same as a change of a page.
    pub(super) fn change(&self, base: &str, record: &Value) -> Option<WireChange> {
        let (_, found) = self.read(base, record)?;
        Some(WireChange {
            change: ChangeBody::Resource(found),
        })
    }
}

/// What is known of the server at this address; `None` before it was asked.
pub(super) async fn abilities(store: &Store, base: &str) -> Result<Option<Abilities>, StoreError> {
    let text = store.meta_get(SERVER).await?;
    let known: Option<Abilities> = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(known.filter(|known| known.base == base))
}

/// Keeps what is known of the server.
pub(super) async fn keep(store: &Store, abilities: &Abilities) -> Result<(), StoreError> {
    let text = serde_json::to_string(abilities).ok();
    store.meta_put(SERVER, text).await
}
