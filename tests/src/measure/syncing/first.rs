//! The first sync of a nurse's desk: everything of a district, on the loopback, over a rural link and as on a cheap phone.

use super::super::person::{self, PHRASE};
use super::super::phone_mode::Held;
use super::super::row::Row;
use super::super::wire::Wire;
use super::super::Bench;
use super::desk::{DESK, LIST_ONLY, WATCH};
use super::district::District;
use super::peers::{Peers, Pulled, Sync};
use anyhow::{ensure, Context, Result};
use hms_link::Plan;
use hms_model::view::SignInState;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Records, seconds on the loopback, over the rural link, and in phone mode.
type Size = (usize, f64, f64, f64);

const SIZES: &[Size] = &[(10_000, 1.0, 13.0, 4.0), (100_000, 15.0, 120.0, 60.0)];
/// Longest wait for a process.
const PATIENCE: Duration = Duration::from_secs(2400);

/// What a process said, and what passed.
struct Run {
    said: BTreeMap<String, f64>,
    down: u64,
}

impl Run {
    fn get(&self, name: &str) -> f64 {
        self.said.get(name).copied().unwrap_or(f64::NAN)
    }

    fn seconds(&self) -> f64 {
        self.get("synced-ms") / 1000.0
    }
}

/// How a desk runs.
#[derive(Clone, Copy, Default)]
struct Way<'a> {
    plan: &'a str,
    held: Option<&'a Held>,
    watch: bool,
}

