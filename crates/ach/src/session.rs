//! Sign-in, PIN, sync and outbox.

use crate::failure::Failure;
use crate::say::say;
use hms_client::Client;
use hms_model::view::{NetworkProblem, NetworkState, Phase, SignInState, UnlockView};
use std::time::{Duration, Instant};

const SIGN_IN_WAIT: Duration = Duration::from_secs(600);
const SYNC_WAIT: Duration = Duration::from_secs(120);

/// Signs in and sets the PIN.
pub async fn login(client: &Client, device_code: bool) -> Result<(), Failure> {
    let view = client.sign_in_start(device_code).await?;
    if let Some(url) = &view.url {
        say!("Open this address in a browser: {url}");
    }
    if let Some(code) = &view.user_code {
        say!("and type the code {code}");
    }
    let begun = Instant::now();
    loop {
        match client.sign_in_state().await?.state {
            SignInState::Done => break,
            SignInState::Refused => return Err(Failure::SignIn("refused")),
            SignInState::Expired => return Err(Failure::SignIn("it took too long")),
            SignInState::Elsewhere => return Err(Failure::SignIn("this profile is somebody else's")),
            SignInState::Offline => return Err(Failure::SignIn("no way to the server")),
            SignInState::Idle | SignInState::Waiting => {}
        }
        if begun.elapsed() > SIGN_IN_WAIT {
            return Err(Failure::SignIn("it took too long"));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    if client.app_state().await?.phase == Phase::NeedsPin {
        client.set_pin(pin()?).await?;
    }
    say!("Signed in.");
    Ok(())
}

/// Opens the profile with its PIN.
pub async fn open(client: &Client) -> Result<(), Failure> {
    if client
        .phone()
        .await?
        .leaving
        .is_some_and(|going| !going.needs_pin)
    {
        return Err(Failure::Going);
    }
    if client.app_state().await?.phase != Phase::Locked {
        return Ok(());
    }
    let view = client.unlock(pin()?).await?;
    match view {
        UnlockView { open: true, .. } => Ok(()),
        UnlockView {
            sign_in_needed: true, ..
        } => Err(Failure::TooLong),
        UnlockView { tries_left, .. } => Err(Failure::Pin { tries_left }),
    }
}

/// Opens the profile where its PIN may open it: what is sealed needs no open one.
pub async fn open_if_it_may(client: &Client) -> Result<(), Failure> {
    match open(client).await {
        Err(Failure::TooLong | Failure::Going) => Ok(()),
        other => other,
    }
}

/// `ach unlock`.
pub async fn unlock(client: &Client, json: bool) -> Result<(), Failure> {
    open(client).await?;
    let app = client.app_state().await?;
    if json {
        return print(&app);
    }
    say!("Open: {}", app.name.unwrap_or_default());
    Ok(())
}

/// `ach sync`: sends and fetches, and waits until nothing is under way.
pub async fn sync(client: &Client, json: bool) -> Result<(), Failure> {
    if client.phone().await?.leaving.is_some() {
        return hand_in(client, json).await;
    }
    let asked = match open(client).await {
        Ok(()) => client.sync_now().await.map(drop).map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    // The server may say so while the profile is being opened: it closes again.
    if client.phone().await?.leaving.is_some() {
        return hand_in(client, json).await;
    }
    asked?;
    let begun = Instant::now();
    loop {
        let app = client.app_state().await?;
        if client.phone().await?.leaving.is_some() {
            return hand_in(client, json).await;
        }
        let idle = app.network.state != NetworkState::Trying;
        if idle && (app.unsent == 0 || app.network.problem.is_some()) {
            if json {
                print(&app.network)?;
            } else {
                say!("Unsent: {}", app.unsent);
            }
            return match app.network.problem {
                Some(problem) if app.unsent > 0 || problem == NetworkProblem::SignInNeeded => {
                    Err(Failure::Waited(words(problem)))
                }
                _ if app.unsent == 0 => Ok(()),
                _ => Err(Failure::Waited(
                    "some entries could not be sent; they are safe here",
                )),
            };
        }
        if begun.elapsed() > SYNC_WAIT {
            return Err(Failure::Waited(
                "the sync did not end in two minutes; what is unsent is safe here",
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Somebody is going off this profile: waits until the server has all that is unsent, and the profile is empty.
async fn hand_in(client: &Client, json: bool) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let phone = client.phone().await?;
        let Some(going) = phone.leaving else {
            if json {
                return print(&phone);
            }
            let entries = phone.left.map_or(0, |left| left.handed_in);
            say!("The access of this profile ended. {entries} entries were handed in, and it is empty.");
            return Ok(());
        };
        if going.needs_pin {
            // Opened, it collects what only the database holds, and closes again.
            let opened = open(client).await;
            if client.phone().await?.leaving.is_some_and(|going| going.needs_pin) {
                opened?;
            }
        }
        if going.refused > 0 && going.waiting == 0 {
            return Err(Failure::Waited(
                "the access of this profile ended, and the server did not take all that is unsent; it is safe here",
            ));
        }
        if begun.elapsed() > SYNC_WAIT {
            return Err(Failure::Waited(
                "the access of this profile ended, and what is unsent could not be handed in; it is safe here",
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn words(problem: NetworkProblem) -> &'static str {
    match problem {
        NetworkProblem::Unreachable => "no answer from the server; what is unsent is safe here",
        NetworkProblem::Slow => "the server answered too slowly; what is unsent is safe here",
        NetworkProblem::NotOurServer => {
            "something else answered in the server's place; what is unsent is safe here"
        }
        NetworkProblem::ProxyRefused => {
            "the network's proxy does not connect to the server; what is unsent is safe here"
        }
        NetworkProblem::ServerFault => "the server has a fault; what is unsent is safe here",
        NetworkProblem::NotTrusted => "the server's certificate is not trusted; what is unsent is safe here",
        NetworkProblem::SignInNeeded => "the sign-in is over: ach login; what is unsent is safe here",
    }
}

/// `ach outbox`.
pub async fn outbox(client: &Client, json: bool) -> Result<(), Failure> {
    open(client).await?;
    let items = client.outbox().await?;
    if json {
        return print(&items);
    }
    for item in &items {
        say!("{}\t{}", item.kind, item.id);
    }
    say!("{} waiting", items.len());
    Ok(())
}

/// Prints an answer as one line of JSON.
pub fn print(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|e| Failure::Console(e.into()))?;
    say!("{text}");
    Ok(())
}

fn pin() -> Result<String, Failure> {
    // An empty one would count as a wrong try.
    if let Some(pin) = std::env::var("HMS_PIN").ok().filter(|pin| !pin.is_empty()) {
        return Ok(pin);
    }
    eprintln!("PIN or passphrase:");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(Failure::Console)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
