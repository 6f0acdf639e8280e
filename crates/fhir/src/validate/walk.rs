//! The walk over a resource beside its definition.

use super::path::Path;
use super::{Check, MAX_ISSUES};
use crate::issue::IssueCode;
use crate::tables::{tables, Element, Fit, Kind, Primitive, Prop, TypeDef};
use serde_json::{Map, Value};

/// Where a resource stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On its own.
    Top,
    /// In `contained`.
    Contained,
    /// In a bundle or in Parameters.
    Entry,
}

/// Which of the two JSON keys of a primitive is being checked.
#[derive(Clone, Copy)]
enum Side {
    /// The value's own.
    Value,
    /// The one with the underscore.
    Extensions {
        /// Whether there is a value beside it.
        with_value: bool,
    },
}

impl<'v> Check<'v> {
    /// Checks a complete resource.
    pub(super) fn resource(&mut self, value: &'v Value, path: &Path<'_>, place: Place) {
        let Value::Object(map) = value else {
            return self.refuse(path, IssueCode::Structure, "must be an object");
        };
        let type_path = path.key("resourceType");
        let name = match map.get("resourceType") {
            Some(Value::String(name)) => name,
            Some(_) => return self.refuse(&type_path, IssueCode::Structure, "must be text"),
            None => return self.refuse(&type_path, IssueCode::Required, "the resource type is missing"),
        };
        let Some(def) = tables().resource(name) else {
            return self.refuse(
                &type_path,
                IssueCode::Unknown,
                "not a resource type that is accepted here",
            );
        };
        if place == Place::Contained {
            self.contained_rules(map, path);
            return self.object(map, def, path);
        }
        let outer = (std::mem::take(&mut self.contained), self.in_bundle);
        self.contained = contained_ids(map);
        self.in_bundle |= def.name == "Bundle";
        self.object(map, def, path);
        (self.contained, self.in_bundle) = outer;
    }

    /// A contained resource is part of the one around it and has no life of its own.
    fn contained_rules(&mut self, map: &Map<String, Value>, path: &Path<'_>) {
        if map.contains_key("contained") {
            self.refuse(
                &path.key("contained"),
                IssueCode::Invariant,
                "dom-2: must not contain others again",
            );
        }
        for key in ["versionId", "lastUpdated"] {
            if map.get("meta").is_some_and(|meta| meta.get(key).is_some()) {
                let meta = path.key("meta");
                self.refuse(
                    &meta.key(key),
                    IssueCode::Invariant,
                    "dom-4: a contained resource has no version",
                );
            }
        }
        if !map.contains_key("id") {
            self.refuse(
                &path.key("id"),
                IssueCode::Required,
                "a contained resource needs an id",
            );
        }
    }

    fn object(&mut self, map: &'v Map<String, Value>, def: &'static TypeDef, path: &Path<'_>) {
        // An id alone says nothing (ele-1).
        if !def.is_resource && !map.keys().any(|key| key != "id") {
            return self.refuse(path, IssueCode::Structure, "an object must not be empty");
        }
        self.members(map, def, path);
    }

    fn members(&mut self, map: &'v Map<String, Value>, def: &'static TypeDef, path: &Path<'_>) {
        let before = self.issues.len();
        let mut seen = Seen::default();
        for (key, value) in map {
            if self.full() {
                return;
            }
            if def.is_resource && key == "resourceType" {
                continue;
            }
            self.property(map, key, value, def, path, &mut seen);
        }
        for (index, element) in def.elements.iter().enumerate() {
            if element.required && !seen.has(index) {
                self.refuse(
                    &path.key(element.name),
                    IssueCode::Required,
                    "a required element is missing",
                );
            }
        }
        if let (Some(rule), true) = (def.rule, self.issues.len() == before && before < MAX_ISSUES) {
            rule(map, &mut |key, detail| match key {
                "" => self.refuse(path, IssueCode::Invariant, detail),
                key => self.refuse(&path.key(key), IssueCode::Invariant, detail),
            });
        }
    }

    fn property(
        &mut self,
        map: &'v Map<String, Value>,
        key: &'v str,
        value: &'v Value,
        def: &'static TypeDef,
        path: &Path<'_>,
        seen: &mut Seen,
    ) {
        let bare = key.strip_prefix('_');
        let prop = match (def.prop(bare.unwrap_or(key)), bare) {
            (Some(prop), None) => prop,
            (
                Some(
                    prop @ Prop {
                        kind: Kind::Primitive { sibling: true, .. },
                        ..
                    },
                ),
                Some(_),
            ) => prop,
            _ => {
                return self.refuse(
                    &path.key(key),
                    IssueCode::Unknown,
                    "the definition has no such element",
                )
            }
        };
        let Some(element) = def.elements.get(usize::from(prop.element)) else {
            return;
        };
        if seen.add(usize::from(prop.element), element, prop.key) == Again::OtherChoice {
            return self.refuse(
                &path.key(element.name),
                IssueCode::TooMany,
                "only one of the choices may be given",
            );
        }
        let here = path.key(prop.key);
        let beside = match (bare.is_some(), &prop.kind) {
            (true, _) => map.get(prop.key),
            // Looked up only where a list has gaps, because it costs an allocation.
            (false, Kind::Primitive { .. }) if has_gap(value) => map.get(&format!("_{}", prop.key)),
            (false, _) => None,
        };
        let side = |beside: Option<&Value>| match bare {
            Some(_) => Side::Extensions {
                with_value: beside.is_some_and(|value| !value.is_null()),
            },
            None => Side::Value,
        };
        match (element.many, value) {
            (_, Value::Null) => self.refuse(&here, IssueCode::Structure, "must not be null"),
            (true, Value::Array(list)) if list.is_empty() => {
                self.refuse(&here, IssueCode::Structure, "a list must not be empty");
            }
            (true, Value::Array(list)) => {
                let beside = beside.and_then(Value::as_array);
                if beside.is_some_and(|beside| beside.len() != list.len()) {
                    let detail = "values and their extensions differ in number";
                    return self.refuse(&here, IssueCode::Structure, detail);
                }
                for (index, entry) in list.iter().enumerate() {
                    let beside = beside.and_then(|beside| beside.get(index));
                    // A gap on one side is filled on the other; two gaps are refused once.
                    let filled = beside.is_some_and(|beside| bare.is_some() || !beside.is_null());
                    if !(entry.is_null() && filled) {
                        self.entry(entry, element, prop, side(beside), &here.at(index));
                    }
                }
            }
            (true, _) => self.refuse(&here, IssueCode::Structure, "must be a list"),
            (false, Value::Array(_)) => self.refuse(&here, IssueCode::Structure, "must not be a list"),
            (false, _) => self.entry(value, element, prop, side(beside), &here),
        }
    }

