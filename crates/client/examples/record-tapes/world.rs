//! The server of the demonstration, its people, and their phones and desks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hms_client::{
    Client, Clock, MediaChoice, PositionSource, ProfileConfig, Provisioning, SyntheticSide, SystemClock,
    VaultChoice,
};
use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError, NewAccount};
use hms_server::auth::password;
use hms_server::cli::{serve, Running, ServeOptions};
use hms_server::db::sqlite::table::user;
use hms_server::db::{DbError, Tx};
use serde_json::{json, Value};

use crate::commands;

/// The PIN of every phone in the recordings.
pub const PIN: &str = "246810";
/// Where there is no keychain.
pub const PASSPHRASE: &str = "route seven mailbox";

pub struct World {
    pub server: Option<Running>,
    pub dir: tempfile::TempDir,
}

/// An employee of the made-up district.
#[derive(Debug, Clone)]
pub struct Employee {
    pub id: String,
    pub number: String,
    pub name: String,
    pub injured: bool,
    pub allergies: bool,
    /// Was asked about allergies, and has none.
    pub no_allergy: bool,
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut world = Self { server: None, dir };
        world.start("127.0.0.1:0").await;
        world
    }

    /// Starts the server, with the district that it has.
    pub async fn start(&mut self, listen: &str) {
        let options = ServeOptions {
            data: self.dir.path().join("server"),
            listen: listen.parse().expect("an address"),
            http_loopback: None,
            demo: true,
            tls_cert: None,
            tls_key: None,
            hr_url: None,
            relay: None,
            staff_page: None,
            external: Default::default(),
        };
        self.server = Some(serve(options).await.expect("the server starts"));
    }

    /// Stops the server; gives its address, to start it there again.
    pub async fn stop(&mut self) -> String {
        let server = self.server.take().expect("a server");
        let address = server.address.to_string();
        server.stop().await;
        address
    }

    pub fn server(&self) -> &Running {
        self.server.as_ref().expect("the server runs")
    }

    pub fn provisioning(&self) -> Provisioning {
        Provisioning::from_demo_json(&self.dir.path().join("server/demo.json")).expect("demo.json")
    }

    pub fn profile(&self, name: &str) -> Profile {
        Profile {
            dir: self.dir.path().join(name),
            server: self.provisioning(),
            vault: VaultChoice::Best,
            staff: false,
            slow_by_ms: 0,
            can_dial: true,
            place: true,
        }
    }

    pub fn desk(&self, name: &str) -> Profile {
        Profile {
            staff: true,
            ..self.profile(name)
        }
    }

    /// Signs `who` in on that profile, and sets the PIN.
    pub async fn open(&self, profile: &Profile, who: &str) -> Client {
        let client = profile.start().await;
        self.sign_in(&client, who).await;
        let secret = if profile.vault == VaultChoice::Best {
            PIN
        } else {
            PASSPHRASE
        };
        commands::give(&client, "set_pin", &json!({ "pin": secret }))
            .await
            .expect("the PIN is set");
        client
    }

    /// The browser's part of a sign-in.
    pub async fn sign_in(&self, client: &Client, who: &str) {
        let started = client.sign_in_start(false).await.expect("starts");
        let address = started.url.expect("an address");
        self.browse(&address, who).await;
        let done = client.sign_in_wait(std::time::Duration::from_secs(30)).await;
        done.expect("the sign-in ends");
    }

    /// The form, the password, and back to the loopback port.
    pub async fn browse(&self, address: &str, who: &str) {
        let browser = browser(self.provisioning().ca_file.as_deref().expect("a CA"));
        let url = reqwest::Url::parse(address).expect("an address");
        let mut fields: Vec<(String, String)> = url
            .query_pairs()
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        fields.push(("username".into(), who.into()));
        fields.push(("password".into(), password_of(who)));
        let form = url.join("/oauth/authorize").expect("an address");
        let answer = browser.post(form).form(&fields).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 303, "signed in");
        let back = answer.headers()["location"].to_str().expect("text").to_owned();
        browser.get(back).send().await.expect("the loopback port answers");
    }

    /// Employees of the first site.
    pub async fn employees(&self) -> Vec<Employee> {
        let read = |read: &hms_server::db::Read<'_>| -> Result<Vec<Employee>, DbError> {
            let mut all = Vec::new();
            // Every fortieth works at the first site, whose supervisor is the one of the demonstration.
            for n in (1..=12).map(|n| 40 * n + 1) {
                let id = format!("emp-{n:04}");
                let Some(stored) = read.get("Patient", &id)? else {
                    continue;
                };
                let body: Value = stored.value()?;
                let allergy = read.get("AllergyIntolerance", &format!("{id}-allergy"))?;
                let allergy = allergy.map(|stored| stored.value()).transpose()?;
                let words = |at: &str| {
                    body.pointer(at)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                all.push(Employee {
                    number: words("/identifier/0/value"),
                    name: format!("{} {}", words("/name/0/given/0"), words("/name/0/family")),
                    injured: read
                        .get("QuestionnaireResponse", &format!("{id}-injury"))?
                        .is_some(),
                    allergies: allergy.is_some(),
                    no_allergy: allergy
                        .is_some_and(|code| code.pointer("/code/text") == Some(&json!("No known allergy"))),
                    id,
                });
            }
            Ok(all)
        };
        self.server().app.db.read(read).await.expect("the district")
    }

    /// A password for an account that the district came with.
    pub async fn give_password(&self, who: &str) {
        let hash = password::hash(&Secret::new(password_of(who))).expect("a hash");
        let id = format!("user-{who}");
        let set = self
            .server()
            .app
            .db
            .write(move |tx: &mut Tx<'_>| user::set_password(tx.conn(), &id, &hash));
        let set: Result<(), DbError> = set.await;
        set.expect("the password is set");
    }

    /// An account for a person of the district, as the administrator adds it; the sign-in name is the id.
    pub async fn account(&self, role: Role, reference: &str, name: &str) {
        let (kind, id) = reference.split_once('/').expect("a reference");
        let patient = kind == "Patient";
        let new = NewAccount {
            username: id.to_owned(),
            role,
            name: name.to_owned(),
            fhir: Some(reference.to_owned()),
            site: patient.then(|| "site-001".to_owned()),
            district: (!patient).then(|| "district".to_owned()),
            scopes: String::new(),
            password_hash: Some(password::hash(&Secret::new(password_of(id))).expect("a hash")),
        };
        let added = self
            .server()
            .app
            .db
            .write(move |tx: &mut Tx<'_>| accounts::add(tx, new, &AuditAgent::service()).map(|_| ()));
        let added: Result<(), AccountError> = added.await;
        added.expect("the account is added");
    }
}

fn password_of(who: &str) -> String {
    format!("{who}-shows-the-demo")
}

#[derive(Clone)]
pub struct Profile {
    pub dir: PathBuf,
    pub server: Provisioning,
    pub vault: VaultChoice,
    pub staff: bool,
    /// How far its clock is behind.
    pub slow_by_ms: i64,
    pub can_dial: bool,
    /// It knows where it is.
    pub place: bool,
}

/// The machine's clock, or one that is behind it.
struct SlowClock(i64);

impl Clock for SlowClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 - self.0)
    }

    fn offset_minutes(&self, at: Timestamp) -> i32 {
        SystemClock.offset_minutes(at)
    }
}

impl Profile {
    pub async fn start(&self) -> Client {
        Client::start(self.config()).await.expect("the client starts")
    }

    pub fn config(&self) -> ProfileConfig {
        let can_dial = self.can_dial;
        let side = if self.staff {
            SyntheticSide::Clinician
        } else {
            SyntheticSide::Carrier
        };
        ProfileConfig {
            dir: self.dir.clone(),
            server: self.server.clone(),
            vault: self.vault,
            clock: Arc::new(SlowClock(self.slow_by_ms)),
            opener: Box::new(move |url| can_dial || !url.starts_with("tel:")),
            position: if self.staff || !self.place {
                PositionSource::default()
            } else {
                PositionSource::fixed(44.05, -92.5, Some("RR 7, box 112"))
            },
            media: MediaChoice::Synthetic { side },
            staff: self.staff,
            locale: "en".into(),
            downloads: self.dir.join("downloads"),
        }
    }
}

fn browser(ca: &Path) -> reqwest::Client {
    let pem = std::fs::read(ca).expect("the CA");
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).expect("a certificate")])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a browser")
}
