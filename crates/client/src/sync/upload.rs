//! Bytes of photos and recordings go up after the report has its receipt, and never hold it up.

use std::sync::Arc;

use hms_store::Store;
use reqwest::header::CONTENT_TYPE;
use reqwest::Method;

use crate::client::Shared;
use crate::engine::{Engine, Upload};
use crate::event::Tag;
use crate::net::{Fault, Tries};

/// Uploads what is due, one after the other.
pub(crate) async fn upload_due(shared: &Arc<Shared>, store: &Store) {
    let due = shared
        .ask(async |engine: &mut Engine| engine.uploads().await)
        .await;
    let Ok(due) = due else { return };
    for upload in due {
        match upload_one(shared, store, &upload).await {
            Ok(true) => done(shared, upload.id).await,
            Ok(false) => {}
            Err(fault) => {
                tracing::debug!(%fault, "A file could not be uploaded");
                if matches!(fault, Fault::Refused(400..=499)) {
                    // The report stands without it; the words are there, and the file stays on this device.
                    tracing::warn!(%fault, "The server does not take a file");
                    continue;
                }
                return;
            }
        }
    }
}

/// True where the server has the bytes now.
async fn upload_one(shared: &Arc<Shared>, store: &Store, upload: &Upload) -> Result<bool, Fault> {
    let report = format!("QuestionnaireResponse/{}", upload.report);
    let has_receipt = matches!(store.receipt(&report).await, Ok(Some(_)));
    let words_wait = store.outbox().await.map_or(true, |rows| {
        rows.iter()
            .any(|row| row.id == report || row.id == format!("DocumentReference/{}", upload.id))
    });
    if !has_receipt || words_wait {
        return Ok(false);
    }
    let Ok(Some(blob)) = store.blob_get(&upload.id).await else {
        return Ok(true);
    };
    let path = format!("/fhir/Binary/{}", upload.id);
    let sent = shared
        .authorized(
            |token| {
                shared
                    .http
                    .request(Method::PUT, &path, Some(token))
                    .header(CONTENT_TYPE, &upload.content_type)
                    .header("x-security-context", format!("DocumentReference/{}", upload.id))
                    .body(blob.bytes.clone())
            },
            Tries::Patient,
        )
        .await;
    match sent {
        // There already: an earlier try whose answer was lost.
        Ok(_) | Err(Fault::Refused(409 | 412)) => Ok(true),
        Err(fault) => Err(fault),
    }
}

async fn done(shared: &Arc<Shared>, id: String) {
    let noted = shared
        .ask(async move |engine: &mut Engine| {
            let mut left = engine.uploads().await?;
            left.retain(|upload| upload.id != id);
            engine.set_uploads(&left).await?;
            engine.changed(Tag::Outbox);
            engine.changed(Tag::Reports);
            Ok(())
        })
        .await;
    if noted.is_err() {
        tracing::warn!("An upload could not be noted; it is made once more");
    }
}
