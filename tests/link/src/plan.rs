//! What a link does, as a file says it: the same seed does the same to the same bytes.

use anyhow::{bail, ensure, Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// A link from one end to the other and back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What the dice begin with.
    pub seed: u64,
    /// From who connects to who is connected to.
    pub up: Way,
    /// And back.
    pub down: Way,
    /// Breaks at a byte.
    #[serde(rename = "cut")]
    pub cuts: Vec<Cut>,
    /// Breaks at a time.
    #[serde(rename = "outage")]
    pub outages: Vec<Outage>,
}

/// One direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Way {
    /// Thousands of bits a second, all connections together; unlimited if absent.
    pub kbit_s: Option<f64>,
    /// Time of a byte from one end to the other.
    pub delay_ms: f64,
    /// Up to so much more, drawn for each packet.
    pub jitter_ms: f64,
    /// Share of the packets that are lost, 0 to 1. TCP sends them again, which takes time; a datagram is gone.
    pub loss: f64,
    /// Share of the datagrams that come twice. TCP shows its readers no packet twice.
    pub duplicate: f64,
    /// Share of the datagrams that others overtake. TCP puts its packets in order.
    pub reorder: f64,
}

/// Which of the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From who connects.
    Up,
    /// To who connects.
    Down,
}

/// A break once so many bytes of a direction are at its end: that many arrive, and then every connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Whose bytes are counted, over all connections.
    pub way: Direction,
    /// How many arrive before the break.
    pub at_byte: u64,
    /// How long nothing connects.
    #[serde(default)]
    pub for_ms: u64,
}

/// A stretch of time without a link. Time begins with the first connection or datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// When it begins.
    pub after_ms: u64,
    /// How long it lasts.
    pub for_ms: u64,
    /// From one beginning to the next, where it comes again and again.
    pub every_ms: Option<u64>,
    /// Nothing passes and nobody is told, as in a tunnel; otherwise connections are closed.
    #[serde(default)]
    pub silent: bool,
}

