//! `ach-server staffing`: how many clinicians each hour of the day needs, from the visits that were.

use super::Data;
use crate::app::App;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::service::staffing::{plan, Demand, Hour, HOURS};
use clap::Args;
use hms_model::map::{extension, id_in, text_at};
use hms_model::time::Timestamp;
use serde_json::Value;

const MS_PER_MINUTE: f64 = 60_000.0;
const MS_PER_DAY: i64 = 86_400_000;
/// Fewer visits than this tell little of a day.
const ENOUGH: usize = 50;

#[derive(Debug, Args)]
pub(super) struct StaffingOptions {
    /// The visits of how many days before now.
    #[arg(long, default_value_t = 28, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
    /// Mean wait that must not be reached, in minutes.
    #[arg(long, default_value_t = 5.0)]
    wait: f64,
    /// Minutes that a clinician needs after a visit, for the note and the advice.
    #[arg(long, default_value_t = 6.0)]
    after: f64,
    /// Hours between the clocks on the wall and UTC, such as -6.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true, value_parser = clap::value_parser!(i64).range(-12..=14))]
    utc: i64,
    /// Plays other days with another number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    data: Data,
}

/// A visit that was: times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Visit {
    ready: i64,
    joined: i64,
    ended: i64,
    emergency: bool,
}

pub(super) fn run(options: &StaffingOptions) -> anyhow::Result<()> {
    let (_, app) = options.data.open()?;
    let visits = visits(&app, options.days)?;
    if visits.is_empty() {
        anyhow::bail!(
            "no visit that was held in the last {} days is in the data; --days looks further back",
            options.days
        );
    }
    let demand = demand(&visits, options);
    let hours = plan(&demand, options.wait, 400, options.seed).map_err(anyhow::Error::msg)?;
    print!("{}", told(&visits, &hours, options));
    Ok(())
}

fn visits(app: &App, days: u16) -> anyhow::Result<Vec<Visit>> {
    let since = app.clock.now().0 - i64::from(days) * MS_PER_DAY;
    let found = app.db.read_blocking(|read| -> Result<_, DbError> {
        let mut found = Vec::new();
        for stored in table::task::held_visits(read.conn(), since)? {
            let encounter = stored.value()?;
            let entry =
                extension(&encounter, "answers-task").and_then(|e| id_in(e.get("valueReference")?, "Task"));
            let Some(entry) = entry else { continue };
            let Some(entry) = table::resource::get(read.conn(), "Task", entry)? else {
                continue;
            };
            found.extend(visit(&encounter, &entry.value()?));
        }
        Ok(found)
    })?;
    Ok(found)
}

fn visit(encounter: &Value, entry: &Value) -> Option<Visit> {
    let at = |of: &Value, path: &[&str]| Some(Timestamp::parse(text_at(of, path)?)?.0);
    let visit = Visit {
        ready: at(entry, &["authoredOn"])?,
        joined: at(encounter, &["period", "start"])?,
        ended: at(encounter, &["period", "end"])?,
        emergency: text_at(entry, &["priority"]) == Some("stat"),
    };
    (visit.ready <= visit.joined && visit.joined < visit.ended).then_some(visit)
}

fn demand(visits: &[Visit], options: &StaffingOptions) -> Demand {
    let mut per_hour = [0.0; HOURS];
    for visit in visits {
        let hour = (visit.ready / 3_600_000 + options.utc).rem_euclid(24);
        if let Some(count) = usize::try_from(hour).ok().and_then(|hour| per_hour.get_mut(hour)) {
            *count += 1.0 / f64::from(options.days);
        }
    }
    let emergencies = visits.iter().filter(|visit| visit.emergency).count();
    Demand {
        per_hour,
        minutes: visits
            .iter()
            .map(|visit| (visit.ended - visit.joined) as f64 / MS_PER_MINUTE + options.after)
            .collect(),
        emergencies: emergencies as f64 / visits.len() as f64,
    }
}

fn told(visits: &[Visit], hours: &[Hour; HOURS], options: &StaffingOptions) -> String {
    use std::fmt::Write;
    let mean = |of: fn(&Visit) -> i64| {
        visits.iter().map(|visit| of(visit) as f64).sum::<f64>() / visits.len() as f64 / MS_PER_MINUTE
    };
    let mut text = format!(
        "{} visits in {} days: {:.1} minutes from ready to joined, {:.1} minutes in the visit, on average.\n",
        visits.len(),
        options.days,
        mean(|visit| visit.joined - visit.ready),
        mean(|visit| visit.ended - visit.joined),
    );
    if visits.len() < ENOUGH {
        text += "So few visits tell little: take the figures below as a first guess.\n";
    }
    let _ = writeln!(
        text,
        "Fewest clinicians so that the mean wait stays under {} minutes, with {} minutes after each visit (400 played days, seed {}):\n",
        options.wait, options.after, options.seed
    );
    text += "hour   ready/day  clinicians  mean wait  p95 wait  emergencies\n";
    for (hour, row) in hours.iter().enumerate() {
        let _ = writeln!(
            text,
            "{hour:02}:00  {:>9.2}  {:>10}  {:>7.1} m  {:>6.1} m  {:>9.1} m",
            row.ready, row.clinicians, row.mean_wait, row.p95_wait, row.emergency_wait
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_visit_is_read_from_its_entry_and_its_times() {
        let encounter =
            json!({ "period": { "start": "2026-11-20T10:07:00Z", "end": "2026-11-20T10:20:00Z" } });
        let entry = json!({ "authoredOn": "2026-11-20T10:00:00Z", "priority": "stat" });
        let read = visit(&encounter, &entry).expect("a visit");
        assert_eq!(
            (read.joined - read.ready, read.ended - read.joined),
            (420_000, 780_000)
        );
        assert!(read.emergency);
        // A clock that went back in between is not counted.
        let late = json!({ "authoredOn": "2026-11-20T11:00:00Z" });
        assert_eq!(visit(&encounter, &late), None);
    }
}