/// First syncs of each size.
pub(super) async fn first(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let held = Held::new();
    if let Err(why) = &held {
        rows.push(Row::absent("phone mode", format!("{why:#}")));
    }
    let held = held.ok();
    for size in SIZES {
        if size.0 > 10_000 && bench.quick {
            rows.push(Row::absent(
                format!("first sync of {}", size.0),
                "left out by --quick",
            ));
            continue;
        }
        let folder = bench.fresh("first")?;
        let district = District::with(bench, &folder, size.0).await?;
        let measured = sized(bench, &district, &folder, *size, held.as_ref(), &mut rows).await;
        district.server.process.stop().await;
        measured?;
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(rows)
}

async fn sized(
    bench: &Bench,
    district: &District,
    folder: &Path,
    (asked, open_goal, rural_goal, phone_goal): Size,
    held: Option<&Held>,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let large = asked > 10_000;
    let what = format!("first sync of {} records", district.count);
    let profile = folder.join("open");
    let open = run(
        bench,
        district,
        &profile,
        Way {
            plan: "open",
            ..Way::default()
        },
    )
    .await?;
    rows.push(Row::new(format!("{what}, loopback TLS"), open.seconds(), "s").at_most(open_goal));
    rows.push(
        Row::new(
            "bytes a record, down, first sync (HTTP and TLS in it)",
            open.down as f64 / district.count as f64,
            "bytes",
        )
        .at_most(115.0),
    );
    rows.push(
        Row::new(
            format!("{what}: most memory of the core"),
            open.get("synced-peak-mb"),
            "MB",
        )
        .at_most(64.0),
    );
    rows.push(Row::new(
        format!("{what}: most memory with the queue shown after it"),
        open.get("peak-mb"),
        "MB",
    ));
    starts(bench, &profile, None, rows, (district.count, 50.0, 400.0)).await?;
    std::fs::remove_dir_all(&profile)?;

    let rural = Way {
        plan: "rural",
        watch: !large,
        ..Way::default()
    };
    let rural = run(bench, district, &folder.join("rural"), rural).await?;
    rows.push(
        Row::new(
            format!("{what}, 1 Mbit/s down, 512 kbit/s up, 300 ms, 2 % lost"),
            rural.seconds(),
            "s",
        )
        .at_most(rural_goal),
    );
    if !large {
        rows.push(
            Row::new(
                "… until the queue of open entries is whole (first useful screen)",
                rural.get("useful-ms") / 1000.0,
                "s",
            )
            .at_most(3.0),
        );
        rows.push(Row::new(
            "… until it has a first entry",
            rural.get("some-ms") / 1000.0,
            "s",
        ));
    }
    if let Some(held) = held {
        let profile = folder.join("phone");
        let way = Way {
            plan: "open",
            held: Some(held),
            watch: false,
        };
        let phone = run(bench, district, &profile, way).await?;
        rows.push(
            Row::new(format!("phone mode: {what}, loopback TLS"), phone.seconds(), "s").at_most(phone_goal),
        );
        rows.push(
            Row::new(
                format!("phone mode: {what}: most memory of the core"),
                phone.get("synced-peak-mb"),
                "MB",
            )
            .at_most(64.0),
        );
        starts(bench, &profile, Some(held), rows, (district.count, 200.0, 1000.0)).await?;
    }
    beside(bench, district, folder, &what, rows, large).await
}

/// The same records through the peers, on the same machine and link, and their figures beside ours.
async fn beside(
    bench: &Bench,
    district: &District,
    folder: &Path,
    what: &str,
    rows: &mut Vec<Row>,
    large: bool,
) -> Result<()> {
    let peers = Peers::of(bench);
    // JSON as it is, which is what they send, takes the larger number too long over the thin link.
    let plans: &[&str] = if large { &["open"] } else { &["open", "rural"] };
    for plan in plans {
        let on = if *plan == "open" { "loopback" } else { "1 Mbit/s" };
        let mut figures = Vec::new();
        for (peer, pulled) in peers
            .each(folder, &district.records, Sync::Pull(district.count), plan)
            .await
        {
            match pulled {
                Ok(Pulled { seconds, peak_mb }) => {
                    rows.push(Row::new(format!("{peer}: {what}, {on}"), seconds, "s"));
                    if *plan == "open" {
                        rows.push(Row::new(format!("{peer}: {what}: most memory"), peak_mb, "MB"));
                    }
                    figures.push((peer, seconds));
                }
                Err(why) => rows.push(Row::absent(format!("{peer}: {what}, {on}"), format!("{why:#}"))),
            }
        }
        let ours = rows
            .iter_mut()
            .find(|row| row.metric.starts_with(what) && row.metric.contains(on) && row.unit == "s");
        if let Some(ours) = ours {
            for (peer, seconds) in figures {
                *ours = ours.clone().and_beside(peer, seconds);
            }
        }
    }
    Ok(())
}

/// Starts with everything there already: unlock, and the first list.
async fn starts(
    bench: &Bench,
    profile: &Path,
    held: Option<&Held>,
    rows: &mut Vec<Row>,
    (count, list_goal, unlock_goal): (usize, f64, f64),
) -> Result<()> {
    let mode = if held.is_some() { "phone mode: " } else { "" };
    let (mut unlocks, mut lists) = (Vec::new(), Vec::new());
    for _ in 0..if bench.quick { 2 } else { 5 } {
        let said = process(profile, held, &[(LIST_ONLY, "1")]).await?;
        unlocks.push(said.get("unlock-ms").copied().unwrap_or(f64::NAN));
        lists.push(said.get("list-ms").copied().unwrap_or(f64::NAN));
    }
    for times in [&mut unlocks, &mut lists] {
        times.sort_by(f64::total_cmp);
    }
    let middle = |times: &[f64]| times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    rows.push(
        Row::new(
            format!(
                "{mode}unlock with the passphrase, {count} records held, median of {}",
                unlocks.len()
            ),
            middle(&unlocks),
            "ms",
        )
        .at_most(unlock_goal),
    );
    rows.push(
        Row::new(
            format!(
                "{mode}start to the list of open entries, {count} records held, without the key derivation"
            ),
            middle(&lists),
            "ms",
        )
        .at_most(list_goal),
    );
    Ok(())
}

/// A profile that is signed in and has synced nothing, and then its first sync in a process of its own.
async fn run(bench: &Bench, district: &District, profile: &Path, way: Way<'_>) -> Result<Run> {
    let address = district.server.address()?;
    let wire = Wire::to(address).await?;
    let client = person::start(profile, &bench_json(bench), wire.address).await?;
    let started = client.sign_in_start(false).await?;
    let url = started.url.context("no address to sign in at")?;
    person::finish_in_browser(&district.server.http, &url, district.nurse()).await?;
    let done = client.sign_in_wait(Duration::from_secs(60)).await?;
    ensure!(
        done.state == SignInState::Done,
        "the sign-in ended as {:?}",
        done.state
    );
    // Nothing comes in before the process that is measured.
    wire.cut();
    client.set_pin(PHRASE.to_owned()).await?;
    client.shutdown().await;
    wire.like(&Plan::named(way.plan).context("no such plan")?);
    wire.restore();
    let before = wire.bytes().1;
    let env: &[(&str, &str)] = if way.watch { &[(WATCH, "1")] } else { &[] };
    let said = process(profile, way.held, env).await?;
    let down = wire.bytes().1 - before;
    eprintln!("measure: {} records, {}: {said:?}", district.count, way.plan);
    Ok(Run { said, down })
}

/// Where the server of this bench says what it is.
fn bench_json(bench: &Bench) -> std::path::PathBuf {
    bench.work.join("first/data/demo.json")
}

async fn process(profile: &Path, held: Option<&Held>, env: &[(&str, &str)]) -> Result<BTreeMap<String, f64>> {
    let program = std::env::current_exe()?;
    let command = match held {
        Some(held) => held.command(&program),
        None => Command::new(&program),
    };
    let mut command = tokio::process::Command::from(command);
    command
        .env(DESK, profile)
        .envs(env.iter().copied())
        .kill_on_drop(true);
    let said = tokio::time::timeout(PATIENCE, command.output())
        .await
        .context("the desk does not end")??;
    ensure!(
        said.status.success(),
        "the desk failed ({}): {}",
        said.status,
        String::from_utf8_lossy(&said.stderr).trim()
    );
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    Ok(lines
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once('\t')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect())
}
