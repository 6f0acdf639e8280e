//! `/api/uploads`: photos and recordings in pieces, by tus 1.0 (<https://tus.io/protocols/resumable-upload>) with its
//! extensions creation, creation-with-upload, termination, expiration and checksum.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::policy::{self, Action};
use crate::auth::Actor;
use crate::fhir::Problem;
use crate::service::upload::{
    Announced, Checksum, Piece, Standing, UploadError, Uploads, EXPIRES_MS, LARGEST,
};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, head, options, patch, post};
use axum::Json;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use ring::digest;
use serde_json::json;

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration,checksum";
const PIECE: &str = "application/offset+octet-stream";
/// What a checksum that does not fit is answered with.
const CHECKSUM_MISMATCH: u16 = 460;

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    let one = "/api/uploads/{id}";
    vec![
        route(Method::OPTIONS, "/api/uploads", Access::Public, options(offer)),
        route(Method::POST, "/api/uploads", Access::Policy, post(create)),
        route(Method::OPTIONS, one, Access::Public, options(offer)),
        route(Method::HEAD, one, Access::Policy, head(look)),
        route(Method::PATCH, one, Access::Policy, patch(add)),
        route(Method::DELETE, one, Access::Policy, delete(end)),
    ]
}

/// Why a request is refused.
enum No {
    Bad(&'static str),
    Version,
    Media,
    Upload(UploadError),
}

impl From<UploadError> for No {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

async fn offer() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    set(headers, "tus-resumable", VERSION);
    set(headers, "tus-version", VERSION);
    set(headers, "tus-extension", EXTENSIONS);
    set(headers, "tus-max-size", &LARGEST.to_string());
    set(headers, "tus-checksum-algorithm", "sha256,sha1");
    response
}

async fn create(State(app): State<App>, actor: Actor, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        admit(&actor, &headers)?;
        let announced = announced(&actor, &headers, app.clock.now_ms())?;
        let with_bytes = text(&headers, CONTENT_TYPE.as_str()) == Some(PIECE);
        let sum = checksum(&headers)?;
        let id = Uploads::announce(&app, &actor, announced).await?;
        let standing = if with_bytes {
            let piece = Piece {
                offset: 0,
                length: number(&headers, CONTENT_LENGTH.as_str())?,
                checksum: sum,
                body,
            };
            // What did not come stays to be sent: the upload exists, and that is what is answered.
            match Uploads::append(app.clone(), actor.clone(), id.clone(), piece).await {
                Ok(standing) => standing,
                Err(UploadError::BrokeOff | UploadError::TakenOver | UploadError::Full) => {
                    Uploads::look(&app, &actor, &id).await?
                }
                Err(error) => return Err(error.into()),
            }
        } else {
            Uploads::look(&app, &actor, &id).await?
        };
        Ok((id, standing))
    };
    match work.await {
        Ok((id, standing)) => {
            let mut response = answer(StatusCode::CREATED, standing);
            // Without the host: who came through a relay finds back the same way.
            set(
                response.headers_mut(),
                LOCATION.as_str(),
                &format!("/api/uploads/{id}"),
            );
            response
        }
        Err(no) => refuse(no),
    }
}

async fn look(State(app): State<App>, actor: Actor, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let work = async {
        admit(&actor, &headers)?;
        Ok(Uploads::look(&app, &actor, &id).await?)
    };
    match work.await {
        Ok(standing) => {
            let mut response = answer(StatusCode::OK, standing);
            set(
                response.headers_mut(),
                "upload-length",
                &standing.size.to_string(),
            );
            response
        }
        Err(no) => refuse(no),
    }
}

async fn add(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = async {
        admit(&actor, &headers)?;
        if text(&headers, CONTENT_TYPE.as_str()) != Some(PIECE) {
            return Err(No::Media);
        }
        let piece = Piece {
            offset: number(&headers, "upload-offset")?
                .ok_or(No::Bad("the header Upload-Offset is missing"))?,
            length: number(&headers, CONTENT_LENGTH.as_str())?,
            checksum: checksum(&headers)?,
            body,
        };
        Ok(Uploads::append(app, actor, id, piece).await?)
    };
    match work.await {
        Ok(standing) => answer(StatusCode::NO_CONTENT, standing),
        Err(no) => refuse(no),
    }
}

async fn end(State(app): State<App>, actor: Actor, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let work = async {
        admit(&actor, &headers)?;
        Ok(Uploads::end(&app, &actor, &id).await?)
    };
    match work.await {
        Ok(()) => with_version(StatusCode::NO_CONTENT.into_response()),
        Err(no) => refuse(no),
    }
}

/// Whether the caller's role sends bytes at all, and in the one version of the protocol that is spoken here.
fn admit(actor: &Actor, headers: &HeaderMap) -> Result<(), No> {
    if policy::granted(actor, Action::Create, "Binary").is_empty() {
        return Err(UploadError::Record(Problem::Denied).into());
    }
    if text(headers, "tus-resumable") != Some(VERSION) {
        return Err(No::Version);
    }
    Ok(())
}

