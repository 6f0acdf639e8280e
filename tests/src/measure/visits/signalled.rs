//! Visits that are only signalled: everybody connects, everybody calls, everybody talks for a while, everybody leaves.

use super::crowd::{Crowd, Pair};
use super::person::{Door, Person};
use super::{cpu_seconds, Size};
use crate::measure::row::{Row, Times};
use anyhow::{ensure, Context, Result};
use hms_model::wire::signal::{SdpKind, ToClient, ToServer, WireTurn};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// A description with both media, both addresses and a relay is about this long.
const SDP: usize = 6_000;
/// Calls that are begun in a second: many times what a district does in its worst minute.
const CALLS_A_SECOND: u64 = 50;
/// Handshakes under way at once; more only wait for each other.
const AT_ONCE: usize = 64;
/// How often each side says something while a visit runs.
const WORDS_EVERY: Duration = Duration::from_secs(5);
const MEGABYTES: f64 = 400.0;

/// Both sides of a visit that runs.
pub(super) struct Visit {
    id: String,
    pub clinician: Person,
    pub carrier: Person,
    /// What each may use the relay with: the clinician's, the carrier's.
    pub turn: [Vec<WireTurn>; 2],
}

/// How long the steps of a visit took.
#[derive(Debug, Clone, Copy)]
struct Steps {
    ring: Duration,
    ready: Duration,
}

/// Connects pairs and lets each call, at a pace.
async fn begin(door: &Door, pairs: &[Pair]) -> Result<Vec<(Person, Person)>> {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (number, pair) in pairs.iter().cloned().enumerate() {
        let (door, gate) = (door.clone(), Arc::clone(&gate));
        tasks.spawn(async move {
            let _turn = gate.acquire().await?;
            let clinician = Person::connect(&door, &pair.clinician, &format!("desk-{number}")).await?;
            let carrier = Person::connect(&door, &pair.carrier, &format!("phone-{number}")).await?;
            Ok::<_, anyhow::Error>((number, clinician, carrier))
        });
    }
    let mut people: Vec<Option<(Person, Person)>> = pairs.iter().map(|_| None).collect();
    while let Some(done) = tasks.join_next().await {
        let (number, clinician, carrier) = done?.context("a connection")?;
        if let Some(place) = people.get_mut(number) {
            *place = Some((clinician, carrier));
        }
    }
    Ok(people.into_iter().flatten().collect())
}

/// From the call to both descriptions.
async fn call(task: String, mut clinician: Person, mut carrier: Person) -> Result<(Visit, Steps)> {
    let id = uuid(&task);
    let visit = || id.clone();
    let begun = Instant::now();
    clinician.say(ToServer::Call { visit: visit(), task });
    let (rang, _) = carrier.until(|m| matches!(m, ToClient::Ring { .. })).await?;
    let answered = Instant::now();
    carrier.say(ToServer::Accept { visit: visit() });
    let mut turn = [Vec::new(), Vec::new()];
    for (person, place) in [&mut clinician, &mut carrier].into_iter().zip(&mut turn) {
        if let (_, ToClient::Accepted { turn, .. }) =
            person.until(|m| matches!(m, ToClient::Accepted { .. })).await?
        {
            *place = turn;
        }
    }
    let words = |kind| ToServer::Sdp {
        visit: id.clone(),
        kind,
        sdp: "v".repeat(SDP),
    };
    clinician.say(words(SdpKind::Offer));
    carrier.until(|m| matches!(m, ToClient::Sdp { .. })).await?;
    carrier.say(words(SdpKind::Answer));
    let (ready, _) = clinician.until(|m| matches!(m, ToClient::Sdp { .. })).await?;
    let steps = Steps {
        ring: rang - begun,
        ready: ready - answered,
    };
    let made = Visit {
        id,
        clinician,
        carrier,
        turn,
    };
    Ok((made, steps))
}

/// Visits that run, for the relay.
pub(super) async fn running(crowd: &Crowd, count: usize) -> Result<Vec<Visit>> {
    let pairs = crowd.pairs.get(..count).context("too few people")?;
    let people = begin(&crowd.door, pairs).await?;
    Ok(calls(pairs, people)
        .await?
        .into_iter()
        .map(|(visit, _)| visit)
        .collect())
}

async fn calls(pairs: &[Pair], people: Vec<(Person, Person)>) -> Result<Vec<(Visit, Steps)>> {
    let mut pace = tokio::time::interval(Duration::from_millis(1000 / CALLS_A_SECOND));
    let mut tasks = JoinSet::new();
    for (pair, (clinician, carrier)) in pairs.iter().zip(people) {
        pace.tick().await;
        tasks.spawn(call(pair.task.clone(), clinician, carrier));
    }
    let mut visits = Vec::with_capacity(pairs.len());
    while let Some(done) = tasks.join_next().await {
        visits.push(done?.context("a call")?);
    }
    Ok(visits)
}

