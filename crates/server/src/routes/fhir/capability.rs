//! The CapabilityStatement, made from the tables by which requests are carried out.

use super::audit;
use crate::app::App;
use crate::db::is_stored_type;
use crate::routes::outcome::fhir_json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hms_fhir::{search_params, SearchKind};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

/// The types that clients create, read and find. AuditEvents are read and found only.
pub fn rest_types() -> impl Iterator<Item = &'static str> {
    hms_fhir::resource_types().filter(|kind| is_stored_type(kind))
}

pub(super) async fn show(State(app): State<App>) -> Response {
    fhir_json(StatusCode::OK, &statement(&app))
}

fn statement(app: &App) -> Value {
    let base = &app.settings.base_url;
    let mut resources: Vec<Value> = rest_types().map(resource).collect();
    resources.push(audit_resource());
    resources.sort_by(|a, b| {
        a.get("type")
            .map(Value::to_string)
            .cmp(&b.get("type").map(Value::to_string))
    });
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": Timestamp(app.clock.now_ms()).to_instant(),
        "kind": "instance",
        "software": {"name": "HMS-ACH server", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "HMS-ACH occupational health service", "url": format!("{base}/fhir")},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [{
            "mode": "server",
            "security": {
                "cors": false,
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "OAuth",
                }]}],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [
                        {"url": "authorize", "valueUri": format!("{}/oauth/authorize", app.settings.sign_in_base())},
                        {"url": "token", "valueUri": format!("{base}/oauth/token")},
                        {"url": "revoke", "valueUri": format!("{base}/oauth/revoke")},
                    ],
                }],
            },
            "resource": resources,
            "interaction": [{"code": "transaction"}, {"code": "batch"}, {"code": "history-system"}],
            // By its first name a client knows that it need not use the plain way.
            "operation": operations(base),
        }],
    })
}

/// What goes beyond FHIR, for those who speak it; everybody else gets the same resources without.
fn operations(base: &str) -> Value {
    let of = |name: &str, documentation: String| json!({"name": name, "definition": format!("{base}/fhir/OperationDefinition/{name}"), "documentation": documentation});
    json!([
        of("hms-sync", format!(
            "Changes up and down in one round trip, NDJSON. Bodies may be packed: dcz (RFC 9842) with the dictionary at \
             {} (SHA-256 {}), zstd, gzip.", hms_wire::dictionary::PATH, hms_wire::dictionary::available())),
        of("hms-sync-digest", "Whether a device holds what its person may hold: sums over 256 ranges.".to_owned()),
    ])
}

fn codes(words: &[&str]) -> Vec<Value> {
    words.iter().map(|code| json!({"code": code})).collect()
}

fn resource(kind: &str) -> Value {
    let params: Vec<Value> = search_params(kind)
        .iter()
        .map(|p| json!({"name": p.name, "type": p.kind.as_fhir()}))
        .collect();
    let includes: Vec<String> = search_params(kind)
        .iter()
        .filter(|p| p.kind == SearchKind::Reference)
        .map(|p| format!("{kind}:{}", p.name))
        .collect();
    let reverse: Vec<String> = rest_types()
        .flat_map(|source| {
            search_params(source)
                .iter()
                .filter(|p| p.kind == SearchKind::Reference && p.targets.contains(&kind))
                .map(move |p| format!("{source}:{}", p.name))
        })
        .collect();
    let mut statement = json!({
        "type": kind,
        "interaction": codes(&[
            "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create",
            "search-type",
        ]),
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalRead": "not-match",
        "conditionalUpdate": true,
        "conditionalDelete": "single",
        "referencePolicy": ["literal"],
    });
    // FHIR has no empty lists.
    if let Some(object) = statement.as_object_mut() {
        for (name, list) in [
            (
                "searchInclude",
                includes.into_iter().map(Value::String).collect::<Vec<_>>(),
            ),
            (
                "searchRevInclude",
                reverse.into_iter().map(Value::String).collect(),
            ),
            ("searchParam", params),
        ] {
            if !list.is_empty() {
                object.insert(name.to_owned(), Value::Array(list));
            }
        }
    }
    statement
}

fn audit_resource() -> Value {
    let params: Vec<Value> = audit::PARAMS
        .iter()
        .filter_map(|name| hms_fhir::search_param("AuditEvent", name))
        .map(|p| json!({"name": p.name, "type": p.kind.as_fhir()}))
        .collect();
    json!({
        "type": "AuditEvent",
        "documentation": "Written by the server only, in the commit of each access.",
        "interaction": codes(&["read", "search-type"]),
        "versioning": "no-version",
        "searchParam": params,
    })
}
