//! Figures of the store alone, as lines of a name and a number; `cargo xtask bench store` calls it and says what they
//! mean. Two steps, each a process of its own so that memory and caches are its own:
//!
//! `measure_store fill FOLDER COUNT [--without-key]` then `measure_store use FOLDER COUNT [--without-key]`

#[path = "../tests/common/district.rs"]
mod district;

use district::Chance;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{ChangeBody, WireChange};
use hms_store::{AuditRow, LocalChange, Order, Query, Store, StoreError};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

/// The seed of the records that are measured; the dictionary was made from others.
const SEED: u64 = 2026;
/// Records that the client writes at once while a first sync comes in faster than that.
const PAGE: usize = 1_800;
/// How often each search and each reading is done.
const TIMES: usize = 2_000;
/// Records on one screen.
const SCREEN: usize = 50;
/// How often something is saved.
const SAVES: usize = 1_000;

fn say(name: &str, value: f64) {
    println!("{name}\t{value}");
}

fn say_times(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |of_100: usize| {
        let rank = (times.len() * of_100).div_ceil(100).saturating_sub(1);
        times.get(rank).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    say(&format!("{name}-p50"), at(50));
    say(&format!("{name}-p99"), at(99));
}

/// The most memory that this process ever had, in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    });
    kib.map_or(f64::NAN, |kib| kib * 1024.0 / 1e6)
}

