//! One measured figure: with its goal, whether the goal is met, and what it is compared with.

use serde::Serialize;
use std::time::Duration;

/// One line of the table, one object of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured, and under which conditions.
    pub metric: String,
    /// The figure; null where there is none, and then `peer` says why.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// The figure may not be above this, or below it where `least` is set.
    pub goal: Option<f64>,
    /// The goal is the least.
    pub least: bool,
    /// Whether it is not; absent without a goal.
    pub met: Option<bool>,
    /// What it is compared with, measured in the same run where nothing else is said.
    pub peer: Option<String>,
    /// The figure of that, in the same unit.
    pub peer_value: Option<f64>,
    /// The machine's load when the row was made: above its cores, the figure is an upper bound.
    pub load: Option<f64>,
}

impl Row {
    /// A figure without a goal.
    #[must_use]
    pub fn new(metric: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            metric: metric.into(),
            value: Some(rounded(value)),
            unit,
            goal: None,
            least: false,
            met: None,
            peer: None,
            peer_value: None,
            load: super::machine::load(),
        }
    }

    /// A row that has no figure here, and why.
    #[must_use]
    pub fn absent(metric: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            value: None,
            peer: Some(format!("not measured: {}", why.into())),
            ..Self::new(metric, f64::NAN, "")
        }
    }

    /// The most that the figure may be. A figure that is no number does not meet it.
    #[must_use]
    pub fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self.met = Some(self.value.is_some_and(|value| value <= goal));
        self
    }

    /// What the figure is compared with.
    #[must_use]
    pub fn beside(mut self, peer: impl Into<String>, value: f64) -> Self {
        self.peer = Some(peer.into());
        self.peer_value = Some(rounded(value));
        self
    }

    /// The least that the figure may be.
    #[must_use]
    pub fn at_least(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self.least = true;
        self.met = Some(self.value.is_some_and(|value| value >= goal));
        self
    }

    /// A second thing that it is compared with.
    #[must_use]
    pub fn and_beside(mut self, peer: &str, value: f64) -> Self {
        match &mut self.peer {
            Some(said) => *said += &format!("; {peer}: {}", rounded(value)),
            None => return self.beside(peer, value),
        }
        self
    }

    /// What the figure is compared with, where that could be measured here.
    #[must_use]
    pub fn beside_if(self, peer: &str, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.beside(peer, value),
            None => self,
        }
    }
}

/// Three digits that count, and never less than whole numbers above a hundred.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6);
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Prints rows as a table for people.
pub fn print_table(rows: &[Row]) {
    let head = [
        "metric",
        "value",
        "unit",
        "goal",
        "met",
        "peer",
        "peer value",
        "load",
    ]
    .map(str::to_owned);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let lines = rows.iter().map(|row| {
        let met = row.met.map_or("-", |met| if met { "yes" } else { "NO" });
        [
            row.metric.clone(),
            number(row.value),
            row.unit.to_owned(),
            row.goal.map_or_else(
                || "-".to_owned(),
                |goal| format!("{} {goal}", if row.least { "≥" } else { "≤" }),
            ),
            met.to_owned(),
            row.peer.clone().unwrap_or_else(|| "-".to_owned()),
            number(row.peer_value),
            number(row.load),
        ]
    });
    let lines: Vec<[String; 8]> = std::iter::once(head).chain(lines).collect();
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for line in &lines {
        let cells = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Sorted times, for medians and tails.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// The times, in milliseconds.
    #[must_use]
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut all: Vec<f64> = times
            .into_iter()
            .map(|time| time.as_secs_f64() * 1000.0)
            .collect();
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest time that this many of a hundred are not above, in milliseconds; not a number without times.
    #[must_use]
    pub fn percentile(&self, of_100: usize) -> f64 {
        let rank = (self.0.len() * of_100).div_ceil(100).saturating_sub(1);
        self.0.get(rank).copied().unwrap_or(f64::NAN)
    }

    /// The median in milliseconds.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The worst in milliseconds.
    #[must_use]
    pub fn worst(&self) -> f64 {
        self.percentile(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_up_to_its_figure_and_never_by_no_figure() {
        assert_eq!(Row::new("a", 40.0, "ms").at_most(40.0).met, Some(true));
        assert_eq!(Row::new("a", 40.1, "ms").at_most(40.0).met, Some(false));
        assert_eq!(Row::new("a", f64::NAN, "ms").at_most(40.0).met, Some(false));
        assert_eq!(Row::new("a", 1.0, "ms").met, None);
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = Times::of((1..=100).rev().map(Duration::from_millis));

        assert_eq!(times.median(), 50.0);
        assert_eq!(times.percentile(99), 99.0);
        assert_eq!(times.worst(), 100.0);
        assert!(Times::default().median().is_nan());
    }

    #[test]
    fn figures_keep_three_digits_that_count() {
        assert_eq!(rounded(1234.56), 1235.0);
        assert_eq!(rounded(12.3456), 12.3);
        assert_eq!(rounded(0.123_456), 0.123);
    }
}
