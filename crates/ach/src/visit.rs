//! Calls without a window: tests, support, a desk without a screen.

use crate::args::{CallArgs, Visit};
use crate::failure::Failure;
use crate::record::Recording;
use crate::say::say;
use crate::session::{open, print};
use hms_client::{Client, Clock, SystemClock};
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, NetworkProblem, VisitState, VisitView};
use hms_model::wire::signal::EndedWhy;
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};

const RING_WAIT: Duration = Duration::from_secs(300);
const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// `ach queue`.
pub async fn queue(client: &Client, json: bool) -> Result<(), Failure> {
    open(client).await?;
    client.sync_now().await?;
    let mut queue = client.queue().await?;
    let network = client.app_state().await?.network;
    // A run of this program knows no earlier one: the list is as old as the last sync that ended well.
    queue.as_of = queue.as_of.or(network.last_sync_at);
    if json {
        return print(&queue);
    }
    if queue.stale || network.problem.is_some() {
        let why = network.problem.map_or("the server was not asked", queue_words);
        eprintln!("ach: {}: {why}", age(queue.as_of, SystemClock.now()));
    }
    for item in &queue.items {
        say!(
            "{}\t{}\t{}",
            item.task,
            item.priority,
            item.claimed_by.as_deref().unwrap_or("-")
        );
    }
    Ok(())
}

fn queue_words(problem: NetworkProblem) -> &'static str {
    match problem {
        NetworkProblem::Unreachable => "no answer from the server",
        NetworkProblem::Slow => "the server answered too slowly",
        NetworkProblem::NotOurServer => "something else answered in the server's place",
        NetworkProblem::ProxyRefused => "the network's proxy does not connect to the server",
        NetworkProblem::ServerFault => "the server has a fault",
        NetworkProblem::NotTrusted => "the server's certificate is not trusted",
        NetworkProblem::SignInNeeded => "the sign-in is over (ach login)",
    }
}

/// How old a list is.
fn age(as_of: Option<f64>, now: Timestamp) -> String {
    let Some(as_of) = as_of else {
        return "this list is of an unknown age".to_owned();
    };
    let seconds = ((now.as_f64() - as_of) / 1000.0).max(0.0);
    let (count, unit) = match seconds {
        s if s < 120.0 => (s, "seconds"),
        s if s < 7_200.0 => (s / 60.0, "minutes"),
        s if s < 172_800.0 => (s / 3_600.0, "hours"),
        s => (s / 86_400.0, "days"),
    };
    format!("this list is {count:.0} {unit} old")
}

/// `ach visit join|call`.
pub async fn run(client: &Client, task: &Visit) -> Result<(), Failure> {
    open(client).await?;
    let call = match task {
        Visit::Join(call) => {
            wait_until(client, RING_WAIT, "nobody called in five minutes", |view| {
                view.state == VisitState::RingingIn
            })
            .await?;
            client.visit_accept().await?;
            call
        }
        Visit::Call { task, call } => {
            dial(client, task).await?;
            call
        }
    };
    wait_until(
        client,
        Duration::from_secs(60),
        "the call was not set up in a minute",
        |view| matches!(view.state, VisitState::InCall | VisitState::Ended),
    )
    .await?;
    let view = client.visit().await?;
    if view.state == VisitState::Ended {
        return Err(Failure::Waited(why_not(view.ended)));
    }
    hold(client, call).await?;
    client.visit_leave().await?;
    Ok(())
}

/// Why a call that never stood has ended.
fn why_not(ended: Option<EndedWhy>) -> &'static str {
    match ended {
        Some(EndedWhy::Declined) => "the other side declined",
        Some(EndedWhy::NoAnswer) => "nobody answered in 45 seconds; the person is in the call-back list",
        Some(EndedWhy::Cancelled) => {
            "the server did not put the call through: the person is in another call, or the entry is closed"
        }
        Some(EndedWhy::Left | EndedWhy::Lost) | None => "the call ended before it was set up",
    }
}

/// Takes the entry, as the desk's button does (only who has a person calls them), and calls once the connection for calls is up, which takes a moment after the profile is opened.
async fn dial(client: &Client, task: &str) -> Result<(), Failure> {
    client.sync_now().await?;
    client.queue_claim(task.to_owned()).await?;
    client.sync_now().await?;
    let begun = Instant::now();
    loop {
        match client.visit_call(task.to_owned()).await {
            Err(error) if error.code == ErrorCode::Offline && begun.elapsed() < CONNECT_WAIT => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            called => return called.map(|_| ()).map_err(Failure::from),
        }
    }
}

async fn hold(client: &Client, call: &CallArgs) -> Result<(), Failure> {
    let mut stats: Option<std::fs::File> = match &call.stats {
        Some(file) => Some(std::fs::File::create(file).map_err(|source| Failure::File {
            what: "write",
            file: file.clone(),
            source,
        })?),
        None => None,
    };
    let mut sound = match &call.record {
        Some(folder) => Some(Recording::start(client, folder).await?),
        None => None,
    };
    for _ in 0..call.seconds {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            if let Some(sound) = &mut sound {
                sound.take();
            }
        }
        let view = client.visit().await?;
        if let Some(file) = &mut stats {
            let line = json!({ "visit": view, "call": client.visit_stats().await? });
            writeln!(file, "{line}").map_err(Failure::Console)?;
        }
        if view.state == VisitState::Ended {
            break;
        }
    }
    match sound {
        Some(sound) => sound.finish(),
        None => Ok(()),
    }
}

async fn wait_until(
    client: &Client,
    wait: Duration,
    problem: &'static str,
    fits: impl Fn(&VisitView) -> bool,
) -> Result<(), Failure> {
    let begun = Instant::now();
    while !fits(&client.visit().await?) {
        if begun.elapsed() > wait {
            return Err(Failure::Waited(problem));
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_old_it_is() {
        const NOW: Timestamp = Timestamp(1_795_262_400_000);
        for (seconds, words) in [
            (0, "this list is 0 seconds old"),
            (-60, "this list is 0 seconds old"),
            (90, "this list is 90 seconds old"),
            (45 * 60, "this list is 45 minutes old"),
            (5 * 3_600, "this list is 5 hours old"),
            (3 * 86_400, "this list is 3 days old"),
        ] {
            assert_eq!(age(Some(NOW.plus_ms(-seconds * 1000).as_f64()), NOW), words);
        }
        assert_eq!(age(None, NOW), "this list is of an unknown age");
    }
}
