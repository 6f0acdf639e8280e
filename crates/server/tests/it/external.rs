//! An external OpenID Connect issuer over real sockets: a second `ach-server` process with an issuer of its own.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use clap::Parser;
use hms_model::role::Role;
use hms_server::app::App;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError, NewAccount};
use hms_server::auth::keys::Keys;
use hms_server::auth::oidc::{percent_encode, CLIENT_ID};
use hms_server::cli::{run, serve, Cli, ExternalOptions, ServeOptions};
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::Tx;
use hms_server::settings::Settings;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const AUDIENCE: &str = "https://region.example";
const PASSWORD: &str = "correct horse battery";
const MINUTE: i64 = 60_000;

/// The second server: a process of its own, on a port that stays.
struct Provider {
    data: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
    _temp: TempDir,
}

impl Provider {
    fn start() -> Self {
        let temp = TempDir::new().expect("temporary directory");
        let data = temp.path().join("issuer");
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a free port");
        ach(&[
            "init",
            "--data",
            text(&data),
            "--base-url",
            &format!("https://{address}"),
        ]);
        let settings = json!({"base_url": format!("https://{address}"), "token_audience": AUDIENCE});
        std::fs::write(data.join("config.json"), settings.to_string()).expect("config");
        let password = temp.path().join("password");
        std::fs::write(&password, PASSWORD).expect("password");
        ach(&[
            "user",
            "add",
            "dana",
            "--role",
            "carrier",
            "--name",
            "Dana",
            "--password-file",
            text(&password),
            "--data",
            text(&data),
        ]);
        let mut provider = Self {
            data,
            address,
            process: None,
            _temp: temp,
        };
        provider.run();
        provider
    }

    fn run(&mut self) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ach-server"))
            .args([
                "serve",
                "--data",
                text(&self.data),
                "--listen",
                &self.address.to_string(),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start");
        let out = process.stdout.take().expect("stdout");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert!(line.contains("serves at"), "{line}");
        self.process = Some(process);
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("stop");
            process.wait().expect("ended");
        }
    }

    fn issuer(&self) -> String {
        format!("https://{}", self.address)
    }

    fn authority(&self) -> PathBuf {
        self.data.join("ca.pem")
    }

    /// What the issuer would sign now: its own key, read from its data.
    fn keys(&self) -> Keys {
        Keys::open(&DataDir::open(&self.data).expect("data")).expect("keys")
    }

