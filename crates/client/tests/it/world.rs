//! A server with demonstration accounts, phones and desks that sign in as a person would.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::{
    Client, Clock, MediaChoice, PositionSource, ProfileConfig, Provisioning, SyntheticSide, VaultChoice,
};
use hms_model::form::{AnswerForm, ReportStepForm};
use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};
use hms_model::time::Timestamp;
use hms_model::view::{Phase, ReportView, SendState, SignInState, TriageView};
use hms_server::cli::{serve, Running, ServeOptions};
use hms_server::db::sqlite::table;
use hms_server::db::DbError;
use serde_json::Value;

pub const PASSPHRASE: &str = "route seven mailbox";

/// A clock that can be wrong.
#[derive(Clone, Default)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn off_by(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let real = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        let real = i64::try_from(real.as_millis()).expect("before the year 292 million");
        Timestamp(real + self.0.load(Ordering::Relaxed))
    }

    fn offset_minutes(&self, _at: Timestamp) -> i32 {
        -360
    }
}

pub struct World {
    pub server: Option<Running>,
    pub dir: tempfile::TempDir,
    pub demo: PathBuf,
}

impl World {
    pub async fn new() -> Self {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let dir = tempfile::tempdir().expect("dir");
        let demo = dir.path().join("server/demo.json");
        let mut world = Self {
            server: None,
            dir,
            demo,
        };
        world.start_server("127.0.0.1:0").await;
        world
    }

    pub async fn start_server(&mut self, listen: &str) {
        let options = || ServeOptions {
            data: self.dir.path().join("server"),
            listen: listen.parse().expect("address"),
            http_loopback: None,
            demo: true,
            tls_cert: None,
            tls_key: None,
            external: Default::default(),
            hr_url: None,
            relay: None,
            staff_page: None,
        };
        // A server that comes back to its port may find a passing connection of another test there; nothing else is
        // tried again.
        for _ in 0..50 {
            match serve(options()).await {
                Ok(server) => {
                    self.server = Some(server);
                    return;
                }
                Err(error) if error.to_string().contains("is taken") => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => panic!("the server does not start: {error:#}"),
            }
        }
        panic!("{listen} stays taken");
    }

    /// Stops the server; gives its address, to start it there again.
    pub async fn stop_server(&mut self) -> String {
        let server = self.server.take().expect("a server");
        let address = server.address.to_string();
        server.stop().await;
        address
    }

    pub fn provisioning(&self) -> Provisioning {
        Provisioning::from_demo_json(&self.demo).expect("demo.json")
    }

    pub fn profile(&self, name: &str) -> Profile {
        Profile {
            dir: self.dir.path().join(name),
            server: self.provisioning(),
            clock: TestClock::default(),
            opened: Arc::default(),
            media: MediaChoice::Synthetic {
                side: SyntheticSide::Carrier,
            },
        }
    }

    /// Everything of a type that the server has now, whoever may see it.
    pub async fn stored(&self, kind: &str) -> Vec<Value> {
        let app = self.server.as_ref().expect("running").app.clone();
        let kind = kind.to_owned();
        let all: Result<Vec<Value>, DbError> = app
            .db
            .read(move |read| {
                let rows = table::feed::after(read.conn(), 0, 1_000_000)?;
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

    /// Somebody who asks the server directly, with its CA.
    pub fn http(&self) -> reqwest::Client {
        trusting(self.provisioning().ca_file.as_deref().expect("a CA"))
            .build()
            .expect("a client")
    }

    /// A profile that is signed in with a PIN.
    pub async fn person(&self, name: &str) -> Client {
        let profile = self.profile(name);
        let client = profile.start().await;
        sign_in(&client, &profile, name).await;
        client
    }
}

pub struct Profile {
    pub dir: PathBuf,
    pub server: Provisioning,
    pub clock: TestClock,
    pub opened: Arc<Mutex<Vec<String>>>,
    pub media: MediaChoice,
}

impl Profile {
    pub async fn start(&self) -> Client {
        let opened = Arc::clone(&self.opened);
        Client::start(ProfileConfig {
            dir: self.dir.clone(),
            server: self.server.clone(),
            vault: VaultChoice::SealedFile,
            clock: Arc::new(self.clock.clone()),
            opener: Box::new(move |url| {
                opened.lock().expect("list").push(url.to_owned());
                true
            }),
            position: PositionSource::fixed(44.05, -92.5, Some("RR 7, box 112")),
            media: self.media.clone(),
            staff: false,
            locale: "en".into(),
            downloads: self.dir.join("downloads"),
        })
        .await
        .expect("the client starts")
    }
}

/// A profile that another process left with its `server.json`, opened offline by its passphrase as after any start of the
/// app.
pub async fn reopen(dir: &Path) -> Client {
    let profile = Profile {
        dir: dir.to_owned(),
        server: Provisioning::read(&dir.join("server.json")).expect("server.json"),
        clock: TestClock::default(),
        opened: Arc::default(),
        media: MediaChoice::Devices,
    };
    let phone = profile.start().await;
    assert!(phone.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    phone
}

/// Signs in as a person does in the browser, and sets the passphrase.
pub async fn sign_in(client: &Client, profile: &Profile, name: &str) {
    browse(client, profile, name).await;
    let app = client
        .set_pin(PASSPHRASE.into())
        .await
        .expect("the passphrase is set");
    assert_eq!(app.phase, Phase::Open);
}

/// The browser's part of a sign-in: the form, the password, and back to the loopback port.
pub async fn browse(client: &Client, profile: &Profile, name: &str) {
    let started = client.sign_in_start(false).await.expect("starts");
    finish_in_browser(&started.url.expect("an address"), &profile.server, name).await;
    let done = client.sign_in_wait(Duration::from_secs(30)).await.expect("ends");
    assert_eq!(done.state, SignInState::Done);
}

pub async fn finish_in_browser(address: &str, server: &Provisioning, name: &str) {
    let browser = browser(server.ca_file.as_deref().expect("a CA"));
    let url = reqwest::Url::parse(address).expect("an address");
    let mut fields: Vec<(String, String)> = url
        .query_pairs()
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    fields.push(("username".into(), name.into()));
    fields.push(("password".into(), format!("{name}-shows-the-demo")));
    let form = url.join("/oauth/authorize").expect("an address");
    let answer = browser.post(form).form(&fields).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 303, "signed in");
    let back = answer.headers()["location"].to_str().expect("text").to_owned();
    let page = browser.get(back).send().await.expect("the loopback port answers");
    assert!(page.text().await.expect("a page").contains("HMS-ACH"));
}

fn browser(ca: &Path) -> reqwest::Client {
    trusting(ca)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a browser")
}

fn trusting(ca: &Path) -> reqwest::ClientBuilder {
    let pem = std::fs::read(ca).expect("the CA");
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).expect("a certificate")])
}