/// What is announced: `Upload-Length`, and in `Upload-Metadata` the keys `document`, `filetype` and `sha256`.
fn announced(actor: &Actor, headers: &HeaderMap, now: i64) -> Result<Announced, No> {
    let size = number(headers, "upload-length")?.ok_or(No::Bad("the header Upload-Length is missing"))?;
    if size == 0 {
        return Err(No::Bad("an upload has at least one byte"));
    }
    let metadata = text(headers, "upload-metadata").unwrap_or_default();
    let value = |key: &str| {
        let found = metadata.split(',').find_map(|pair| {
            let (name, value) = pair.trim().split_once(' ')?;
            (name == key).then(|| STANDARD.decode(value.trim()).ok())?
        });
        found.and_then(|bytes| String::from_utf8(bytes).ok())
    };
    let sha256 = value("sha256").map(|text| text.to_ascii_lowercase());
    Ok(Announced {
        user: actor.user.to_string(),
        document: value("document").ok_or(No::Bad("Upload-Metadata names no document"))?,
        content_type: value("filetype").ok_or(No::Bad("Upload-Metadata names no filetype"))?,
        size,
        sha256: sha256
            .filter(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .ok_or(No::Bad("Upload-Metadata has no sha256 in hex"))?,
        expires: now.saturating_add(EXPIRES_MS),
    })
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, No> {
    let Some(text) = text(headers, "upload-checksum") else {
        return Ok(None);
    };
    let (name, value) = text
        .trim()
        .split_once(' ')
        .ok_or(No::Bad("Upload-Checksum cannot be read"))?;
    let algorithm = match name {
        "sha256" => &digest::SHA256,
        // The protocol asks every server for it. It finds what went wrong on the way; nothing trusts it.
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        _ => return Err(No::Bad("the algorithm of Upload-Checksum is not known here")),
    };
    let expected = STANDARD
        .decode(value.trim())
        .map_err(|_| No::Bad("Upload-Checksum cannot be read"))?;
    Ok(Some(Checksum { algorithm, expected }))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, No> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let read = value.to_str().ok().and_then(|text| text.parse().ok());
    read.map(Some)
        .ok_or(No::Bad("a header that is a number cannot be read"))
}

fn answer(status: StatusCode, standing: Standing) -> Response {
    let mut response = with_version(status.into_response());
    let headers = response.headers_mut();
    set(headers, "upload-offset", &standing.offset.to_string());
    if standing.offset < standing.size {
        let at = chrono::DateTime::from_timestamp_millis(standing.expires).unwrap_or_default();
        set(
            headers,
            "upload-expires",
            &at.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        );
    }
    response
}

fn refuse(no: No) -> Response {
    let (status, code, message) = match &no {
        No::Bad(why) => (400, "bad-request", *why),
        No::Version => (412, "version", "Tus-Resumable must be 1.0.0"),
        No::Media => (415, "media", "pieces are sent as application/offset+octet-stream"),
        No::Upload(error) => of_upload(error),
    };
    if let No::Upload(UploadError::Io { .. } | UploadError::Record(Problem::Db(_))) = &no {
        if status != 507 {
            if let No::Upload(error) = &no {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(%error, cause, "An upload failed");
            }
            return with_version(Refusal::Internal.respond(false));
        }
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Json(json!({"error": code, "message": message}));
    let mut response = with_version((status, body).into_response());
    match no {
        No::Version => set(response.headers_mut(), "tus-version", VERSION),
        No::Upload(UploadError::Offset { now }) => {
            set(response.headers_mut(), "upload-offset", &now.to_string());
        }
        No::Bad(_) | No::Media | No::Upload(_) => {}
    }
    response
}

fn of_upload(error: &UploadError) -> (u16, &'static str, &'static str) {
    match error {
        UploadError::NotFound => (404, "not-found", "there is no such upload"),
        UploadError::Gone => (410, "gone", "the upload has expired or was ended"),
        UploadError::Offset { .. } => (409, "offset", "the upload stands elsewhere"),
        UploadError::TooLarge => (413, "too-large", "more bytes than were announced or may be"),
        UploadError::Checksum => (CHECKSUM_MISMATCH, "checksum", "the checksum does not fit"),
        UploadError::TooMany => (429, "too-many", "too many uploads of this account are open"),
        UploadError::TakenOver => (423, "taken-over", "another request took the upload over"),
        UploadError::BrokeOff => (408, "broke-off", "the piece broke off"),
        UploadError::Full => (
            507,
            "full",
            "the server has no room left; the offset is as it was",
        ),
        UploadError::Io { .. } => (500, "exception", "the server failed"),
        UploadError::Record(problem) => (problem.status(), "record", "the bytes cannot be stored"),
    }
}

fn with_version(mut response: Response) -> Response {
    set(response.headers_mut(), "tus-resumable", VERSION);
    response
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
        headers.insert(name, value);
    }
}
