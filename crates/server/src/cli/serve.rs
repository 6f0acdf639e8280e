//! `ach-server serve`.

use super::{bounds, demo, parse_listen, tls};
use crate::app::App;
use crate::clock::Clock;
use crate::data_dir::{DataDir, DataLock};
use crate::db::sqlite::table::{grant, token};
use crate::db::{DbError, Tx};
use crate::jobs::Jobs;
use crate::relay::Relay;
use crate::settings::Settings;
use anyhow::{bail, Context};
use axum_server::tls_rustls::RustlsConfig;
use axum_server::Handle;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long running requests may take to end after a stop.
const GRACE: Duration = Duration::from_secs(5);

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Data directory.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Address and port for HTTPS; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443", value_parser = parse_listen)]
    pub listen: SocketAddr,
    /// With --demo: also serve the sign-in pages on plain HTTP at this loopback address.
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub http_loopback: Option<SocketAddr>,
    /// Make up accounts for every role, and write DIR/demo.json with their passwords and tokens.
    #[arg(long)]
    pub demo: bool,
    /// Certificate chain in PEM form; without it the server makes its own authority (DIR/ca.pem).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM form.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Who else signs people in.
    #[command(flatten)]
    pub external: ExternalOptions,
    /// Address of HR's receiver; takes the place of `hr_url` in config.json.
    #[arg(long, value_name = "URL")]
    pub hr_url: Option<String>,
    /// Address and port of the relay for calls, UDP and TCP; takes the place of `relay_listen` in config.json.
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub relay: Option<SocketAddr>,
    /// Folder of the staff page for browsers; takes the place of `staff_page` in config.json.
    #[arg(long, value_name = "DIR")]
    pub staff_page: Option<PathBuf>,
}

/// Options of `serve` for an external OpenID Connect issuer.
#[derive(Debug, Clone, Default, Args)]
pub struct ExternalOptions {
    /// External OpenID Connect issuer whose access tokens (JWT) are taken; takes the place of `issuer` in config.json.
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Audience that its tokens must have; takes the place of `audience` in config.json.
    #[arg(long, value_name = "TEXT")]
    pub audience: Option<String>,
    /// Authority that vouches for the issuer, in PEM form; takes the place of `issuer_ca` in config.json.
    #[arg(long, value_name = "FILE")]
    pub issuer_ca: Option<PathBuf>,
}

/// A server that listens; it stops when [`Running::stop`] is called or this is dropped.
pub struct Running {
    /// Its shared state.
    pub app: App,
    /// Where it listens for HTTPS.
    pub address: SocketAddr,
    /// Where it serves the sign-in pages on plain HTTP.
    pub http_address: Option<SocketAddr>,
    /// The relay for calls, where there is one.
    pub relay: Option<Arc<Relay>>,
    handle: Handle<SocketAddr>,
    tasks: JoinSet<()>,
    /// Work that never ends by itself.
    chores: JoinSet<()>,
    jobs: Jobs,
    _lock: DataLock,
}

impl Running {
    /// Ends running requests within a few seconds and stops.
    pub async fn stop(mut self) {
        self.chores.abort_all();
        self.handle.graceful_shutdown(Some(GRACE));
        let _ = tokio::time::timeout(GRACE, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.abort_all();
        self.jobs.stop().await;
    }
}

/// Opens the data, binds the addresses, and begins to serve.
///
/// # Errors
/// What a person should read, with the next step.
pub async fn serve(options: ServeOptions) -> anyhow::Result<Running> {
    // Another part of the process may have installed it already; it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = if options.demo && !options.data.join("keys/db.key").exists() {
        DataDir::init(&options.data)?
    } else {
        DataDir::open(&options.data)?
    };
    let lock = dir.lock()?;
    let listener = tls::bind(options.listen, "--listen")?;
    let address = listener.local_addr().context("cannot use the listening socket")?;
    let http = http_listener(&options)?;
    let http_address = http.as_ref().and_then(|l| l.local_addr().ok());