/// Fills in and sends a report of a dog bite.
pub async fn report_bite(client: &Client) -> ReportView {
    let draft = fill_in(client).await;
    client.report_send(draft).await.expect("sent")
}

pub async fn fill_in(client: &Client) -> String {
    let draft = client.report_start(None).await.expect("a form").id;
    let steps = [
        ReportStepForm::Safe { value: SafeNow::Safe },
        ReportStepForm::What {
            value: WhatHappened::Animal,
        },
        ReportStepForm::Where {
            value: vec![HurtPlace {
                part: BodyPart::Hand,
                side: Side::Left,
            }],
        },
        ReportStepForm::Note {
            text: Some("brown dog, no collar".into()),
        },
    ];
    for step in steps {
        client.report_step(draft.clone(), step).await.expect("kept");
    }
    draft
}

/// A picture as the camera gives it, in base64.
pub fn png(picture: &image::RgbImage) -> String {
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).expect("png");
    STANDARD.encode(png.into_inner())
}

/// Adds a photo to a form; gives its id.
pub async fn photo(client: &Client, draft: &str) -> String {
    let base64 = png(&image::RgbImage::new(64, 48));
    let kept = client.report_attach(draft.to_owned(), "image/png".into(), base64);
    let mut attachments = kept.await.expect("kept").attachments;
    attachments.pop().expect("a photo").id
}

/// Answers everything with "none of these" and "no".
pub async fn calm(client: &Client, check: TriageView) -> TriageView {
    calm_until(client, check, |_| false).await
}

/// The same, up to a question that is looked for; without a question where it never came.
pub async fn calm_until(client: &Client, mut check: TriageView, sought: fn(&str) -> bool) -> TriageView {
    while let Some(question) = check.question.clone().filter(|q| !sought(&q.id)) {
        let answer = match question.kind.as_str() {
            "multi" => AnswerForm::Multi(Vec::new()),
            "boolean" => AnswerForm::Boolean(false),
            _ => AnswerForm::Unknown,
        };
        let answered = client.triage_answer(check.id.clone(), question.id, answer).await;
        check = answered.expect("taken");
    }
    check
}

pub fn is_sent(state: &SendState) -> bool {
    matches!(state, SendState::Sent { .. })
}

/// Until a report is sent, whoever sends it.
pub async fn until_sent(client: &Client, report: &str) {
    until(client, async || {
        let report = client.report(report.to_owned()).await.expect("there");
        is_sent(&report.send).then_some(())
    })
    .await;
}

/// Exchanges with the server until a report and its photos are sent.
pub async fn sync_until_sent(client: &Client, report: &str) {
    until(client, async || {
        client.sync_now().await.expect("syncs");
        let report = client.report(report.to_owned()).await.expect("there");
        let whole = is_sent(&report.send) && report.attachments.iter().all(|photo| is_sent(&photo.send));
        whole.then_some(())
    })
    .await;
}

/// Waits until a look at the client says so.
pub async fn until<T>(client: &Client, look: impl AsyncFn() -> Option<T>) -> T {
    let _ = client;
    let mut pace = tokio::time::interval(Duration::from_millis(200));
    let wait = async {
        loop {
            pace.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("within a minute")
}
