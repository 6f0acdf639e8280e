//! The CapabilityStatement is true: everything that it lists is called, and works.

use crate::world::{Answer, Person, World};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::io::Read;

/// One of HL7's own examples for each type.
fn examples() -> BTreeMap<String, Value> {
    let packed = include_bytes!("../../../fhir/tests/corpus/r4-examples.ndjson.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .expect("the corpus unpacks");
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for line in text.lines() {
        let resource: Value = serde_json::from_str(line).expect("json");
        let resource = resource.get("resource").cloned().unwrap_or(resource);
        let kind = resource["resourceType"].as_str().expect("type").to_owned();
        found.entry(kind).or_insert(resource);
    }
    // What is signed is final; and the bytes of HL7's example are cut short.
    found.get_mut("Composition").expect("one")["status"] = json!("preliminary");
    found.get_mut("Binary").expect("one")["data"] = json!("AAAA");
    found
}

fn value_for(kind: &str) -> &'static str {
    match kind {
        "token" => "x",
        "reference" => "Patient/x",
        "date" => "2020-01-01",
        "string" => "x",
        "number" | "quantity" => "1",
        "uri" => "http%3A%2F%2Fx.example",
        other => panic!("a search parameter of kind {other}"),
    }
}

fn words<'v>(of: &'v Value, list: &str, key: &str) -> Vec<&'v str> {
    let entries = of[list].as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(|e| e[key].as_str()).collect()
}

fn texts<'v>(of: &'v Value, list: &str) -> Vec<&'v str> {
    let entries = of[list].as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(Value::as_str).collect()
}

/// A small world, asked as a system account that may do everything.
struct Walk {
    w: World,
    op: Person,
}

