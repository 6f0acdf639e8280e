//! A server in memory with a small district: Dana and Sam carry mail at one site, Lee at another.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_model::ids::{PatientId, ReportId, TaskId};
use hms_model::map::{report, system, task};
use hms_model::report::{BodyPart, HurtPlace, InjuryReport, Reporter, SafeNow, Side, WhatHappened};
use hms_model::role::Role;
use hms_model::time::Stamp;
use hms_model::wire::sync::{ChangeBody, WireLine, WireResult};
use hms_server::app::App;
use hms_server::auth::tokens::{self, SignIn};
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::sqlite::table;
use hms_server::db::sqlite::table::user::UserRow;
use hms_server::db::{DbError, Precondition, Prepared, Tx, WriteError};
use hms_server::settings::Settings;
use http_body_util::BodyExt;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use tempfile::TempDir;
use tower::ServiceExt;

/// 2026-11-21T12:00:00Z.
pub const NOON: i64 = 1_795_262_400_000;

pub struct World {
    pub app: App,
    pub temp: TempDir,
}

/// A signed-in person on a device: keeps a cursor and what it was sent, as the app does.
pub struct Device {
    pub token: String,
    pub device: String,
    pub cursor: Option<String>,
    pub held: BTreeMap<String, Value>,
    pub next_op: i64,
}

