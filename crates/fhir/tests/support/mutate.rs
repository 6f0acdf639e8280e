//! Every way to break a resource at a known place.

use crate::definitions::{keys, Definitions, Row};
use hms_fhir::IssueCode;
use serde_json::{json, Map, Value};

/// What is done to the value at a place.
#[derive(Debug, Clone)]
pub enum Change {
    Add(String, Value),
    Remove(String),
    Replace(Value),
    /// A single value becomes a list.
    Wrap,
    /// A list becomes its first entry.
    Unwrap,
}

/// One way to break a resource, and how it must be refused.
#[derive(Debug, Clone)]
pub struct Mutation {
    /// A name for the kind of damage.
    pub kind: &'static str,
    /// JSON pointer to the damaged value.
    pub at: String,
    pub change: Change,
    pub path: String,
    pub code: IssueCode,
}

impl Mutation {
    pub fn apply(&self, resource: &Value) -> Value {
        let mut broken = resource.clone();
        let target = broken
            .pointer_mut(&self.at)
            .expect("the place was found in this resource");
        match &self.change {
            Change::Add(key, value) => {
                target
                    .as_object_mut()
                    .expect("an object")
                    .insert(key.clone(), value.clone());
            }
            Change::Remove(key) => {
                let map = target.as_object_mut().expect("an object");
                map.remove(key);
                map.remove(&format!("_{key}"));
            }
            Change::Replace(value) => *target = value.clone(),
            Change::Wrap => *target = json!([target.take()]),
            Change::Unwrap => *target = target[0].take(),
        }
        broken
    }
}

/// Finds every mutation of a resource.
pub fn mutations(resource: &Value, definitions: &Definitions) -> Vec<Mutation> {
    let name = resource["resourceType"].as_str().expect("a type");
    let mut walk = Walk {
        definitions,
        found: Vec::new(),
        in_bundle: name == "Bundle",
    };
    walk.resource(resource, "", name, Standing::Top);
    walk.found
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Top,
    Entry,
    Contained,
}

struct Walk<'d> {
    definitions: &'d Definitions,
    found: Vec<Mutation>,
    in_bundle: bool,
}

