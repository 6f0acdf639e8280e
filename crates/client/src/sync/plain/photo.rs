//! The bytes of a photo or recording, as a resource.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use reqwest::header::{CONTENT_TYPE, IF_NONE_MATCH};
use reqwest::Method;
use serde_json::json;

use super::line::{service_of, FHIR_JSON};
use crate::client::Shared;
use crate::net::{Fault, Tries};

/// Stores the bytes under the id that their DocumentReference names. Sent again after a lost answer it changes nothing:
/// the id is the device's own, and the bytes are the same.
pub(crate) async fn put_binary(
    shared: &Shared,
    id: &str,
    content_type: &str,
    bytes: &[u8],
) -> Result<(), Fault> {
    let url = format!("{}/Binary/{id}", service_of(shared.http.base()));
    let binary = json!({ "resourceType": "Binary", "id": id, "contentType": content_type, "data": STANDARD.encode(bytes) });
    let body = binary.to_string();
    let make = |token: &_| {
        shared
            .http
            .request(Method::PUT, &url, Some(token))
            .header(CONTENT_TYPE, FHIR_JSON)
            .header(IF_NONE_MATCH, "*")
            .body(body.clone())
    };
    match shared.authorized(make, Tries::Patient).await {
        Ok(_) | Err(Fault::Refused(409 | 412)) => Ok(()),
        Err(fault) => Err(fault),
    }
}
