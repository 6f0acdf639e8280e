//! What a server can do: what its CapabilityStatement says, corrected by what it does.

use hms_model::view::Lack;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether a server does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// It has not been tried yet.
    #[default]
    Unknown,
    /// It was tried, and did.
    Yes,
    /// It was tried, and did not.
    No,
}

impl Ability {
    fn of(shown: bool) -> Self {
        if shown {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// What is known of a server. Kept per address; what it says counts less than what it does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Address of its FHIR service; what is known of another one says nothing about it.
    pub base: String,
    /// What it calls itself, for the pages.
    #[serde(default)]
    pub software: String,
    /// It offers `$hms-sync`: then nothing of the rest is used.
    #[serde(default)]
    pub hms_sync: bool,
    /// Types that it says it has; empty where it does not say.
    #[serde(default)]
    pub types: BTreeSet<String>,
    /// Several requests in one Bundle.
    #[serde(default)]
    pub batch: Ability,
    /// A PUT makes a record under the id that the client chose.
    #[serde(default)]
    pub update_creates: Ability,
    /// `If-None-Match: *` is heeded: a second create is refused.
    #[serde(default)]
    pub if_none_match: Ability,
    /// `If-None-Exist` is heeded: a second create finds the first.
    #[serde(default)]
    pub if_none_exist: Ability,
    /// `If-Match` is heeded: an update of an older version is refused.
    #[serde(default)]
    pub if_match: Ability,
    /// `[type]/_history`, which shows deletions.
    #[serde(default)]
    pub history: Ability,
    /// `[type]/[id]/_history`.
    #[serde(default)]
    pub versions: Ability,
    /// Searching by `_lastUpdated`.
    #[serde(default)]
    pub last_updated: Ability,
    /// Requests that it refused as not for it (405, 501): `PUT Task`.
    #[serde(default)]
    pub refused: BTreeSet<String>,
}

impl Abilities {
    /// Nothing known yet of the server at this address.
    #[must_use]
    pub fn of(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..Self::default()
        }
    }

    /// Reads a CapabilityStatement; `None` where it is none.
    #[must_use]
    pub fn read(base: &str, statement: &Value) -> Option<Self> {
        if statement.get("resourceType")?.as_str()? != "CapabilityStatement" {
            return None;
        }
        let mut found = Self::of(base);
        let software = statement
            .get("software")
            .or_else(|| statement.get("implementation"));
        found.software = text(software, "name")
            .or_else(|| text(software, "description"))
            .unwrap_or_default()
            .to_owned();
        let rest = statement.get("rest").and_then(|rest| rest.get(0));
        let operations = rest
            .and_then(|rest| rest.get("operation"))
            .into_iter()
            .flat_map(list);
        found.hms_sync = operations
            .into_iter()
            .any(|it| text(Some(it), "name") == Some("hms-sync"));
        let resources: Vec<&Value> = rest
            .and_then(|rest| rest.get("resource"))
            .into_iter()
            .flat_map(list)
            .collect();
        found.types = resources
            .iter()
            .filter_map(|it| text(Some(it), "type").map(str::to_owned))
            .collect();
        if let Some(interactions) = rest.and_then(|rest| rest.get("interaction")) {
            // A list that leaves `batch` out says no; no list says nothing.
            if !list(interactions).any(|it| matches!(text(Some(it), "code"), Some("batch" | "transaction"))) {
                found.batch = Ability::No;
            }
        }
        let offers = |code: &str| {
            resources
                .iter()
                .filter_map(|it| it.get("interaction"))
                .any(|it| list(it).any(|it| text(Some(it), "code") == Some(code)))
        };
        let says = resources.iter().any(|it| it.get("interaction").is_some());
        if says && !offers("history-type") {
            found.history = Ability::No;
        }
        if says && !offers("history-instance") {
            found.versions = Ability::No;
        }
        let flag = |name: &str| resources.iter().filter_map(|it| it.get(name)?.as_bool()).next();
        // A statement that says no is believed; one that says yes is tried first.
        if flag("updateCreate") == Some(false) {
            found.update_creates = Ability::No;
        }
        if flag("conditionalCreate") == Some(false) {
            found.if_none_exist = Ability::No;
        }
        Some(found)
    }

    /// Whether a type is asked for at all.
    #[must_use]
    pub fn has(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.contains(kind)
    }

    /// A request was answered as not for this server (S1). True where something is known now that was not before: the
    /// same is not asked again, and what the path has instead is used.
    pub fn downgrade(&mut self, what: &str, status: u16) -> bool {
        if !matches!(status, 405 | 501) {
            return false;
        }
        let ability = match what {
            "batch" => &mut self.batch,
            "history" => &mut self.history,
            "versions" => &mut self.versions,
            "last-updated" => &mut self.last_updated,
            other => return self.refused.insert(other.to_owned()),
        };
        std::mem::replace(ability, Ability::No) != Ability::No
    }

    /// Notes what an attempt has shown, unless it was known.
    pub(super) fn learn(ability: &mut Ability, shown: bool) {
        if *ability == Ability::Unknown {
            *ability = Ability::of(shown);
        }
    }

    /// What this server cannot do, of what people should know.
    #[must_use]
    pub fn lacks(&self) -> Vec<Lack> {
        let own_ids = self.update_creates == Ability::No || self.if_none_match == Ability::No;
        [
            (self.if_match == Ability::No, Lack::VersionCheck),
            (self.history == Ability::No, Lack::Deletions),
            (own_ids, Lack::OwnIds),
            (
                self.last_updated == Ability::No && self.history == Ability::No,
                Lack::News,
            ),
            (self.batch == Ability::No, Lack::Batches),
        ]
        .into_iter()
        .filter_map(|(lacks, what)| lacks.then_some(what))
        .collect()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: Option<&'a Value>, name: &str) -> Option<&'a str> {
    value?.get(name)?.as_str()
}