impl Walk<'_> {
    fn add(&mut self, kind: &'static str, at: &str, change: Change, path: String, code: IssueCode) {
        self.found.push(Mutation {
            kind,
            at: at.to_owned(),
            change,
            path,
            code,
        });
    }

    fn resource(&mut self, value: &Value, at: &str, path: &str, standing: Standing) {
        let name = value["resourceType"].as_str().expect("a type");
        // Another type in a contained resource would also break the references to it.
        if standing != Standing::Contained {
            let place = if standing == Standing::Top {
                String::new()
            } else {
                format!("{path}.")
            };
            let place = format!("{place}resourceType");
            let key = "resourceType".to_owned();
            self.add(
                "no type",
                at,
                Change::Remove(key.clone()),
                place.clone(),
                IssueCode::Required,
            );
            self.add(
                "unknown type",
                at,
                Change::Add(key.clone(), json!("Pateint")),
                place.clone(),
                IssueCode::Unknown,
            );
            self.add(
                "type not text",
                at,
                Change::Add(key, json!(7)),
                place,
                IssueCode::Structure,
            );
        }
        self.object(
            value.as_object().expect("an object"),
            name,
            at,
            path,
            standing == Standing::Contained,
        );
    }

    fn object(&mut self, map: &Map<String, Value>, name: &str, at: &str, path: &str, contained: bool) {
        let unknown = Change::Add("notAnElement".to_owned(), json!("x"));
        self.add(
            "unknown element",
            at,
            unknown,
            format!("{path}.notAnElement"),
            IssueCode::Unknown,
        );
        if name == "Extension" {
            let bare = Change::Replace(json!({ "url": "http://example.org/x" }));
            self.add("empty extension", at, bare, path.to_owned(), IssueCode::Invariant);
        }
        for row in self.definitions.rows(name) {
            self.element(map, row, at, path);
        }
        for (key, value) in map {
            let bare = key.strip_prefix('_').unwrap_or(key);
            if bare == "resourceType" || (contained && bare == "id") {
                continue;
            }
            let (row, kind) = self
                .definitions
                .find(name, bare)
                .unwrap_or_else(|| panic!("{path}.{key}"));
            let here = (format!("{at}/{key}"), format!("{path}.{bare}"));
            // Without what is contained, the references to it break as well.
            if bare != "contained" {
                self.shape(row, &here.0, &here.1);
            }
            let list = value.as_array();
            if list.is_some_and(|list| list.iter().any(Value::is_null)) {
                continue;
            }
            for (index, entry) in list
                .map_or(std::slice::from_ref(value), Vec::as_slice)
                .iter()
                .enumerate()
            {
                let (at, path) = match list {
                    Some(_) => (format!("{}/{index}", here.0), format!("{}[{index}]", here.1)),
                    None => here.clone(),
                };
                if key.starts_with('_') {
                    self.add(
                        "empty sibling",
                        &at,
                        Change::Replace(json!({})),
                        path.clone(),
                        IssueCode::Structure,
                    );
                    self.object(
                        entry.as_object().expect("an object"),
                        "Element",
                        &at,
                        &path,
                        false,
                    );
                } else {
                    self.entry(entry, row, &kind, bare, &at, &path);
                }
            }
        }
    }

    /// What can be wrong with the presence of an element.
    fn element(&mut self, map: &Map<String, Value>, row: &Row, at: &str, path: &str) {
        let choices = keys(row);
        let given = choices.iter().find(|(key, _)| map.contains_key(key));
        let place = format!("{path}.{}", row.name);
        if let Some((key, kind)) = given {
            let left = map
                .keys()
                .filter(|other| *other != key && *other != "id" && **other != format!("_{key}"));
            if row.required && left.count() > 0 {
                self.add(
                    "missing",
                    at,
                    Change::Remove(key.clone()),
                    place.clone(),
                    IssueCode::Required,
                );
            }
            if let Some((other, _)) = choices.iter().find(|(other, _)| !map.contains_key(other)) {
                let second = Change::Add(other.clone(), json!("x"));
                self.add("two choices", at, second, place, IssueCode::TooMany);
            }
            if kind.starts_with(char::is_uppercase) || kind.starts_with('#') {
                let sibling = Change::Add(format!("_{key}"), json!({ "id": "x" }));
                self.add(
                    "sibling of an object",
                    at,
                    sibling,
                    format!("{path}._{key}"),
                    IssueCode::Unknown,
                );
            }
        }
    }

    fn shape(&mut self, row: &Row, at: &str, path: &str) {
        let mut shape = |kind, change| self.add(kind, at, change, path.to_owned(), IssueCode::Structure);
        shape("null", Change::Replace(Value::Null));
        if row.many {
            shape("list to single", Change::Unwrap);
            shape("empty list", Change::Replace(json!([])));
        } else {
            shape("single to list", Change::Wrap);
        }
    }

    /// What can be wrong with one value.
    fn entry(&mut self, value: &Value, row: &Row, kind: &str, key: &str, at: &str, path: &str) {
        if kind == "Resource" {
            let standing = if key == "contained" {
                Standing::Contained
            } else {
                Standing::Entry
            };
            return self.resource(value, at, path, standing);
        }
        if let Some(nested) = kind.strip_prefix('#') {
            self.complex(value, row, nested, at, path);
        } else if kind.starts_with("Reference") {
            self.complex(value, row, "Reference", at, path);
            self.reference(value, kind, at, path);
        } else if kind.starts_with(char::is_uppercase) {
            self.complex(value, row, kind, at, path);
        } else {
            self.primitive(row, kind.trim_end_matches('!'), kind.ends_with('!'), at, path);
        }
    }

    fn complex(&mut self, value: &Value, row: &Row, name: &str, at: &str, path: &str) {
        self.add(
            "empty object",
            at,
            Change::Replace(json!({})),
            path.to_owned(),
            IssueCode::Structure,
        );
        self.add(
            "text for object",
            at,
            Change::Replace(json!("x")),
            path.to_owned(),
            IssueCode::Structure,
        );
        let map = value.as_object().expect("an object");
        if row.bound && map.contains_key("coding") {
            let foreign = Change::Add(
                "coding".into(),
                json!([{ "system": "http://example.org", "code": "x" }]),
            );
            self.add(
                "foreign coding",
                at,
                foreign,
                format!("{path}.coding"),
                IssueCode::CodeInvalid,
            );
        }
        self.object(map, name, at, path, false);
    }

    fn reference(&mut self, value: &Value, kind: &str, at: &str, path: &str) {
        if value.get("reference").is_none() {
            return;
        }
        let mut bad = vec![
            "Patient",
            "Patient/",
            "Nobody/1",
            "Patient/a_b",
            "#nothing-here",
            "/Patient/1",
            "http://",
        ];
        if kind.contains('(') {
            bad.extend(["Basic/1", "https://example.org/fhir/Basic/1"]);
        }
        if !self.in_bundle {
            bad.push("Patient?identifier=1");
        }
        for text in bad {
            let change = Change::Add("reference".into(), json!(text));
            self.add(
                "bad reference",
                at,
                change,
                format!("{path}.reference"),
                IssueCode::Reference,
            );
        }
    }

    fn primitive(&mut self, row: &Row, kind: &str, attribute: bool, at: &str, path: &str) {
        let (types, forms) = bad_values(kind, attribute);
        for value in types {
            self.add(
                "wrong type",
                at,
                Change::Replace(value),
                path.to_owned(),
                IssueCode::Structure,
            );
        }
        for value in forms {
            let kind = if value == json!("") {
                "empty text"
            } else {
                "bad form"
            };
            self.add(
                kind,
                at,
                Change::Replace(value),
                path.to_owned(),
                IssueCode::Value,
            );
        }
        if row.bound {
            let change = Change::Replace(json!("no-such-code"));
            self.add("bad code", at, change, path.to_owned(), IssueCode::CodeInvalid);
        }
    }
}

