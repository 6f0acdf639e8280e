//! `POST /fhir/$hms-sync`: changes up, results and changes down, one JSON object a line.

use super::coded::Codings;
use super::fhir::FhirAnswer;
use super::{digest, route, Access, Route};
use crate::app::App;
use crate::audit::{AuditAction, AuditEntry};
use crate::auth::{tokens, Actor};
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::fhir::Problem;
use crate::service::sync::apply::{self, Op};
use crate::service::sync::cursor::{scope_hash, Cursor};
use crate::service::sync::feed::{self, Page};
use crate::service::sync::lane;
use crate::service::{sealed, sync};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::future::join_all;
use futures_util::{stream, StreamExt};
use hms_model::ids::DeviceId;
use hms_model::wire::sync::{
    Anew, WireAsk, WireChange, WireCursor, WireOp, WireResult, CHECKPOINT_EVERY, DEVICE_HEADER,
    EXCHANGE_HEADER, MEDIA_TYPE,
};
use serde::Serialize;
use serde_json::Value;

/// The longest line: a photo of 5 MB in base64, with room around it.
const LONGEST_LINE: usize = 8 * 1024 * 1024;
/// The longest request.
const LONGEST_BODY: usize = 64 * 1024 * 1024;
/// The most changes in one request, and empty lines.
const MOST_OPS: usize = 10_000;
/// The most changes in one group: they wait in memory until it is complete.
const MOST_IN_GROUP: usize = 100;
/// Groups that are handed to the writer together, so that they share a commit.
const TOGETHER: usize = 64;

/// The rows: the exchange, and the check of what it left.
#[must_use]
pub fn routes() -> Vec<Route> {
    let row = |path, handler| route(Method::POST, path, Access::Policy, handler);
    vec![
        row("/fhir/$hms-sync", post(exchange)),
        row("/fhir/$hms-sync-digest", post(digest::answer)),
    ]
}

/// Every answer names the exchange that it belongs to.
async fn exchange(State(app): State<App>, actor: Actor, headers: HeaderMap, body: Body) -> FhirAnswer {
    let codings = Codings::of(&headers)?;
    let body = codings.unpack(body, LONGEST_BODY);
    let answer = answered(app, actor, &headers, body).await?;
    Ok(named(&headers, codings.pack(answer).await))
}

/// The answer, with the name of the exchange that it belongs to.
pub(super) fn named(headers: &HeaderMap, mut answer: Response) -> Response {
    let name = headers.get(EXCHANGE_HEADER).filter(|name| name.len() <= 64);
    if let Some(name) = name {
        answer
            .headers_mut()
            .insert(HeaderName::from_static(EXCHANGE_HEADER), name.clone());
    }
    answer
}

async fn answered(app: App, actor: Actor, headers: &HeaderMap, body: Body) -> FhirAnswer {
    let device = device(&app, &actor, headers).await?;
    let announced = headers
        .get("content-length")
        .and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LONGEST_BODY) {
        return Ok(too_large());
    }
    sealed::claim_for(&app, &actor, &device)
        .await
        .map_err(Problem::from)?;
    let mut up = Up {
        app: &app,
        actor: &actor,
        device: &device,
        waiting: Vec::new(),
        results: Vec::new(),
        ops: 0,
    };
    match up.read(body).await {
        End::Asked(ask) => {
            let results = up.results;
            Ok(answer(app, actor, results, &ask).await?)
        }
        End::TooLarge => Ok(too_large()),
        // What was applied stands; its results come again when the device sends it again.
        End::Unreadable if up.results.is_empty() => {
            Err(Problem::Bad("a line is not one of a sync".to_owned()))
        }
        End::Unreadable => Ok(ndjson(Body::from(lines(&up.results)))),
    }
}

/// The device that the changes are numbered on. A token that was given to a device is good on that one only, and one
/// that was given to none on none: the numbers of a device's changes, and what was reported on it while it was locked,
/// are its own.
pub(super) async fn device(app: &App, actor: &Actor, headers: &HeaderMap) -> Result<String, Problem> {
    let named = headers
        .get(DEVICE_HEADER)
        .and_then(|v| DeviceId::parse(v.to_str().ok()?).ok());
    let Some(named) = named else {
        return Err(Problem::Bad(format!("the header {DEVICE_HEADER} is missing")));
    };
    match &actor.device {
        Some(bound) if named == *bound => Ok(named.to_string()),
        Some(_) => Err(Problem::Device("this sign-in is good on another device only")),
        // An external issuer knows nothing of devices: the first account that names one has it.
        None if actor.from_external_issuer() => adopted(app, actor, named).await,
        None => Err(Problem::Device(
            "this sign-in was given to no device: send device_id with the token request",
        )),
    }
}