impl Walk {
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.with(method, path, body, &[]).await
    }

    /// Asks, and fails unless the answer is a success.
    async fn with(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Answer {
        let answer = self.w.ask_with(&self.op, method, path, body, headers).await;
        assert!(
            answer.status.is_success(),
            "{method} {path}: {} {}",
            answer.status,
            answer.text()
        );
        answer
    }

    async fn interaction(&self, kind: &str, code: &str, example: &Value) {
        let mut new = example.clone();
        new.as_object_mut().expect("object").shift_remove("id");
        let made = self.ask("POST", &format!("/fhir/{kind}"), Some(&new)).await;
        let id = made.json()["id"].as_str().expect("id").to_owned();
        let path = format!("/fhir/{kind}/{id}");
        new["id"] = json!(id);
        let patch = [("content-type", "application/json-patch+json")];
        let (method, path, body, headers): (_, String, Option<Value>, &[(&str, &str)]) = match code {
            "create" => return,
            "read" => ("GET", path, None, &[]),
            "vread" => ("GET", format!("{path}/_history/1"), None, &[]),
            "update" => ("PUT", path, Some(new), &[]),
            "patch" => {
                let body = json!([{"op": "test", "path": "/resourceType", "value": kind}]);
                ("PATCH", path, Some(body), &patch)
            }
            "delete" => ("DELETE", path, None, &[]),
            "history-instance" => ("GET", format!("{path}/_history"), None, &[]),
            "history-type" => ("GET", format!("/fhir/{kind}/_history?_count=2"), None, &[]),
            "search-type" => ("GET", format!("/fhir/{kind}?_count=2"), None, &[]),
            other => panic!("{kind} lists {other}, which this test does not know"),
        };
        self.with(method, &path, body.as_ref(), headers).await;
    }

    /// Every parameter in one search; a refusal names the one that is not there.
    async fn parameters(&self, kind: &str, statement: &Value) {
        let params = statement["searchParam"].as_array().cloned().unwrap_or_default();
        let criteria: Vec<String> = params
            .iter()
            .map(|p| {
                let (name, of) = (
                    p["name"].as_str().expect("name"),
                    p["type"].as_str().expect("type"),
                );
                let value = match (kind, name) {
                    ("AuditEvent", "agent" | "entity") => "Patient/x",
                    _ if name == "_lastUpdated" => "2020-01-01",
                    _ => value_for(of),
                };
                format!("{name}={value}")
            })
            .collect();
        for part in criteria.chunks(40) {
            self.ask("GET", &format!("/fhir/{kind}?{}", part.join("&")), None)
                .await;
        }
        for (list, name) in [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")] {
            for part in texts(statement, list).chunks(20) {
                let asks: Vec<String> = part.iter().map(|i| format!("{name}={i}")).collect();
                self.ask("GET", &format!("/fhir/{kind}?_count=1&{}", asks.join("&")), None)
                    .await;
            }
        }
    }

    async fn conditional(&self, kind: &str, statement: &Value, example: &Value) {
        let nothing = format!("/fhir/{kind}?_id=nothing-has-this-id");
        let mut new = example.clone();
        new.as_object_mut().expect("object").shift_remove("id");
        if statement["conditionalCreate"] == json!(true) {
            let headers = [("if-none-exist", "_id=nothing-has-this-id")];
            self.with("POST", &format!("/fhir/{kind}"), Some(&new), &headers)
                .await;
        }
        if statement["conditionalUpdate"] == json!(true) {
            self.ask("PUT", &nothing, Some(&new)).await;
        }
        match statement["conditionalDelete"].as_str() {
            Some("single") => drop(self.ask("DELETE", &nothing, None).await),
            Some("not-supported") | None => {}
            Some(other) => panic!("{kind}: {other}"),
        }
        assert_eq!(statement["updateCreate"], json!(true), "{kind}");
        new["id"] = json!("chosen-by-the-sender");
        if kind != "Composition" {
            self.ask("PUT", &format!("/fhir/{kind}/chosen-by-the-sender"), Some(&new))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_statement_lists_can_be_called() {
    let w = World::new();
    let op = w.anyone().await;
    let compliance = w
        .person("cora", hms_model::role::Role::Compliance, None, None)
        .await;
    let walk = Walk { w, op };
    let examples = examples();
    let statement = walk.ask("GET", "/fhir/metadata", None).await.json();
    assert_eq!(hms_fhir::validate(&statement), Ok(()));
    let rest = &statement["rest"][0];
    let resources = rest["resource"].as_array().expect("resources");
    assert!(resources.len() > 25);
    let ours = ["hms-sync", "hms-sync-digest"];
    assert_eq!(words(rest, "operation", "name"), ours);

    for resource in resources.iter().filter(|r| r["type"] != "AuditEvent") {
        let kind = resource["type"].as_str().expect("type");
        let example = examples
            .get(kind)
            .unwrap_or_else(|| panic!("no example of {kind}"));
        let codes = words(resource, "interaction", "code");
        assert_eq!(codes.len(), 9, "{kind}");
        for code in codes {
            walk.interaction(kind, code, example).await;
        }
        walk.parameters(kind, resource).await;
        walk.conditional(kind, resource, example).await;
    }
    for code in words(rest, "interaction", "code") {
        match code {
            "history-system" => drop(walk.ask("GET", "/fhir/_history?_count=2", None).await),
            "batch" | "transaction" => {
                let bundle = json!({"resourceType": "Bundle", "type": code, "entry": [
                    {"request": {"method": "GET", "url": "Patient?_count=1"}},
                    {"request": {"method": "DELETE", "url": "Patient?_id=nothing-has-this-id"}}]});
                let done = walk.ask("POST", "/fhir", Some(&bundle)).await.json();
                for entry in done["entry"].as_array().expect("entries") {
                    let status = entry["response"]["status"].as_str().expect("status");
                    assert!(status.starts_with('2'), "{code}: {status}");
                }
            }
            other => panic!("{other} is listed, which this test does not know"),
        }
    }

    // The accesses of this walk are events; their reader has another role.
    let audit = resources
        .iter()
        .find(|r| r["type"] == "AuditEvent")
        .expect("listed");
    assert_eq!(words(audit, "interaction", "code"), ["read", "search-type"]);
    let walk = Walk {
        w: walk.w,
        op: compliance,
    };
    let found = walk.ask("GET", "/fhir/AuditEvent?_count=1", None).await;
    let id = found.ids().pop().expect("an event");
    walk.ask("GET", &format!("/fhir/AuditEvent/{id}"), None).await;
    walk.parameters("AuditEvent", audit).await;
}