    fn claims(&self, now_ms: i64) -> Value {
        json!({"iss": self.issuer(), "aud": AUDIENCE, "sub": "x", "preferred_username": "dana",
            "iat": now_ms / 1000, "exp": now_ms / 1000 + 3600})
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

fn ach(arguments: &[&str]) {
    let cli = Cli::try_parse_from(std::iter::once("ach-server").chain(arguments.iter().copied()))
        .expect("arguments");
    // The command line blocks; this test's threads must not.
    let done = std::thread::spawn(|| run(cli).expect("done")).join();
    assert_eq!(done.expect("no panic"), 0);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

/// A client that trusts these authorities only.
fn client(authorities: &[PathBuf]) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = |path: &PathBuf| {
        reqwest::Certificate::from_pem(&std::fs::read(path).expect("authority")).expect("certificate")
    };
    reqwest::Client::builder()
        .tls_certs_only(authorities.iter().map(certificate))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("client")
}

/// Gives the person an account here, without a password: only the issuer knows that one.
async fn account(app: &App, name: &str) -> String {
    let new = NewAccount {
        username: name.to_owned(),
        role: Role::Carrier,
        name: name.to_owned(),
        fhir: Some(format!("Patient/{name}")),
        site: None,
        district: None,
        scopes: String::new(),
        password_hash: None,
    };
    app.db
        .write(move |tx: &mut Tx<'_>| -> Result<String, AccountError> {
            accounts::add(tx, new, &AuditAgent::service())
        })
        .await
        .expect("account")
}

async fn json_of(answer: reqwest::Response, status: u16) -> Value {
    assert_eq!(answer.status().as_u16(), status);
    serde_json::from_str(&answer.text().await.expect("body")).expect("json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_the_external_issuer_and_its_token_opens_this_server() {
    let provider = Provider::start();
    let temp = TempDir::new().expect("temporary directory");
    let data = temp.path().join("data");
    ach(&["init", "--data", text(&data)]);
    let options = ServeOptions {
        data: data.clone(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        http_loopback: None,
        demo: false,
        tls_cert: None,
        tls_key: None,
        external: ExternalOptions {
            issuer: Some(provider.issuer()),
            audience: Some(AUDIENCE.to_owned()),
            issuer_ca: Some(provider.authority()),
        },
        hr_url: None,
        relay: None,
        staff_page: None,
    };
    let running = serve(options).await.expect("serve");
    account(&running.app, "dana").await;
    let here = format!("https://{}", running.address);
    let http = client(&[provider.authority(), data.join("ca.pem")]);

    // As the app does it: the server names its issuer, the issuer names its endpoints.
    let hello = json_of(
        http.get(format!("{here}/api/hello")).send().await.expect("hello"),
        200,
    )
    .await;
    let issuer = hello["issuer"].as_str().expect("issuer").to_owned();
    assert_eq!(issuer, provider.issuer());
    let found = http
        .get(format!("{issuer}/.well-known/openid-configuration"))
        .send()
        .await;
    let found = json_of(found.expect("discovery"), 200).await;
    let verifier = "v".repeat(64);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let redirect = "http://127.0.0.1:49999/callback";
    let fields = [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", redirect),
        ("scope", "openid offline_access"),
        ("state", "s1"),
        ("nonce", "n1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("username", "dana"),
        ("password", PASSWORD),
    ];
    let endpoint = |name: &str| found[name].as_str().expect("endpoint").to_owned();
    let answer = http
        .post(endpoint("authorization_endpoint"))
        .form(&fields)
        .send()
        .await
        .expect("sign-in");
    assert_eq!(answer.status().as_u16(), 303);
    let to = answer.headers()["location"]
        .to_str()
        .expect("location")
        .to_owned();
    assert!(
        to.contains("state=s1") && to.contains(&percent_encode(&issuer)),
        "{to}"
    );
    let code = to
        .split("code=")
        .nth(1)
        .and_then(|c| c.split('&').next())
        .expect("code")
        .to_owned();
    let exchange =
        |fields: Vec<(&'static str, String)>| http.post(endpoint("token_endpoint")).form(&fields).send();
    let grant = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        ("code", code),
        ("redirect_uri", redirect.to_owned()),
        ("code_verifier", verifier),
    ];
    let tokens = json_of(exchange(grant).await.expect("tokens"), 200).await;

    let session = |token: &Value| {
        let token = token.as_str().expect("token").to_owned();
        http.get(format!("{here}/api/session")).bearer_auth(token).send()
    };
    let who = json_of(session(&tokens["access_token"]).await.expect("session"), 200).await;
    assert_eq!((&who["name"], &who["role"]), (&json!("dana"), &json!("carrier")));
    // An id token says who signed in; it is no key to an interface.
    let with_id_token = session(&tokens["id_token"]).await.expect("answer");
    assert_eq!(with_id_token.status().as_u16(), 401);
    let again = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        (
            "refresh_token",
            tokens["refresh_token"].as_str().expect("refresh").to_owned(),
        ),
    ];
    let fresh = json_of(exchange(again).await.expect("refresh"), 200).await;
    assert_eq!(
        session(&fresh["access_token"])
            .await
            .expect("session")
            .status()
            .as_u16(),
        200
    );
    // Whoever is disabled here is out here, whatever the issuer says.
    let disabled = running
        .app
        .db
        .write(|tx: &mut Tx<'_>| accounts::set_disabled(tx, "dana", true, &AuditAgent::service()));
    disabled.await.expect("disabled");
    assert_eq!(
        session(&fresh["access_token"])
            .await
            .expect("session")
            .status()
            .as_u16(),
        401
    );
    running.stop().await;
}

/// This server with a clock that the test moves, on a socket.
struct Here {
    app: App,
    clock: Clock,
    address: SocketAddr,
    _temp: TempDir,
}

impl Here {
    async fn trusting(provider: &Provider) -> Self {
        let temp = TempDir::new().expect("temporary directory");
        let dir = DataDir::init(temp.path()).expect("init");
        let settings = Settings {
            base_url: AUDIENCE.to_owned(),
            issuer: Some(provider.issuer()),
            issuer_ca: Some(provider.authority()),
            ..Settings::default()
        };
        let clock = Clock::manual(crate::world::NOON);
        let app = App::open_with(&dir, clock.clone(), settings).expect("open");
        account(&app, "dana").await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("socket");
        let address = listener.local_addr().expect("address");
        let router = app.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            app,
            clock,
            address,
            _temp: temp,
        }
    }

    async fn answers(&self, token: &str) -> (u16, Value) {
        let url = format!("http://{}/api/session", self.address);
        let answer = client(&[])
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .expect("answer");
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("body");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    async fn status(&self, token: &str) -> u16 {
        self.answers(token).await.0
    }

    async fn sync(&self, token: &str, device: &str) -> u16 {
        let request = client(&[])
            .post(format!("http://{}/fhir/$hms-sync", self.address))
            .bearer_auth(token)
            .header("x-hms-device", device)
            .body(json!({"cursor": "", "scope": "mine"}).to_string());
        request.send().await.expect("answer").status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_the_issuers_word_for_this_server_now_is_refused() {
    let provider = Provider::start();
    let here = Here::trusting(&provider).await;
    let keys = provider.keys();
    let good = provider.claims(here.clock.now_ms());
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        keys.sign_jwt(&claims).expect("token")
    };
    let token = keys.sign_jwt(&good).expect("token");
    assert_eq!(here.status(&token).await, 200);

    let soon = here.clock.now_ms() / 1000;
    for (what, token) in [
        ("audience", with("aud", json!("https://other.example"))),
        ("issuer", with("iss", json!("https://other.example"))),
        ("expired", with("exp", json!(soon - 3600))),
        ("not yet", with("nbf", json!(soon + 3600))),
        ("nobody here", with("preferred_username", json!("stranger"))),
    ] {
        assert_eq!(here.status(&token).await, 401, "{what}");
    }
    let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let kid = token
        .split('.')
        .next()
        .map(|h| URL_SAFE_NO_PAD.decode(h).expect("header"))
        .expect("header");
    let kid: Value = serde_json::from_slice(&kid).expect("json");
    let unsigned = part(&json!({"alg": "none", "kid": kid["kid"]}));
    assert_eq!(
        here.status(&format!("{unsigned}.{}.", part(&good))).await,
        401,
        "alg none"
    );
    // Signed with the public key as if it were a shared secret.
    let confused = format!(
        "{}.{}",
        part(&json!({"alg": "HS256", "kid": kid["kid"]})),
        part(&good)
    );
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, keys.jwks().to_string().as_bytes());
    let mark = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&secret, confused.as_bytes()));
    assert_eq!(
        here.status(&format!("{confused}.{mark}")).await,
        401,
        "alg confusion"
    );
    let mut changed = token.clone();
    changed.replace_range(
        token.len() - 5..token.len() - 4,
        if token.as_bytes()[token.len() - 5] == b'A' {
            "B"
        } else {
            "A"
        },
    );
    assert_eq!(here.status(&changed).await, 401, "signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_the_first_account_s_that_names_it() {
    let provider = Provider::start();
    let here = Here::trusting(&provider).await;
    let now = here.clock.now_ms();
    let token = provider.keys().sign_jwt(&provider.claims(now)).expect("token");
    let sam = account(&here.app, "sam").await;
    let desk = here.app.db.write(move |tx: &mut Tx<'_>| {
        hms_server::db::sqlite::table::device::signed_in(tx.conn(), "desk", &sam, "", tx.now_ms())
    });
    desk.await.expect("stored");

    assert_eq!(here.sync(&token, "phone").await, 200);
    assert_eq!(here.sync(&token, "phone").await, 200, "and stays so");
    assert_eq!(here.sync(&token, "desk").await, 403);

    let revoked = here.app.db.write(|tx: &mut Tx<'_>| {
        hms_server::db::sqlite::table::device::revoke(tx.conn(), "phone", tx.now_ms())
    });
    assert!(revoked.await.expect("stored"));
    assert_eq!(here.sync(&token, "phone").await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_fetched_and_kept_ones_outlive_an_outage() {
    let mut provider = Provider::start();
    let here = Here::trusting(&provider).await;
    let now = here.clock.now_ms();
    let first = provider.keys().sign_jwt(&provider.claims(now)).expect("token");

    // Never reached, no keys: said plainly, and not as a wrong token.
    provider.stop();
    let (status, body) = here.answers(&first).await;
    assert_eq!((status, &body["error"]), (503, &json!("transient")), "{body}");
    provider.run();
    here.clock.advance(MINUTE);
    assert_eq!(here.status(&first).await, 200);

    // The issuer changes its key: the new one is fetched when the first token names it.
    provider.stop();
    std::fs::remove_file(provider.data.join("keys/signing.key")).expect("key");
    provider.run();
    here.clock.advance(MINUTE);
    let second = provider.keys().sign_jwt(&provider.claims(now)).expect("token");
    assert_eq!(here.status(&second).await, 200);
    assert_eq!(here.status(&first).await, 401, "the old key was withdrawn");

    // An outage: the kept keys work on, for a day.
    provider.stop();
    for minutes in [1, 15] {
        here.clock.advance(minutes * MINUTE);
        assert_eq!(here.status(&second).await, 200, "{minutes} minutes later");
    }
    let waiting: Vec<_> = (0..20).map(|_| here.status(&second)).collect();
    assert!(futures_util::future::join_all(waiting)
        .await
        .iter()
        .all(|s| *s == 200));
    here.clock.advance(25 * 60 * MINUTE);
    let late = provider
        .keys()
        .sign_jwt(&provider.claims(here.clock.now_ms()))
        .expect("token");
    assert_eq!(here.status(&late).await, 503, "but not for ever");
    // The server's own tokens need nobody else.
    let own = here.app.clone();
    let opaque = own.db.write(|tx: &mut Tx<'_>| {
        let account = hms_server::db::sqlite::table::user::by_name(tx.conn(), "dana")?
            .expect("account")
            .0;
        let sign_in = hms_server::auth::tokens::SignIn {
            user_id: account.id,
            device_id: None,
            client: "test".to_owned(),
            scope: String::new(),
            family: "f".to_owned(),
        };
        hms_server::auth::tokens::issue_access(tx, &sign_in, 60_000)
    });
    assert_eq!(here.status(&opaque.await.expect("token")).await, 200);
}
