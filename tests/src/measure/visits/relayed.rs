//! Visits whose sound goes through the relay both ways: ours, and coturn with the same load from the same hand.

use super::coturn::Coturn;
use super::crowd::Crowd;
use super::line::{Line, Pass, Plan, Seen, PACE, PAYLOAD};
use super::{cpu_seconds, median, signalled, Size};
use crate::measure::memory;
use crate::measure::row::{Row, Times};
use anyhow::{ensure, Context, Result};
use hms_model::wire::signal::WireTurn;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Before it counts, so that every way has been used.
const WARM_UP: Duration = Duration::from_secs(3);
/// What is later than this is of no use to a call.
const GRACE: Duration = Duration::from_secs(1);
/// Addresses that are asked for at once.
const AT_ONCE: usize = 32;

/// What one round saw.
#[derive(Debug, Clone, Copy)]
struct Round {
    p50: f64,
    p99: f64,
    /// Of a hundred.
    lost: f64,
    /// Seconds of the relay's processor a second.
    cpu: f64,
    /// Of the hand's own.
    own_cpu: f64,
    /// Mbit/s of sound that came.
    rate: f64,
    memory: f64,
    /// Seconds to make all ways ready.
    opening: f64,
}

/// Both ways of each visit: straight, or with a pass for each side.
async fn round(passes: Vec<[Option<Pass>; 2]>, process: Option<u32>, seconds: u64) -> Result<Round> {
    let begun = Instant::now();
    let lines = open(passes).await?;
    let opening = begun.elapsed().as_secs_f64();
    let plan = Plan {
        epoch: Instant::now() + Duration::from_millis(200),
        from: WARM_UP,
        until: WARM_UP + Duration::from_secs(seconds),
        grace: GRACE,
    };
    let count = lines.len() as u32;
    let mut tasks = JoinSet::new();
    for (number, line) in lines.into_iter().enumerate() {
        tasks.spawn(line.flow(plan, PACE * number as u32 / count));
    }
    let own = std::process::id();
    let used = |process: Option<u32>| process.map_or(Ok(0.0), cpu_seconds);
    tokio::time::sleep_until((plan.epoch + plan.from).into()).await;
    let (before, own_before, begun) = (used(process)?, cpu_seconds(own)?, Instant::now());
    tokio::time::sleep_until((plan.epoch + plan.until).into()).await;
    let span = begun.elapsed().as_secs_f64();
    let cpu = (used(process)? - before) / span;
    let own_cpu = (cpu_seconds(own)? - own_before) / span;
    let memory = process.map_or(Ok(f64::NAN), memory::resident_mb)?;
    let mut seen = Seen::default();
    while let Some(done) = tasks.join_next().await {
        let one = done??;
        seen.sent += one.sent;
        seen.delays.extend(one.delays);
    }
    ensure!(seen.sent > 0, "nothing was sent");
    let came = seen.delays.len() as f64;
    let times = Times::of(seen.delays);
    Ok(Round {
        p50: times.median(),
        p99: times.percentile(99),
        lost: (1.0 - came / seen.sent as f64) * 100.0,
        cpu,
        own_cpu,
        rate: came * PAYLOAD as f64 * 8.0 / 1e6 / span,
        memory,
        opening,
    })
}

/// All lines, each two of a visit with the other's address.
async fn open(passes: Vec<[Option<Pass>; 2]>) -> Result<Vec<Line>> {
    let mut lines = Vec::with_capacity(passes.len() * 2);
    let mut rest = passes.into_iter();
    loop {
        let mut tasks: JoinSet<Result<[Line; 2]>> = rest
            .by_ref()
            .take(AT_ONCE)
            .map(|[one, other]| async {
                let (mut one, mut other) = tokio::try_join!(Line::open(one), Line::open(other))?;
                let (near, far) = (one.address(), other.address());
                tokio::try_join!(one.meet(far), other.meet(near))?;
                Ok([one, other])
            })
            .collect();
        if tasks.is_empty() {
            return Ok(lines);
        }
        while let Some(done) = tasks.join_next().await {
            lines.extend(done??);
        }
    }
}

/// The pass in what signalling handed out, by UDP.
fn pass(turn: &[WireTurn]) -> Result<Pass> {
    let turn = turn
        .iter()
        .find(|turn| turn.url.ends_with("udp"))
        .context("the server handed out no relay")?;
    let address = turn
        .url
        .trim_start_matches("turn:")
        .split('?')
        .next()
        .unwrap_or_default();
    Ok(Pass {
        relay: address
            .parse()
            .with_context(|| format!("{address} is no address"))?,
        username: turn.username.clone(),
        credential: turn.credential.clone(),
    })
}

