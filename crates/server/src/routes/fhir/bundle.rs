//! Batch and transaction.

use super::answer::{self, FhirAnswer};
use crate::app::App;
use crate::auth::Actor;
use crate::fhir::{transaction, Problem};
use axum::body::Bytes;
use axum::extract::State;
use serde_json::Value;

pub(super) async fn carry_out(State(app): State<App>, actor: Actor, body: Bytes) -> FhirAnswer {
    let bundle: Value = serde_json::from_slice(&body)
        .map_err(|e| Problem::Bad(format!("not JSON: line {}, column {}", e.line(), e.column())))?;
    if bundle.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        return Err(Problem::Bad("a Bundle is expected here".to_owned()));
    }
    let done = match bundle.get("type").and_then(Value::as_str) {
        Some("transaction") => transaction::transaction(&app, &actor, &bundle).await?,
        Some("batch") => transaction::batch(&app, &actor, &bundle).await?,
        _ => {
            return Err(Problem::Bad(
                "Bundle.type must be batch or transaction".to_owned(),
            ))
        }
    };
    Ok(answer::bundle(&done))
}