/// A device named by an account of an external issuer, once it is known to be theirs.
async fn adopted(app: &App, actor: &Actor, named: DeviceId) -> Result<String, Problem> {
    let (id, user) = (named.to_string(), actor.user.to_string());
    let known = {
        let id = id.clone();
        app.db
            .read(move |read| table::device::get(read.conn(), &id))
            .await?
    };
    let owner = match known {
        Some(known) => known,
        None => {
            let (id, user) = (id.clone(), user.clone());
            app.db
                .write(move |tx| -> Result<_, DbError> {
                    table::device::adopt(tx.conn(), &id, &user, tx.now_ms())
                })
                .await?
        }
    };
    if owner.user_id != user {
        return Err(Problem::Device("this device is another account's"));
    }
    if owner.revoked_ms.is_some() {
        return Err(Problem::Device("this device's access was taken away"));
    }
    Ok(id)
}

fn too_large() -> Response {
    let outcome = hms_fhir::outcome::error(
        "too-long",
        "the request, a line of it, or a group of changes is too large",
    );
    super::outcome::fhir_json(StatusCode::PAYLOAD_TOO_LARGE, &outcome)
}

/// How the way up ended.
enum End {
    Asked(WireAsk),
    TooLarge,
    Unreadable,
}

struct Up<'a> {
    app: &'a App,
    actor: &'a Actor,
    device: &'a str,
    waiting: Vec<(Option<i64>, Vec<Op>)>,
    results: Vec<WireResult>,
    ops: usize,
}

impl Up<'_> {
    async fn read(&mut self, body: Body) -> End {
        let mut frames = body.into_data_stream();
        let mut buffer: Vec<u8> = Vec::new();
        let (mut total, mut looked) = (0_usize, 0_usize);
        loop {
            let mut from = 0;
            while let Some(end) = buffer
                .get(looked..)
                .and_then(|rest| rest.iter().position(|b| *b == b'\n'))
            {
                let end = looked + end;
                if let Some(ended) = self.line(buffer.get(from..end).unwrap_or_default()).await {
                    return ended;
                }
                from = end + 1;
                looked = from;
            }
            // Once for all lines of a frame: what is left is moved, and a frame may be nothing but ends of lines.
            buffer.drain(..from);
            // What is unpacked is there at once: others have their turn in between.
            tokio::task::yield_now().await;
            looked = buffer.len();
            if looked > LONGEST_LINE {
                return End::TooLarge;
            }
            match frames.next().await {
                Some(Ok(bytes)) => {
                    total += bytes.len();
                    if total > LONGEST_BODY {
                        return End::TooLarge;
                    }
                    buffer.extend_from_slice(&bytes);
                }
                // The ask line may come without a line end.
                None => return self.line(&buffer).await.unwrap_or(End::Unreadable),
                Some(Err(_)) => {
                    // Complete groups before the cut are applied; the device asks again for their results.
                    self.apply(true).await;
                    return End::Unreadable;
                }
            }
        }
    }

    async fn line(&mut self, line: &[u8]) -> Option<End> {
        let text = line.trim_ascii();
        if text.len() > LONGEST_LINE {
            return Some(End::TooLarge);
        }
        if text.is_empty() {
            // Nothing, but it is work: a packed request has millions of them in a few bytes.
            self.ops += 1;
            return (self.ops > MOST_OPS).then_some(End::TooLarge);
        }
        let Ok(value) = serde_json::from_slice::<Value>(text) else {
            self.apply(true).await;
            return Some(End::Unreadable);
        };
        if value.get("op").is_none() {
            self.apply(false).await;
            return Some(serde_json::from_value(value).map_or(End::Unreadable, End::Asked));
        }
        let Ok(wire) = serde_json::from_value::<WireOp>(value) else {
            self.apply(true).await;
            return Some(End::Unreadable);
        };
        self.ops += 1;
        let group = wire.group;
        let op = Op::read(wire);
        match self.waiting.last_mut() {
            Some((last, ops)) if group.is_some() && *last == group => {
                ops.push(op);
                if ops.len() > MOST_IN_GROUP {
                    return Some(End::TooLarge);
                }
            }
            _ => {
                if self.waiting.len() >= TOGETHER {
                    self.apply(false).await;
                }
                self.waiting.push((group, vec![op]));
            }
        }
        (self.ops > MOST_OPS).then_some(End::TooLarge)
    }

    /// Applies what waits, in order. After a cut the last group may be incomplete, and is left out.
    async fn apply(&mut self, cut: bool) {
        let mut groups = std::mem::take(&mut self.waiting);
        if cut && groups.last().is_some_and(|(group, _)| group.is_some()) {
            groups.pop();
        }
        let applied = groups
            .into_iter()
            .map(|(_, ops)| apply::group(self.app, self.actor, self.device, ops));
        self.results.extend(join_all(applied).await.into_iter().flatten());
    }
}