/// Words from both sides at a pace of their own; how long each took. One that does not come is an error.
async fn talk(mut visit: Visit, number: usize, span: Duration) -> Result<(Visit, Vec<Duration>)> {
    let epoch = Instant::now();
    // Not everybody at the same moment.
    let offset = WORDS_EVERY.mul_f64((number % 97) as f64 / 97.0);
    let mut delays = Vec::new();
    let mut due = epoch + offset;
    while due < epoch + span {
        tokio::time::sleep_until(due.into()).await;
        for ours in [true, false] {
            let sent = Instant::now();
            let message = ToServer::Text {
                number: 0,
                visit: visit.id.clone(),
                text: format!("{number} says something of the usual length"),
            };
            let (from, to) = if ours {
                (&visit.clinician, &mut visit.carrier)
            } else {
                (&visit.carrier, &mut visit.clinician)
            };
            from.say(message);
            let (heard, _) = to.until(|m| matches!(m, ToClient::Text { .. })).await?;
            delays.push(heard - sent);
        }
        due += WORDS_EVERY;
    }
    Ok((visit, delays))
}

async fn leave(mut visit: Visit) -> Result<()> {
    visit.clinician.say(ToServer::Leave {
        visit: visit.id.clone(),
        lost: false,
    });
    visit
        .carrier
        .until(|m| matches!(m, ToClient::Ended { .. }))
        .await
        .map(|_| ())
}

/// Measures, and says what it saw.
pub(super) async fn rows(crowd: &Crowd, size: Size) -> Result<Vec<Row>> {
    let count = size.signalled;
    let pairs = crowd.pairs.get(..count).context("too few people")?;
    let id = crowd.id()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let at_rest = crowd.memory()?;

    let begun = Instant::now();
    let people = begin(&crowd.door, pairs).await?;
    let connecting = begun.elapsed();
    let connected = crowd.memory()?;

    let before = cpu_seconds(id)?;
    let made = calls(pairs, people).await?;
    let calling = cpu_seconds(id)? - before;
    let (visits, steps): (Vec<Visit>, Vec<Steps>) = made.into_iter().unzip();
    ensure!(visits.len() == count, "{} of {count} visits run", visits.len());

    let span = Duration::from_secs(size.seconds);
    let (before, begun) = (cpu_seconds(id)?, Instant::now());
    let mut tasks = JoinSet::new();
    for (number, visit) in visits.into_iter().enumerate() {
        tasks.spawn(talk(visit, number, span));
    }
    let (mut visits, mut delays) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        // A visit that broke is counted and not gone on with.
        match done? {
            Ok((visit, took)) => {
                visits.push(visit);
                delays.extend(took);
            }
            Err(error) => eprintln!("measure: a visit broke: {error:#}"),
        }
    }
    let broken = count - visits.len();
    let share = (cpu_seconds(id)? - before) / begun.elapsed().as_secs_f64();
    let running = crowd.memory()?;

    let begun = Instant::now();
    let mut tasks: JoinSet<Result<()>> = visits.into_iter().map(leave).collect();
    while let Some(done) = tasks.join_next().await {
        done?.context("the end of a visit")?;
    }
    let leaving = begun.elapsed();

    let (ring, ready) = (
        Times::of(steps.iter().map(|s| s.ring)),
        Times::of(steps.iter().map(|s| s.ready)),
    );
    let words = Times::of(delays);
    let kilobytes = (running - at_rest) * 1000.0 / count as f64;
    Ok(vec![
        Row::new(
            format!("{} people connect over TLS, {AT_ONCE} at a time", count * 2),
            connecting.as_secs_f64(),
            "s",
        ),
        Row::new(
            format!("call to ring, {CALLS_A_SECOND} calls a second until {count} visits run, p50"),
            ring.median(),
            "ms",
        ),
        Row::new("call to ring, p99", ring.percentile(99), "ms").at_most(500.0),
        Row::new("answer to both descriptions, p99", ready.percentile(99), "ms").at_most(500.0),
        Row::new(
            "server's processor time a call",
            calling * 1000.0 / count as f64,
            "ms",
        ),
        Row::new(
            format!("words in one of {count} visits, from one side to the other, p50"),
            words.median(),
            "ms",
        ),
        Row::new("words in a visit, p99", words.percentile(99), "ms").at_most(250.0),
        Row::new(
            "visits that broke, or in which a word did not come within 60 s",
            broken as f64,
            "",
        )
        .at_most(0.0),
        Row::new(
            format!("server's processor while {count} visits run (share of one core)"),
            share * 100.0,
            "%",
        )
        .at_most(50.0),
        Row::new("server's memory (resident) with nobody connected", at_rest, "MB"),
        Row::new(
            format!("server's memory with {} people connected", count * 2),
            connected,
            "MB",
        ),
        Row::new(format!("server's memory with {count} visits"), running, "MB").at_most(MEGABYTES),
        Row::new("memory a visit (two connections)", kilobytes, "kB"),
        Row::new(
            format!("{count} visits are left at once, until the last is told"),
            leaving.as_secs_f64(),
            "s",
        ),
    ])
}

/// A visit's id, made from its entry's: no two are the same, and a second run has others.
fn uuid(task: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("{task}-{now:x}")
}