    fn entry(
        &mut self,
        value: &'v Value,
        element: &Element,
        prop: &'static Prop,
        side: Side,
        path: &Path<'_>,
    ) {
        if let Side::Extensions { with_value } = side {
            return match (value, tables().find("Element")) {
                // An id is enough where there is a value to name.
                (Value::Object(map), Some(def)) if with_value && map.len() == 1 => {
                    self.members(map, def, path)
                }
                (Value::Object(map), Some(def)) => self.object(map, def, path),
                _ => self.refuse(path, IssueCode::Structure, "must be an object with extensions"),
            };
        }
        match &prop.kind {
            Kind::Primitive { primitive, .. } => self.primitive(value, *primitive, element, path),
            Kind::Complex(id) => match value {
                Value::Object(map) => {
                    let before = self.issues.len();
                    self.object(map, tables().get(*id), path);
                    if self.issues.len() == before {
                        self.concept(map, element, path);
                    }
                }
                _ => self.refuse(path, IssueCode::Structure, "must be an object"),
            },
            Kind::Reference(id, targets) => match value {
                Value::Object(map) => {
                    let before = self.issues.len();
                    self.object(map, tables().get(*id), path);
                    if self.issues.len() == before {
                        self.reference(map, targets, path);
                    }
                }
                _ => self.refuse(path, IssueCode::Structure, "must be an object"),
            },
            Kind::Resource if prop.key == "contained" => self.resource(value, path, Place::Contained),
            Kind::Resource => self.resource(value, path, Place::Entry),
        }
    }

    fn primitive(&mut self, value: &Value, primitive: Primitive, element: &Element, path: &Path<'_>) {
        match primitive.fit(value) {
            Fit::Good => {}
            Fit::WrongType => {
                let detail = format!("must be the JSON type of {}", primitive.name());
                return self.refuse(path, IssueCode::Structure, detail);
            }
            Fit::WrongForm => {
                let detail = format!("does not have the form of {}", primitive.name());
                return self.refuse(path, IssueCode::Value, detail);
            }
        }
        let (Some(id), Some(code)) = (element.binding, value.as_str()) else {
            return;
        };
        let set = tables().value_set(id);
        if !set.has_code(code) {
            let detail = format!("must be a code of the value set {}", set.name);
            self.refuse(path, IssueCode::CodeInvalid, detail);
        }
    }

    /// A concept with a required binding needs one coding of the set, unless it is only text.
    fn concept(&mut self, map: &Map<String, Value>, element: &Element, path: &Path<'_>) {
        let (Some(id), Some(Value::Array(codings))) = (element.binding, map.get("coding")) else {
            return;
        };
        let set = tables().value_set(id);
        let text = |coding: &'_ Value, key: &str| coding.get(key).and_then(Value::as_str).map(str::to_owned);
        let known = codings
            .iter()
            .any(|coding| match (text(coding, "system"), text(coding, "code")) {
                (Some(system), Some(code)) => set.has(&system, &code),
                _ => false,
            });
        if !known {
            let detail = format!("needs a coding of the value set {}", set.name);
            self.refuse(&path.key("coding"), IssueCode::CodeInvalid, detail);
        }
    }
}

fn has_gap(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().any(Value::is_null))
}

fn contained_ids(map: &Map<String, Value>) -> Vec<(&str, &str)> {
    let list = map
        .get("contained")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(|entry| Some((text(entry, "id")?, text(entry, "resourceType")?)))
        .collect()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// Which elements of an object have been met, and by which key each choice was.
#[derive(Default)]
struct Seen {
    elements: u128,
    choices: Vec<(usize, &'static str)>,
}

#[derive(PartialEq, Eq)]
enum Again {
    No,
    OtherChoice,
}

impl Seen {
    fn has(&self, index: usize) -> bool {
        self.elements & (1 << index) != 0
    }

    fn add(&mut self, index: usize, element: &Element, key: &'static str) -> Again {
        let again = self.has(index);
        self.elements |= 1 << index;
        if !element.is_choice() {
            return Again::No;
        }
        if !again {
            self.choices.push((index, key));
            return Again::No;
        }
        match self.choices.iter().find(|(known, _)| *known == index) {
            Some((_, first)) if *first != key => Again::OtherChoice,
            _ => Again::No,
        }
    }
}