fn open(folder: &Path, plain: bool) -> Result<Store, Failure> {
    Ok(if plain {
        Store::open_without_key(folder)?
    } else {
        Store::open(folder, &Secret::new([7; 32]))?
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let plain = args.iter().any(|arg| arg == "--without-key");
    let [step, folder, count, ..] = args.as_slice() else {
        return Err("fill or use, a folder, a number of records".into());
    };
    let (folder, count) = (Path::new(folder), count.parse()?);
    match step.as_str() {
        "fill" => fill(folder, count, plain).await,
        "use" => use_it(folder, count, plain).await,
        other => Err(format!("there is no step {other}").into()),
    }
}

async fn fill(folder: &Path, count: usize, plain: bool) -> Result<(), Failure> {
    let store = open(folder, plain)?;
    let now = Timestamp(district::NOW_MS);
    let (mut taken, mut json, mut made) = (Duration::ZERO, 0, 0);
    let at_once = std::env::var("HMS_PAGE").ok().and_then(|text| text.parse().ok());
    let at_once: usize = at_once.unwrap_or(PAGE);
    let mut people = district::people(SEED);
    while made < count {
        let page: Vec<Value> = people.by_ref().take(at_once.min(count - made)).collect();
        json += page
            .iter()
            .map(|resource| resource.to_string().len())
            .sum::<usize>();
        made += page.len();
        let page = page
            .into_iter()
            .map(|resource| WireChange {
                change: ChangeBody::Resource(resource),
            })
            .collect();
        // What the records are made with is not counted.
        let begun = Instant::now();
        store.apply_page(page, made.to_string(), now).await?;
        taken += begun.elapsed();
    }
    let begun = Instant::now();
    store.close().await;
    taken += begun.elapsed();
    let bytes = std::fs::metadata(folder.join("store.db"))?.len();
    say("ingest-us", taken.as_secs_f64() * 1e6 / count as f64);
    say("json-bytes", json as f64 / count as f64);
    say("disk-bytes", bytes as f64 / count as f64);
    say("fill-peak-mb", peak_mb());
    Ok(())
}

async fn use_it(folder: &Path, count: usize, plain: bool) -> Result<(), Failure> {
    let begun = Instant::now();
    let store = open(folder, plain)?;
    let first = first_list(&store).await?;
    say("cold-first-list-ms", begun.elapsed().as_secs_f64() * 1e3);
    say("first-list", first as f64);
    let sample = Sample::read(count);
    let mut chance = Chance(7);
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let (kind, id) = chance.one(&sample.ids);
        let begun = Instant::now();
        store.get(kind, id).await?.ok_or("a record")?;
        times.push(begun.elapsed());
    }
    let cold: Duration = times.iter().sum();
    say("read-mean-us", cold.as_secs_f64() * 1e6 / TIMES as f64);
    say_times("read", times);
    // The same few again and again: they stay in the page cache.
    let few: Vec<_> = sample.ids.iter().step_by(sample.ids.len() / 40).collect();
    let begun = Instant::now();
    for n in 0..TIMES {
        let (kind, id) = few[n % few.len()];
        store.get(kind, id).await?.ok_or("a record")?;
    }
    say(
        "cached-mean-us",
        begun.elapsed().as_secs_f64() * 1e6 / TIMES as f64,
    );
    searches(&store, &sample).await?;
    say("use-peak-mb", peak_mb());
    saves(&store).await?;
    store.close().await;
    Ok(())
}

/// What people look for, taken from the records themselves.
#[derive(Default)]
struct Sample {
    ids: Vec<(String, String)>,
    patients: Vec<String>,
    numbers: Vec<String>,
    families: Vec<String>,
    days: Vec<String>,
    towns: Vec<String>,
}

impl Sample {
    fn read(count: usize) -> Self {
        let mut sample = Self::default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for resource in district::people(SEED).take(count) {
            let kind = text(&resource["resourceType"]);
            if kind == "Patient" {
                sample.patients.push(text(&resource["id"]));
                sample.numbers.push(text(&resource["identifier"][0]["value"]));
                sample.towns.push(text(&resource["address"][0]["city"]));
                sample.families.push(text(&resource["name"][0]["family"]));
            }
            if kind == "Appointment" {
                sample.days.push(text(&resource["start"])[..10].to_owned());
            }
            sample.ids.push((kind, text(&resource["id"])));
        }
        sample
    }
}

async fn first_list(store: &Store) -> Result<usize, Failure> {
    let open = Query::of("Task").where_is("status", "requested")?;
    let found = store
        .find(open.sorted("authored-on", Order::Up).at_most(SCREEN))
        .await?;
    Ok(found.records.len())
}

type Search = fn(&Sample, &mut Chance) -> Result<Query, StoreError>;

/// What a person asks for, each with something that is there.
const SEARCHES: &[(&str, Search)] = &[
    ("token", |sample, chance| {
        Query::of("Patient").where_is("identifier", chance.one::<String>(&sample.numbers))
    }),
    ("date", |sample, chance| {
        Query::of("Appointment").where_is("date", chance.one::<String>(&sample.days))
    }),
    ("reference", |sample, chance| {
        Query::of("Observation").where_is("patient", chance.one::<String>(&sample.patients))
    }),
    ("prefix", |sample, chance| {
        let begin: String = chance.one::<String>(&sample.families).chars().take(6).collect();
        Query::of("Patient").where_is("family", &begin)
    }),
    ("sort", |_, chance| {
        let status = *chance.one::<&str>(&["requested", "completed"]);
        let priority = *chance.one::<&str>(&["asap", "urgent", "routine"]);
        let query = Query::of("Task")
            .where_is("status", status)?
            .where_is("priority", priority)?;
        Ok(query.sorted("authored-on", Order::Down))
    }),
    ("has", |sample, chance| {
        let status = *chance.one::<&str>(&["requested", "in-progress"]);
        let town: String = chance.one::<String>(&sample.towns).clone();
        let query = Query::of("Patient").where_is("_has:Task:patient:status", status)?;
        query.where_is("address-city", &town)
    }),
    ("include", |sample, chance| {
        let query = Query::of("Appointment").where_is("date", chance.one::<String>(&sample.days))?;
        Ok(query.including("patient"))
    }),
    ("contains", |sample, chance| {
        let part: String = chance
            .one::<String>(&sample.families)
            .chars()
            .skip(2)
            .take(5)
            .collect();
        Query::of("Patient").where_is("name:contains", &part)
    }),
    ("fuzzy", |sample, chance| {
        // Two neighbours swapped.
        let mut letters: Vec<char> = chance.one::<String>(&sample.families).chars().collect();
        letters.swap(2, 3);
        Query::of("Patient").where_is("family:fuzzy", &String::from_iter(letters))
    }),
    ("words", |_, chance| {
        let (one, two) = (
            *chance.one::<&str>(&["wasp", "porch", "mordio"]),
            *chance.one::<&str>(&["ankle", "satchel"]),
        );
        Query::of("Composition").where_is("_text", &format!("{one} {two}"))
    }),
    ("quantity", |_, chance| {
        let amount = format!("ge{}|http://unitsofmeasure.org|Cel", 38 + chance.below(1));
        let query = Query::of("Observation").where_is("value-quantity", &amount)?;
        query.where_is("code", "8310-5")
    }),
];

async fn searches(store: &Store, sample: &Sample) -> Result<(), Failure> {
    for (name, search) in SEARCHES {
        let (mut times, mut found, mut chance) = (Vec::new(), 0, Chance(9));
        for _ in 0..TIMES {
            let query = search(sample, &mut chance)?.at_most(SCREEN);
            let begun = Instant::now();
            found += store.find(query).await?.records.len();
            times.push(begun.elapsed());
        }
        say_times(name, times);
        say(&format!("{name}-found"), found as f64 / TIMES as f64);
    }
    Ok(())
}

async fn saves(store: &Store) -> Result<(), Failure> {
    let reports = district::people(99).filter(|resource| resource["resourceType"] == "QuestionnaireResponse");
    let mut times = Vec::new();
    for report in reports.take(SAVES) {
        let change = LocalChange::put(report).ok_or("a report")?;
        let audit = AuditRow {
            who: None,
            action: "save".into(),
            subject: change.id.clone(),
        };
        let begun = Instant::now();
        store
            .save_local(vec![change], audit, Timestamp(district::NOW_MS))
            .await?;
        times.push(begun.elapsed());
    }
    say_times("save", times);
    Ok(())
}