/// Values of a wrong JSON type, and values of the right type but not of the right form.
fn bad_values(kind: &str, attribute: bool) -> (Vec<Value>, Vec<Value>) {
    let forms = match kind {
        "boolean" => return (vec![json!("true"), json!(1), json!({ "id": "x" })], vec![]),
        "decimal" => return (vec![json!("1.5"), json!(true)], vec![]),
        "integer" => {
            return (
                vec![json!("1"), json!(true)],
                vec![json!(1.5), json!(3_000_000_000_u64)],
            )
        }
        "unsignedInt" => {
            return (
                vec![json!("1")],
                vec![json!(-1), json!(0.5), json!(2_147_483_648_u64)],
            )
        }
        "positiveInt" => return (vec![json!("1")], vec![json!(0), json!(-1), json!(1.5)]),
        "string" if attribute => vec!["", "a b"],
        "string" | "markdown" => vec!["", "   ", "a\u{1}b"],
        "code" => vec!["", " x", "x ", "x  y"],
        "id" => vec![
            "",
            "a_b",
            "x1234567890123456789012345678901234567890123456789012345678901234",
        ],
        "uri" | "url" | "canonical" => vec!["", "a b"],
        "oid" => vec!["", "1.2.3", "urn:oid:3.1", "urn:oid:1.02"],
        "uuid" => vec!["", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
        "date" => vec![
            "",
            "2024-13",
            "2024-02-30",
            "24-01-01",
            "2024-01-01T10:00:00Z",
            "today",
        ],
        "dateTime" => vec![
            "",
            "2024-01-01T10:00",
            "2024-01-01T10:00:00",
            "2024-01-01T25:00:00Z",
            "2024-1-1",
        ],
        "instant" => vec!["", "2024-01-01", "2024-01-01T10:00:00", "2024-02-30T10:00:00Z"],
        "time" => vec!["", "10:00", "24:00:00", "10:00:00Z"],
        "base64Binary" => vec!["", "abc", "a$b=", "=abc"],
        "xhtml" => vec![
            "",
            "words",
            "<div><script>x</script></div>",
            "<div>open",
            "<div onload=\"x\">x</div>",
        ],
        other => panic!("no bad values for {other}"),
    };
    (
        vec![json!(5), json!(false), json!({ "a": 1 })],
        forms.into_iter().map(Value::from).collect(),
    )
}