/// What one sync brought.
#[derive(Debug, Default)]
pub struct Synced {
    pub results: Vec<WireResult>,
    pub changes: Vec<ChangeBody>,
    pub done: bool,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let temp = TempDir::new().expect("a folder");
        let dir = DataDir::init(&temp.path().join("data")).expect("init");
        let app = App::open_with(&dir, Clock::manual(NOON), settings).expect("open");
        let world = Self { app, temp };
        world.people().await;
        world
    }

    async fn people(&self) {
        for (id, district) in [
            ("d1", None),
            ("north", Some("d1")),
            ("south", Some("d2")),
            ("d2", None),
        ] {
            let mut org = json!({"resourceType": "Organization", "id": id, "name": id});
            if let Some(district) = district {
                org["partOf"] = json!({"reference": format!("Organization/{district}")});
            }
            self.put(org).await;
        }
        for (id, site, number) in [
            ("dana", "north", "04417"),
            ("sam", "north", "04418"),
            ("lee", "south", "05001"),
        ] {
            self.put(
                json!({"resourceType": "Patient", "id": id, "name": [{"family": "Reyes", "given": [id]}],
                "identifier": [{"system": system::codes("employee-number"), "value": number}],
                "managingOrganization": {"reference": format!("Organization/{site}")}}),
            )
            .await;
            self.account(id, Role::Carrier, &format!("Patient/{id}"), Some(site), None)
                .await;
        }
        for (id, role, site, district) in [
            ("ada", Role::Clinician, None, Some("d1")),
            ("bo", Role::Clinician, None, Some("d1")),
            ("nora", Role::Nurse, None, Some("d1")),
            ("max", Role::Manager, Some("north"), None),
            ("mia", Role::Manager, Some("south"), None),
            ("hana", Role::Hr, None, None),
        ] {
            self.put(json!({"resourceType": "Practitioner", "id": id, "name": [{"text": id}]}))
                .await;
            self.account(id, role, &format!("Practitioner/{id}"), site, district)
                .await;
        }
    }

    pub async fn put(&self, resource: Value) -> i64 {
        let prepared = Prepared::new(resource).expect("valid");
        let put = self
            .app
            .db
            .write(move |tx: &mut Tx<'_>| tx.put(prepared, Precondition::None))
            .await;
        put.expect("stored").version
    }

    async fn account(&self, id: &str, role: Role, fhir: &str, site: Option<&str>, district: Option<&str>) {
        let row = UserRow {
            id: format!("u-{id}"),
            username: id.to_owned(),
            role,
            name: id.to_owned(),
            fhir: Some(fhir.to_owned()),
            site: site.map(str::to_owned),
            district: district.map(str::to_owned),
            scopes: String::new(),
            disabled: false,
        };
        let added: Result<bool, DbError> = self
            .app
            .db
            .write(move |tx: &mut Tx<'_>| table::user::insert(tx.conn(), &row, None, tx.now_ms()))
            .await;
        assert!(added.expect("stored"));
    }

    /// Signs somebody in on a device.
    pub async fn device(&self, who: &str, device: &str) -> Device {
        let (user, on) = (format!("u-{who}"), device.to_owned());
        let token: Result<String, DbError> = self
            .app
            .db
            .write(move |tx: &mut Tx<'_>| {
                table::device::signed_in(tx.conn(), &on, &user, "a phone", tx.now_ms())?;
                let sign_in = SignIn {
                    user_id: user,
                    device_id: Some(on),
                    client: "test".to_owned(),
                    scope: "openid".to_owned(),
                    family: format!("family-{}", tx.now_ms()),
                };
                tokens::issue_access(tx, &sign_in, 24 * 3600 * 1000)
            })
            .await;
        Device {
            token: token.expect("a token"),
            device: device.to_owned(),
            cursor: None,
            held: BTreeMap::new(),
            next_op: 1,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.app.router().oneshot(request).await.expect("an answer");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    pub async fn get(&self, who: &Device, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header("authorization", format!("Bearer {}", who.token));
        let (status, text) = self.send(request.body(Body::empty()).expect("request")).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn put_as(
        &self,
        who: &Device,
        resource: &Value,
        if_match: Option<&str>,
    ) -> (StatusCode, Value) {
        let path = format!(
            "/fhir/{}/{}",
            text(resource, "resourceType"),
            text(resource, "id")
        );
        let mut request = Request::put(path)
            .header("authorization", format!("Bearer {}", who.token))
            .header("content-type", "application/fhir+json");
        if let Some(version) = if_match {
            request = request.header("if-match", format!("W/\"{version}\""));
        }
        let (status, text) = self
            .send(request.body(Body::from(resource.to_string())).expect("request"))
            .await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// What is stored now, whoever may see it.
    pub async fn stored(&self, kind: &str) -> Vec<Value> {
        let kind = kind.to_owned();
        let all: Result<Vec<Value>, DbError> = self
            .app
            .db
            .read(move |read| {
                let rows = table::feed::after(read.conn(), 0, 100_000)?;
                let live = rows
                    .into_iter()
                    .filter(|r| r.kind == kind && r.seq == r.current && !r.deleted);
                live.map(|r| {
                    let body = table::feed::body(read.conn(), r.seq)?;
                    serde_json::from_str(&body.unwrap_or_default()).map_err(DbError::Body)
                })
                .collect()
            })
            .await;
        all.expect("a read")
    }

    pub async fn tasks(&self, code: &str) -> Vec<Value> {
        let all = self.stored("Task").await;
        all.into_iter()
            .filter(|t| task::kind(t).map(|k| k.code()) == Some(code))
            .collect()
    }

    /// How often the audit says that somebody read something, or what is a patient's where one is named.
    pub async fn audited(&self, agent: &str, patient: Option<&str>, entity: &str) -> usize {
        let query = table::audit::AuditQuery {
            patient: patient.map(str::to_owned),
            agent: Some(agent.to_owned()),
            entity: Some(entity.to_owned()),
            limit: 100,
            ..Default::default()
        };
        let found: Result<Vec<_>, DbError> = self
            .app
            .db
            .read(move |read| table::audit::search(read.conn(), &query))
            .await;
        found.expect("a read").len()
    }

    pub async fn change(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<(), WriteError> + Send + 'static) {
        self.app.db.write(f).await.expect("changed");
    }

    /// One sync with these changes; keeps what came as the app would.
    pub async fn sync(&self, who: &mut Device, ops: &[Value]) -> Synced {
        let body = up(ops, who.cursor.as_deref());
        let (status, text) = self.post_sync(who, body).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        who.take(&text)
    }

    pub async fn post_sync(&self, who: &Device, body: String) -> (StatusCode, String) {
        let request = Request::post("/fhir/$hms-sync")
            .header("authorization", format!("Bearer {}", who.token))
            .header("x-hms-device", &who.device)
            .header("content-type", "application/x-ndjson")
            .body(Body::from(body))
            .expect("request");
        self.send(request).await
    }
}

/// The lines of one request.
pub fn up(ops: &[Value], cursor: Option<&str>) -> String {
    let mut body: String = ops.iter().map(|op| format!("{op}\n")).collect();
    body.push_str(&format!("{}\n", json!({"cursor": cursor, "scope": "mine"})));
    body
}

impl Device {
    /// Takes an answer in, page by page, as far as it came.
    pub fn take(&mut self, text: &str) -> Synced {
        let mut synced = Synced::default();
        let mut page = Vec::new();
        for line in text.lines() {
            match WireLine::parse(line).expect("a line") {
                WireLine::Result(result) => synced.results.push(result),
                WireLine::Change(change) => page.push(change.change),
                WireLine::Cursor(cursor) => {
                    for change in page.drain(..) {
                        self.keep(&change);
                        synced.changes.push(change);
                    }
                    self.cursor = Some(cursor.cursor);
                    synced.done = cursor.done;
                }
            }
        }
        synced
    }

    fn keep(&mut self, change: &ChangeBody) {
        match change {
            ChangeBody::Resource(resource) => {
                self.held.insert(name(resource), resource.clone());
            }
            ChangeBody::Gone { id, .. } => {
                self.held.remove(id);
            }
        }
    }

    /// A create, update or delete as an op line.
    pub fn op(&mut self, resource: &Value, base: Option<&str>, group: Option<i64>) -> Value {
        let mut op = json!({"op": self.next_op, "id": name(resource), "resource": resource});
        self.next_op += 1;
        if let Some(base) = base {
            op["base"] = json!(base);
        }
        if let Some(group) = group {
            op["group"] = json!(group);
        }
        op
    }

    /// A report and its Task as the app pushes them: one group.
    pub fn report_ops(&mut self, id: &str, patient: &str, priority: task::Priority) -> Vec<Value> {
        let group = self.next_op;
        let entry = review(id, Some(patient), priority);
        vec![
            self.op(&bite(id, Some(patient)), None, Some(group)),
            self.op(&entry, None, Some(group)),
        ]
    }

    /// Ids of what is held of a type.
    pub fn ids(&self, kind: &str) -> Vec<&str> {
        self.held
            .keys()
            .filter_map(|k| k.strip_prefix(kind)?.strip_prefix('/'))
            .collect()
    }
}

pub fn name(resource: &Value) -> String {
    format!("{}/{}", text(resource, "resourceType"), text(resource, "id"))
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub fn bite(id: &str, patient: Option<&str>) -> Value {
    let report = InjuryReport {
        id: ReportId::parse(id).expect("id"),
        patient: patient.map(|p| PatientId::parse(p).expect("id")),
        reporter: Reporter::Myself,
        safe: SafeNow::Safe,
        what: WhatHappened::Animal,
        places: vec![HurtPlace {
            part: BodyPart::Hand,
            side: Side::Left,
        }],
        happened: stamp(),
        position: None,
        place_text: Some("RR 7, box 112".into()),
        witness: None,
        note: Some("the dog came from behind".into()),
        authored: stamp(),
        true_time: None,
        language: "en".into(),
    };
    report::to_fhir(&report, None)
}

pub fn review(report: &str, patient: Option<&str>, priority: task::Priority) -> Value {
    let id = TaskId::parse(&format!("{report}-task")).expect("id");
    let patient = patient.map(|p| PatientId::parse(p).expect("id"));
    task::review_task(
        &id,
        &ReportId::parse(report).expect("id"),
        patient.as_ref(),
        priority,
        stamp(),
    )
}

pub fn stamp() -> Stamp {
    Stamp::parse("2026-11-21T05:42:00-06:00").expect("a stamp")
}

/// The task of a report, claimed by a practitioner.
pub fn claimed(mut task: Value, by: &str) -> Value {
    task["status"] = json!("accepted");
    task["owner"] = json!({"reference": format!("Practitioner/{by}")});
    task
}