impl Plan {
    /// The plans that have a name.
    pub const NAMES: &'static [&'static str] = &["open", "rural", "thin", "flap"];

    /// A plan by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let both = |kbit_s: Option<f64>, delay_ms: f64, loss: f64| {
            let way = Way {
                kbit_s,
                delay_ms,
                loss,
                ..Way::default()
            };
            Self {
                up: way,
                down: way,
                ..Self::default()
            }
        };
        match name {
            "open" => Some(Self::default()),
            "rural" => {
                let mut plan = both(Some(1000.0), 150.0, 0.02);
                plan.up.kbit_s = Some(512.0);
                Some(plan)
            }
            "thin" => Some(both(Some(256.0), 150.0, 0.0)),
            "flap" => Some(Self {
                outages: vec![Outage {
                    after_ms: 2000,
                    for_ms: 2000,
                    every_ms: Some(4000),
                    silent: false,
                }],
                ..Self::default()
            }),
            _ => None,
        }
    }

    /// A plan by name, or from a file: JSON where the name ends in `.json`, else TOML.
    ///
    /// # Errors
    /// There is no such file, or it does not say a plan.
    pub fn read(name_or_file: &str) -> Result<Self> {
        if let Some(plan) = Self::named(name_or_file) {
            return Ok(plan);
        }
        let file = Path::new(name_or_file);
        let text = std::fs::read_to_string(file).with_context(|| {
            format!(
                "{name_or_file} is neither a file that can be read nor one of {}",
                Self::NAMES.join(", ")
            )
        })?;
        let plan: Self = if file.extension().is_some_and(|end| end == "json") {
            serde_json::from_str(&text)?
        } else {
            toml::from_str(&text)?
        };
        plan.checked()
    }

    /// The plan, or what in it cannot be.
    ///
    /// # Errors
    /// A share is not from 0 to 1, a time or a rate makes no sense.
    pub fn checked(mut self) -> Result<Self> {
        for (name, way) in [("up", &self.up), ("down", &self.down)] {
            for (what, share) in [
                ("loss", way.loss),
                ("duplicate", way.duplicate),
                ("reorder", way.reorder),
            ] {
                ensure!(
                    (0.0..=1.0).contains(&share),
                    "{name}.{what} is a share from 0 to 1"
                );
            }
            ensure!(way.loss < 1.0, "{name}.loss of everything is an outage");
            for (what, time) in [("delay_ms", way.delay_ms), ("jitter_ms", way.jitter_ms)] {
                ensure!(
                    (0.0..=600_000.0).contains(&time),
                    "{name}.{what} is from 0 to 600000"
                );
            }
            ensure!(
                way.kbit_s.is_none_or(|rate| (0.1..=1e8).contains(&rate)),
                "{name}.kbit_s is from 0.1 to 100000000; leave it out for no limit"
            );
        }
        for outage in &self.outages {
            ensure!(
                outage.every_ms.is_none_or(|every| every > outage.for_ms),
                "an outage that comes again needs every_ms above its for_ms"
            );
        }
        self.cuts.sort_by_key(|cut| cut.at_byte);
        Ok(self)
    }

    /// Refuses what only datagrams can show, where none are carried.
    ///
    /// # Errors
    /// The plan repeats or reorders.
    pub fn for_tcp_alone(&self) -> Result<()> {
        for way in [&self.up, &self.down] {
            if way.duplicate > 0.0 || way.reorder > 0.0 {
                bail!(
                    "duplicate and reorder can only be seen in datagrams, since TCP hides both from who reads: add --udp, \
                     or leave them out"
                );
            }
        }
        Ok(())
    }

    /// There and back, without a queue.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.up.delay() + self.down.delay()
    }

    /// The plan in a line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let way = |way: &Way| {
            let rate = way
                .kbit_s
                .map_or_else(|| "no limit".to_owned(), |rate| format!("{rate} kbit/s"));
            let mut said = format!("{rate}, {} ms", way.delay_ms);
            for (what, share) in [
                ("lost", way.loss),
                ("twice", way.duplicate),
                ("out of order", way.reorder),
            ] {
                if share > 0.0 {
                    said += &format!(", {:.1} % {what}", share * 100.0);
                }
            }
            said
        };
        let mut said = format!("up {}; down {}", way(&self.up), way(&self.down));
        if !self.cuts.is_empty() {
            said += &format!("; {} cuts at a byte", self.cuts.len());
        }
        if !self.outages.is_empty() {
            said += &format!("; {} outages", self.outages.len());
        }
        said
    }
}

impl Way {
    /// Time of a byte from one end to the other.
    #[must_use]
    pub fn delay(&self) -> Duration {
        Duration::from_secs_f64(self.delay_ms / 1000.0)
    }

    /// How long the line is busy with so many bytes.
    #[must_use]
    pub fn takes(&self, bytes: usize) -> Duration {
        self.kbit_s.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(bytes as f64 / (rate * 125.0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_the_link_does() {
        let text = r#"
            seed = 7
            [up]
            kbit_s = 512
            delay_ms = 150
            [down]
            loss = 0.02
            [[cut]]
            way = "up"
            at_byte = 900
            [[outage]]
            after_ms = 5000
            for_ms = 1000
            silent = true
        "#;

        let plan: Plan = toml::from_str(text).expect("a plan");
        let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).expect("text")).expect("a plan");

        assert_eq!(again, plan);
        assert_eq!(plan.up.takes(64_000), Duration::from_secs(1));
        assert_eq!(plan.cuts[0].way, Direction::Up);
        assert!(plan.outages[0].silent);
        assert!(toml::from_str::<Plan>("[up]\nlatency = 3").is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        let mut plan = Plan::named("rural").expect("a preset");
        plan.for_tcp_alone().expect("fine for TCP");

        plan.up.reorder = 0.1;
        let said = plan.for_tcp_alone().expect_err("refused").to_string();
        plan.down.loss = 2.0;

        assert!(said.contains("--udp"), "{said}");
        assert!(plan.checked().is_err());
        assert!(Plan::read("nowhere").is_err());
    }
}
