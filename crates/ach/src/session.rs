//! Sign-in, PIN, sync and outbox.

use crate::failure::Failure;
use crate::say::say;
use hms_client::Client;
use hms_model::view::{NetworkProblem, NetworkState, Phase, SignInState};
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
    if client.app_state().await?.phase != Phase::Locked {
        return Ok(());
    }
    let view = client.unlock(pin()?).await?;
    if view.open {
        Ok(())
    } else {
        Err(Failure::Pin {
            tries_left: view.tries_left,
        })
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
    open(client).await?;
    client.sync_now().await?;
    let begun = Instant::now();
    loop {
        let app = client.app_state().await?;
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

fn words(problem: NetworkProblem) -> &'static str {
    match problem {
        NetworkProblem::Unreachable => "no answer from the server; what is unsent is safe here",
        NetworkProblem::Slow => "the server answered too slowly; what is unsent is safe here",
        NetworkProblem::NotOurServer => {
            "something else answered in the server's place; what is unsent is safe here"
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