async fn answer(
    app: App,
    actor: Actor,
    results: Vec<WireResult>,
    ask: &WireAsk,
) -> Result<Response, Problem> {
    let scope = scope_hash(&actor, &ask.scope);
    let (user, link, asked) = (actor.user.to_string(), ask.link, ask.cursor.clone());
    let (cursor, anew) = app
        .db
        .write(move |tx| -> Result<(Cursor, Option<Anew>), DbError> {
            if let Some(link) = link {
                table::link::told(tx.conn(), &user, link.rtt_ms, link.loss_permille, tx.now_ms())?;
            }
            let epoch = sync::epoch(tx)?;
            let head = table::version::last_seq(tx.conn())?;
            Ok(Cursor::resume(asked.as_deref(), &epoch, &scope, head))
        })
        .await?;
    let mut head = String::new();
    if anew.is_some() || ask.cursor.is_none() {
        // Before any result and change: the device knows the epoch of what it is told, and offers again what an earlier
        // one had before any of it is replaced.
        line(
            &mut head,
            &WireCursor {
                cursor: cursor.to_text(),
                done: false,
                anew,
            },
        );
    }
    head.push_str(&lines(&results));
    let first = Down {
        app,
        lane: lane::is_due(&actor, &cursor),
        actor,
        cursor,
        done: false,
    };
    let changes = stream::try_unfold(first, |down| async move {
        if down.done {
            return Ok::<_, DbError>(None);
        }
        down.next().await.map(Some)
    });
    let head = stream::once(async move { Ok::<_, DbError>(Bytes::from(head)) });
    Ok(ndjson(Body::from_stream(head.chain(changes))))
}

/// The way down: each step is one page, audited before it is sent.
struct Down {
    app: App,
    actor: Actor,
    cursor: Cursor,
    /// What is needed at once comes next.
    lane: bool,
    done: bool,
}

impl Down {
    async fn next(mut self) -> Result<(Bytes, Self), DbError> {
        let (actor, cursor) = (self.actor.clone(), self.cursor.clone());
        let lane = std::mem::take(&mut self.lane);
        let page = self
            .app
            .db
            .read(move |read| -> Result<Option<Page>, DbError> {
                // An exchange can take minutes; a device that was taken away meanwhile gets no further page.
                if !tokens::still_good(read.conn(), &actor)? {
                    return Ok(None);
                }
                if lane {
                    return lane::page(read.conn(), &actor, &cursor).map(Some);
                }
                feed::page(read.conn(), &actor, &cursor).map(Some)
            })
            .await;
        let page =
            page.inspect_err(|error| tracing::error!(%error, "A page of changes could not be read"))?;
        let Some(page) = page else {
            // Without its last cursor the exchange is not over; asking again says that a sign-in is needed.
            self.done = true;
            return Ok((Bytes::new(), self));
        };
        self.note(&page).await?;
        let text = text_of(&page, &self.cursor);
        self.done = page.done;
        self.cursor = page.cursor;
        Ok((Bytes::from(text), self))
    }

    async fn note(&self, page: &Page) -> Result<(), DbError> {
        if page.patients.is_empty() && !page.done {
            return Ok(());
        }
        let (agent, user) = (self.actor.audit_agent(), self.actor.user.to_string());
        let (patients, done) = (page.patients.clone(), page.done);
        self.app
            .db
            .write(move |tx| {
                for patient in patients {
                    tx.audit(&AuditEntry {
                        action: AuditAction::Read,
                        subtype: "search-system",
                        ok: true,
                        agent: agent.clone(),
                        patient: Some(patient),
                        entity: Some("$hms-sync".to_owned()),
                        count: None,
                    })?;
                }
                if done {
                    table::link::synced(tx.conn(), &user, tx.now_ms())?;
                }
                Ok(())
            })
            .await
    }
}

/// A page as lines. One that is longer than a checkpoint repeats the cursor before it, which is always safe.
fn text_of(page: &Page, before: &Cursor) -> String {
    let mut text = String::new();
    for (n, change) in page.changes.iter().enumerate() {
        if n > 0 && n % CHECKPOINT_EVERY == 0 {
            line(
                &mut text,
                &WireCursor {
                    cursor: before.to_text(),
                    done: false,
                    anew: None,
                },
            );
        }
        line(
            &mut text,
            &WireChange {
                change: change.clone(),
            },
        );
    }
    line(
        &mut text,
        &WireCursor {
            cursor: page.cursor.to_text(),
            done: page.done,
            anew: None,
        },
    );
    text
}

pub(super) fn lines<T: Serialize>(all: &[T]) -> String {
    let mut text = String::new();
    all.iter().for_each(|one| line(&mut text, one));
    text
}

fn line<T: Serialize>(text: &mut String, one: &T) {
    // Wire types hold nothing that JSON cannot say; a failure would end the exchange at the reader.
    if let Ok(json) = serde_json::to_string(one) {
        text.push_str(&json);
        text.push('\n');
    }
}

pub(super) fn ndjson(body: Body) -> Response {
    ([(CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
}