/// Measures, and says what it saw.
pub(super) async fn rows(crowd: &Crowd, folder: &Path, size: Size) -> Result<Vec<Row>> {
    let visits = signalled::running(crowd, size.relayed).await?;
    let passes = visits
        .iter()
        .map(|visit| Ok([Some(pass(&visit.turn[0])?), Some(pass(&visit.turn[1])?)]))
        .collect::<Result<Vec<[Option<Pass>; 2]>>>()?;
    let at_rest = crowd.memory()?;
    let coturn = Coturn::start(folder).await;
    let (mut direct, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    // In turn, so that whatever else the machine does is shared out among them.
    for _ in 0..size.rounds {
        let straight = passes.iter().map(|_| [None, None]).collect();
        direct.push(
            round(straight, None, size.seconds)
                .await
                .context("without a relay")?,
        );
        let own = round(passes.clone(), Some(crowd.id()?), size.seconds).await;
        ours.push(own.context("our relay")?);
        if let Ok(coturn) = &coturn {
            let both = passes.iter().map(|_| [Some(coturn.pass()), Some(coturn.pass())]);
            let round = round(both.collect(), coturn.id(), size.seconds).await;
            theirs.push(round.context("coturn")?);
        }
    }
    drop(visits);
    let missing = match coturn {
        Ok(coturn) => {
            coturn.stop().await;
            None
        }
        Err(why) => Some(Row::absent("coturn beside our relay", format!("{why:#}"))),
    };
    let mut rows = told(size, at_rest, &direct, &ours, &theirs);
    rows.extend(missing);
    Ok(rows)
}

fn told(size: Size, at_rest: f64, direct: &[Round], ours: &[Round], theirs: &[Round]) -> Vec<Row> {
    const PEER: &str = "coturn (Debian), same load";
    let of = |rounds: &[Round], what: fn(&Round) -> f64| median(rounds.iter().map(what).collect());
    let peer = |what: fn(&Round) -> f64| (!theirs.is_empty()).then(|| of(theirs, what));
    let added = |rounds: &[Round], what: fn(&Round) -> f64| of(rounds, what) - of(direct, what);
    let peer_added = |what| (!theirs.is_empty()).then(|| added(theirs, what));
    let each = |round: &Round| round.cpu * 100.0 / round.rate;
    let load = format!("{} visits of 30 kbit/s each way", size.relayed);
    vec![
        Row::new(
            format!(
                "{load} through the relay twice, sound that came, median of {}",
                size.rounds
            ),
            of(ours, |r| r.rate),
            "Mbit/s",
        )
        .beside_if(PEER, peer(|r| r.rate)),
        Row::new("packets lost", of(ours, |r| r.lost), "%")
            .at_most(0.1)
            .beside_if(PEER, peer(|r| r.lost)),
        Row::new("delay that both relayings add, p50", added(ours, |r| r.p50), "ms")
            .at_most(2.0)
            .beside_if(PEER, peer_added(|r: &Round| r.p50)),
        Row::new("delay that both relayings add, p99", added(ours, |r| r.p99), "ms")
            .at_most(10.0)
            .beside_if(PEER, peer_added(|r: &Round| r.p99)),
        Row::new("the same load without a relay, p50", of(direct, |r| r.p50), "ms"),
        Row::new("the same load without a relay, p99", of(direct, |r| r.p99), "ms"),
        Row::new(
            "relay's processor (share of one core)",
            of(ours, |r| r.cpu * 100.0),
            "%",
        )
        .beside_if(PEER, peer(|r| r.cpu * 100.0)),
        Row::new(
            "relay's processor a Mbit/s that came (share of one core)",
            of(ours, each),
            "%",
        )
        .at_most(5.0)
        .beside_if(PEER, peer(each)),
        Row::new(
            format!(
                "memory: server with {} visits and their addresses on the relay",
                size.relayed
            ),
            of(ours, |r| r.memory),
            "MB",
        )
        .beside_if(PEER, peer(|r| r.memory)),
        Row::new("memory of the same visits before any address", at_rest, "MB"),
        Row::new(
            format!(
                "{} addresses and channels, {AT_ONCE} visits at a time",
                size.relayed * 2
            ),
            of(ours, |r| r.opening),
            "s",
        )
        .beside_if(PEER, peer(|r| r.opening)),
        Row::new(
            "load's own processor (share of one core)",
            of(ours, |r| r.own_cpu * 100.0),
            "%",
        )
        .beside_if(PEER, peer(|r| r.own_cpu * 100.0)),
    ]
}