    let mut settings = Settings::read(&dir)?;
    if settings.base_url.is_empty() || options.demo {
        settings.base_url = format!("https://{}", reachable(address));
    }
    settings.sign_in_url = http_address
        .map(|a| format!("http://{a}"))
        .or(settings.sign_in_url);
    settings.issuer = options.external.issuer.clone().or(settings.issuer);
    settings.audience = options.external.audience.clone().or(settings.audience);
    settings.issuer_ca = options.external.issuer_ca.clone().or(settings.issuer_ca);
    settings.hr_url = options.hr_url.clone().or(settings.hr_url);
    settings.relay_listen = options.relay.map(|a| a.to_string()).or(settings.relay_listen);
    settings.staff_page = options.staff_page.clone().or(settings.staff_page);
    settings.demo = options.demo;
    if options.demo && settings.relay_listen.is_none() {
        settings.relay_listen = Some("127.0.0.1:0".to_owned());
    }
    settings.check()?;
    let clock = Clock::System;
    let config = match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => tls::from_files(cert, key)?,
        _ => tls::own(&dir, address, &settings.base_url, clock.now_ms())?,
    };
    let app = App::open_with(&dir, clock, settings)?;
    let mut tasks = JoinSet::new();
    let mut chores = JoinSet::new();
    chores.spawn(forget_expired(app.clone()));
    chores.spawn(super::audit::note_heads(app.clone(), dir.clone()));
    if options.demo {
        demo::prepare(&app, &dir).await?;
    }
    let relay = super::relay::start(&app.settings, config.clone()).await?;
    let access = relay
        .as_ref()
        .map(|relay| super::relay::access(relay, &app.settings));
    let jobs = Jobs::start(&app, access).await?;

    let handle = Handle::new();
    let mut server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config)))
        .context("cannot use the listening socket")?
        .handle(handle.clone());
    bounds::set(server.http_builder());
    let router = app.router().into_make_service_with_connect_info::<SocketAddr>();
    tasks.spawn(async move {
        if let Err(error) = server.serve(router).await {
            tracing::error!(%error, "The HTTPS listener ended");
        }
    });
    if let Some(listener) = http {
        let pages = app
            .sign_in_router()
            .into_make_service_with_connect_info::<SocketAddr>();
        let mut server = axum_server::from_tcp(listener)
            .context("cannot use the loopback socket")?
            .handle(handle.clone());
        bounds::set(server.http_builder());
        tasks.spawn(async move {
            if let Err(error) = server.serve(pages).await {
                tracing::error!(%error, "The loopback listener ended");
            }
        });
    }
    tracing::info!(%address, base_url = app.settings.base_url, "Serving at {}", app.settings.base_url);
    Ok(Running {
        app,
        address,
        http_address,
        relay,
        handle,
        tasks,
        chores,
        jobs,
        _lock: lock,
    })
}

fn http_listener(options: &ServeOptions) -> anyhow::Result<Option<std::net::TcpListener>> {
    let listen = match (options.demo, options.http_loopback) {
        (true, Some(listen)) => listen,
        (true, None) => SocketAddr::from(([127, 0, 0, 1], 0)),
        (false, Some(_)) => bail!("--http-loopback is for demonstrations; add --demo, or leave it out"),
        (false, None) => return Ok(None),
    };
    if !listen.ip().is_loopback() {
        bail!("--http-loopback {listen} is not a loopback address; passwords would cross the network in clear. Use 127.0.0.1:PORT");
    }
    tls::bind(listen, "--http-loopback").map(Some)
}

/// An address that a client on this machine can use.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Forgets tokens and codes that expired more than a day ago, once an hour.
async fn forget_expired(app: App) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hourly.tick().await;
        let done: Result<usize, DbError> = app
            .db
            .write(|tx: &mut Tx<'_>| {
                let before = tx.now_ms() - 24 * 3600 * 1000;
                Ok(token::forget_expired(tx.conn(), before)? + grant::forget_expired(tx.conn(), before)?)
            })
            .await;
        match done {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "Forgot {count} expired tokens"),
            Err(error) => tracing::warn!(%error, "Expired tokens could not be forgotten"),
        }
    }
}

/// Serves until the process is told to stop.
pub(super) fn run(options: ServeOptions) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Readers of the database: more than a few at once only take memory from each other.
        .max_blocking_threads(16)
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let demo = options.demo;
        let running = serve(options).await?;
        println!("HMS-ACH serves at {}", running.app.settings.base_url);
        if let (true, Some(http)) = (demo, running.http_address) {
            println!("Sign-in pages for this machine only: http://{http}");
        }
        stop_signal().await;
        tracing::info!("Stopping");
        running.stop().await;
        Ok(())
    })
}

async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{signal, SignalKind};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
