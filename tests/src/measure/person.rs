//! A carrier without a window: the real client, signed in as a person does, filling in reports.

use anyhow::{bail, ensure, Context, Result};
use hms_client::{
    Client, MediaChoice, PositionSource, ProfileConfig, Provisioning, SyntheticSide, SystemClock, VaultChoice,
};
use hms_model::form::ReportStepForm;
use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};
use hms_model::view::{NetworkState, SendState, SignInState};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Without a keychain a passphrase takes the PIN's place.
pub const PHRASE: &str = "gravel road mailbox";

/// Longest wait for a state that must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts the client of a profile; `way` is where it finds the server.
///
/// # Errors
/// The profile or demo.json cannot be used.
pub async fn start(dir: &Path, demo_json: &Path, way: SocketAddr) -> Result<Client> {
    let mut server = Provisioning::from_demo_json(demo_json)?;
    server.base_url = format!("https://{way}");
    // A window that is started on this profile later finds the same server.
    server.write(dir)?;
    open(dir).await
}

/// Starts the client of a profile that was started before.
///
/// # Errors
/// The profile cannot be used.
pub async fn open(dir: &Path) -> Result<Client> {
    open_as(dir, false).await
}

/// Starts the client of a profile that was started before, as a phone or as a desk, which does not lock by itself.
///
/// # Errors
/// The profile cannot be used.
pub async fn open_as(dir: &Path, staff: bool) -> Result<Client> {
    let server = Provisioning::read(&dir.join("server.json"))?;
    let client = Client::start(ProfileConfig {
        dir: dir.to_owned(),
        server,
        vault: VaultChoice::SealedFile,
        clock: Arc::new(SystemClock),
        // The measuring program is the browser.
        opener: Box::new(|_| true),
        position: PositionSource::fixed(44.0121, -92.4802, Some("RR 7, box 112")),
        media: MediaChoice::Synthetic {
            side: SyntheticSide::Carrier,
        },
        staff,
        locale: "en".to_owned(),
        downloads: dir.join("downloads"),
    });
    Ok(client.await?)
}

/// Signs in and sets the passphrase.
///
/// # Errors
/// The server refuses.
pub async fn sign_in(client: &Client, http: &reqwest::Client, user: &Value) -> Result<()> {
    let started = client.sign_in_start(false).await?;
    finish_in_browser(http, &started.url.context("no address to sign in at")?, user).await?;
    let done = client.sign_in_wait(Duration::from_secs(60)).await?;
    ensure!(
        done.state == SignInState::Done,
        "the sign-in ended as {:?}",
        done.state
    );
    client.set_pin(PHRASE.to_owned()).await?;
    Ok(())
}

/// The browser's part of a sign-in: the form, the password, and back to the app's port.
///
/// # Errors
/// The server refuses or the app's port does not answer.
pub async fn finish_in_browser(http: &reqwest::Client, address: &str, user: &Value) -> Result<()> {
    let url = reqwest::Url::parse(address)?;
    let mut fields: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    for name in ["username", "password"] {
        fields.push((
            name.to_owned(),
            user[name].as_str().unwrap_or_default().to_owned(),
        ));
    }
    // The answer leads on to the app's port on the loopback, and its page is read.
    let page = http
        .post(url.join("/oauth/authorize")?)
        .form(&fields)
        .send()
        .await?;
    let (status, text) = (page.status(), page.text().await?);
    ensure!(text.contains("Signed in."), "signing in ended with {status}");
    Ok(())
}

/// Fills in a report in the shortest way, six saves. Gives how long each took, the last being "send".
///
/// # Errors
/// A save failed.
pub async fn report_bite(client: &Client, number: usize) -> Result<Vec<Duration>> {
    let (draft, mut times) = fill_in(client, number).await?;
    let begun = Instant::now();
    client.report_send(draft).await?;
    times.push(begun.elapsed());
    Ok(times)
}

/// The same up to "send"; gives the form and how long each save took.
///
/// # Errors
/// A save failed.
pub async fn fill_in(client: &Client, number: usize) -> Result<(String, Vec<Duration>)> {
    let mut times = Vec::new();
    let begun = Instant::now();
    let draft = client.report_start(None).await?.id;
    times.push(begun.elapsed());
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
            text: Some(format!(
                "{number}: a brown dog came out of the open yard and bit me when I reached for the box"
            )),
        },
    ];
    for step in steps {
        let begun = Instant::now();
        client.report_step(draft.clone(), step).await?;
        times.push(begun.elapsed());
    }
    Ok((draft, times))
}

/// Waits until the client has exchanged with the server and nothing is under way.
///
/// # Errors
/// It does not come to rest.
pub async fn until_synced(client: &Client) -> Result<()> {
    let begun = Instant::now();
    loop {
        let app = client.sync_now().await?;
        if app.network.state == NetworkState::Online && app.unsent == 0 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("no rest: {:?}, {} unsent", app.network, app.unsent);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until nothing is unsent: the first exchange takes a batch, the rest follows by itself.
///
/// # Errors
/// Something still waits after `patience`.
pub async fn until_sent(client: &Client, patience: Duration) -> Result<()> {
    let begun = Instant::now();
    client.sync_now().await?;
    while client.app_state().await?.unsent > 0 {
        ensure!(
            begun.elapsed() < patience,
            "the outbox is not empty after {patience:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// How many reports have the server's number.
///
/// # Errors
/// The client is locked.
pub async fn receipts(client: &Client) -> Result<usize> {
    let reports = client.reports().await?;
    let sent = reports
        .iter()
        .filter(|report| matches!(report.send, SendState::Sent { .. } | SendState::Seen { .. }));
    Ok(sent.count())
}
