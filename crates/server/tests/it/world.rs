//! A server in a temporary directory, with a clock that stands still, and people with accounts.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::Router;
use hms_model::role::Role;
use hms_server::app::App;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError, NewAccount};
use hms_server::auth::tokens::{self, SignIn};
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::{Precondition, Prepared, Tx, WriteError};
use hms_server::settings::Settings;
use http_body_util::BodyExt;
use serde_json::{json, Value};
use std::path::Path;
use tempfile::TempDir;
use tower::ServiceExt;

/// 2026-11-21T12:00:00Z.
pub const NOON: i64 = 1_795_262_400_000;
pub const BASE: &str = "https://ach.test";

pub struct World {
    pub app: App,
    pub dir: DataDir,
    router: Router,
    _temp: TempDir,
}

/// An account with a token.
#[derive(Clone)]
pub struct Person {
    pub user: String,
    pub token: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    pub fn entries(&self) -> Vec<Value> {
        self.json()["entry"].as_array().cloned().unwrap_or_default()
    }

    pub fn ids(&self) -> Vec<String> {
        self.entries()
            .iter()
            .map(|e| e["resource"]["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// With other settings; files that they name go into the folder.
    pub fn with(set: impl FnOnce(&mut Settings, &Path)) -> Self {
        let temp = TempDir::new().expect("temporary directory");
        let dir = DataDir::init(temp.path()).expect("init");
        let mut settings = Settings {
            base_url: BASE.to_owned(),
            ..Settings::default()
        };
        set(&mut settings, temp.path());
        let app = App::open_with(&dir, Clock::manual(NOON), settings).expect("open");
        let router = app.router();
        Self {
            app,
            dir,
            router,
            _temp: temp,
        }
    }

    /// The server ends without a word and another one starts on the same data.
    pub fn restart(&mut self) {
        let settings = (*self.app.settings).clone();
        self.app = App::open_with(&self.dir, self.app.clock.clone(), settings).expect("open");
        self.router = self.app.router();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("body").to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    pub async fn ask(&self, who: &Person, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(who, method, path, body, &[]).await
    }

    pub async fn ask_with(
        &self,
        who: &Person,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !who.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", who.token));
        }
        if body.is_some()
            && !headers
                .iter()
                .any(|(n, _)| n.eq_ignore_ascii_case("content-type"))
        {
            request = request.header(
                CONTENT_TYPE,
                if path.starts_with("/fhir") {
                    "application/fhir+json"
                } else {
                    "application/json"
                },
            );
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        self.send(request.body(body).expect("request")).await
    }

    pub async fn get(&self, who: &Person, path: &str) -> Answer {
        self.ask(who, "GET", path, None).await
    }

    pub async fn put(&self, who: &Person, resource: &Value) -> Answer {
        let path = format!(
            "/fhir/{}/{}",
            resource["resourceType"].as_str().unwrap_or(""),
            resource["id"].as_str().unwrap_or("")
        );
        self.ask(who, "PUT", &path, Some(resource)).await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = hms_server::auth::oidc::percent_encode;
        let body: Vec<String> = fields
            .iter()
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect();
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.join("&")))
            .expect("request");
        self.send(request).await
    }

    /// Stores a resource without asking anybody.
    pub async fn given(&self, resource: Value) {
        let prepared = Prepared::new(resource).expect("valid");
        self.app
            .db
            .write(move |tx: &mut Tx<'_>| -> Result<(), WriteError> {
                tx.put(prepared, Precondition::None).map(drop)
            })
            .await
            .expect("given");
    }

    /// An account with a token of an hour; a system account may read everything.
    pub async fn person(&self, name: &str, role: Role, fhir: Option<&str>, place: Option<&str>) -> Person {
        let scopes = if role == Role::System { "system/*.rs" } else { "" };
        self.account(name, role, fhir, place, scopes).await
    }

    async fn account(
        &self,
        name: &str,
        role: Role,
        fhir: Option<&str>,
        place: Option<&str>,
        scopes: &str,
    ) -> Person {
        let new = NewAccount {
            username: name.to_owned(),
            role,
            name: name.to_owned(),
            fhir: fhir.map(str::to_owned),
            site: place.map(str::to_owned),
            district: place.map(str::to_owned),
            scopes: scopes.to_owned(),
            password_hash: None,
        };
        self.app
            .db
            .write(move |tx: &mut Tx<'_>| -> Result<Person, AccountError> {
                let user = accounts::add(tx, new, &AuditAgent::service())?;
                let sign_in = SignIn {
                    user_id: user.clone(),
                    device_id: Some("walk".to_owned()),
                    client: "test".to_owned(),
                    scope: String::new(),
                    family: user.clone(),
                };
                let token = tokens::issue_access(tx, &sign_in, 3_600_000)?;
                Ok(Person { user, token })
            })
            .await
            .expect("account")
    }

    /// Another token of an hour for somebody whose last one has ended.
    pub async fn sign_in_again(&self, who: &Person) -> Person {
        let user = who.user.clone();
        let sign_in = SignIn {
            user_id: user.clone(),
            device_id: Some("walk".to_owned()),
            client: "test".to_owned(),
            scope: String::new(),
            family: user.clone(),
        };
        let issued = self
            .app
            .db
            .write(move |tx: &mut Tx<'_>| tokens::issue_access(tx, &sign_in, 3_600_000));
        Person {
            user,
            token: issued.await.expect("token"),
        }
    }

    /// A carrier with their Patient.
    pub async fn carrier(&self, name: &str, site: &str) -> Person {
        self.given(patient(name, site)).await;
        self.person(name, Role::Carrier, Some(&format!("Patient/{name}")), Some(site))
            .await
    }

    /// A system account that may do everything with resources.
    pub async fn anyone(&self) -> Person {
        self.account("operator", Role::System, None, None, "system/*.cruds")
            .await
    }
}

pub fn nobody() -> Person {
    Person {
        user: String::new(),
        token: String::new(),
    }
}

pub fn patient(id: &str, site: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": id, "given": ["Pat"]}], "birthDate": "1980-05-17",
        "managingOrganization": {"reference": format!("Organization/{site}")}})
}

pub fn observation(id: &str, patient: &str, value: f64) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": format!("Patient/{patient}")},
        "effectiveDateTime": "2026-11-20T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}})
}

/// An entry of the clinicians' queue.
pub fn review_task(id: &str, patient: &str, owner: Option<&str>) -> Value {
    let mut task = json!({"resourceType": "Task", "id": id, "status": "requested", "intent": "order", "priority": "urgent",
        "code": {"coding": [{"system": hms_model::map::system::codes("task"), "code": "review-report"}]},
        "for": {"reference": format!("Patient/{patient}")}, "authoredOn": "2026-11-21T10:00:00Z"});
    if let Some(owner) = owner {
        task["owner"] = json!({"reference": format!("Practitioner/{owner}")});
        task["status"] = json!("accepted");
    }
    task
}
