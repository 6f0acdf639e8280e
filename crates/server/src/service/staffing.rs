//! How many clinicians must sit at their desks in each hour of a day, so that nobody waits long for a visit. Worked out by
//! playing many days of the queue with a seed: people come by chance around each hour's mean, emergencies are served first,
//! and a clinician who is in a visit when their hour ends finishes it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::demo::chance::Chance;

/// Hours of a day.
pub const HOURS: usize = 24;
/// Minutes of a day.
const DAY: f64 = 24.0 * 60.0;
/// More in one hour are not tried: the demand is not one that a desk can serve.
const MOST: usize = 500;
/// Nobody waits longer than this in the sums; a desk that is empty all night would otherwise decide the mean of the morning.
const PATIENCE: f64 = DAY;

/// What comes to the desk.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// People who are ready for a visit, on average, in each hour of the day.
    pub per_hour: [f64; HOURS],
    /// How long visits keep a clinician, in minutes, note included: one of these by chance. Not empty.
    pub minutes: Vec<f64>,
    /// Share of emergencies, 0 to 1.
    pub emergencies: f64,
}

/// What the played days showed for one hour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hour {
    /// Clinicians at their desks.
    pub clinicians: usize,
    /// People who became ready in this hour, a day.
    pub ready: f64,
    /// Their mean wait until they were in a visit, in minutes.
    pub mean_wait: f64,
    /// What 95 of 100 of them did not wait longer than, in minutes.
    pub p95_wait: f64,
    /// Mean wait of the emergencies among them, in minutes.
    pub emergency_wait: f64,
}

/// The fewest clinicians for each hour with which everybody who becomes ready in any hour waits less than `most` minutes on
/// average.
///
/// # Errors
/// Where no number of clinicians is enough, or there is no length of a visit.
pub fn plan(demand: &Demand, most: f64, days: usize, seed: u64) -> Result<[Hour; HOURS], &'static str> {
    if demand.minutes.is_empty() || !demand.minutes.iter().all(|m| m.is_finite() && *m > 0.0) {
        return Err("no length of a visit is known");
    }
    if !demand
        .per_hour
        .iter()
        .all(|n| n.is_finite() && (0.0..=10_000.0).contains(n))
        || most.is_nan()
        || most <= 0.0
    {
        return Err("the demand or the wait is not a number that can be served");
    }
    let mean = demand.minutes.iter().sum::<f64>() / demand.minutes.len() as f64;
    // Work that comes in an hour, in clinicians: fewer could not even keep up with it.
    let mut clinicians = demand
        .per_hour
        .map(|ready| (ready * mean / 60.0).floor() as usize);
    loop {
        let hours = play(demand, &clinicians, days, seed);
        let worst = (0..HOURS)
            .filter(|hour| hours[*hour].mean_wait >= most)
            .max_by(|a, b| hours[*a].mean_wait.total_cmp(&hours[*b].mean_wait));
        let Some(worst) = worst else {
            return Ok(hours);
        };
        if clinicians[worst] >= MOST {
            return Err("no number of clinicians is enough");
        }
        clinicians[worst] += 1;
    }
}

/// Plays days with these clinicians in each hour.
#[must_use]
pub fn play(demand: &Demand, clinicians: &[usize; HOURS], days: usize, seed: u64) -> [Hour; HOURS] {
    let mut chance = Chance::new(seed);
    let people = arrivals(demand, days, &mut chance);
    let mut waits: [Vec<f64>; HOURS] = Default::default();
    let mut emergency: [Vec<f64>; HOURS] = Default::default();
    let mut desk = Desk::default();
    let mut next = people.iter().peekable();
    let end = (days + 1) as f64 * DAY;
    let mut now = 0.0;
    while now < end {
        while let Some(person) = next.next_if(|person| person.at <= now) {
            desk.waiting[usize::from(!person.emergency)].push_back(*person);
        }
        while desk
            .busy
            .peek()
            .is_some_and(|Reverse(Minute(until))| *until <= now)
        {
            desk.busy.pop();
        }
        while desk.busy.len() < clinicians[hour(now)] {
            let Some(person) = desk.next() else { break };
            desk.busy.push(Reverse(Minute(now + person.minutes)));
            waits[hour(person.at)].push(now - person.at);
            if person.emergency {
                emergency[hour(person.at)].push(now - person.at);
            }
        }
        // Whatever happens next: somebody comes, somebody has finished, or the hour ends.
        let arrives = next.peek().map_or(f64::INFINITY, |person| person.at);
        let finishes = desk
            .busy
            .peek()
            .map_or(f64::INFINITY, |Reverse(Minute(until))| *until);
        now = arrives.min(finishes).min((now / 60.0).floor() * 60.0 + 60.0);
    }
    for person in desk.waiting.into_iter().flatten() {
        waits[hour(person.at)].push(PATIENCE);
    }
    std::array::from_fn(|hour| told(clinicians[hour], &mut waits[hour], &emergency[hour], days))
}

fn told(clinicians: usize, waits: &mut [f64], emergency: &[f64], days: usize) -> Hour {
    waits.sort_by(f64::total_cmp);
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
    Hour {
        clinicians,
        ready: waits.len() as f64 / days as f64,
        mean_wait: mean(waits),
        p95_wait: waits
            .get((waits.len() * 95 / 100).min(waits.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default(),
        emergency_wait: mean(emergency),
    }
}

#[derive(Debug, Clone, Copy)]
struct Person {
    at: f64,
    minutes: f64,
    emergency: bool,
}

/// Emergencies first, then the others, each as they came; and when who is in a visit will have finished.
#[derive(Default)]
struct Desk {
    waiting: [VecDeque<Person>; 2],
    busy: BinaryHeap<Reverse<Minute>>,
}

impl Desk {
    fn next(&mut self) -> Option<Person> {
        self.waiting.iter_mut().find_map(VecDeque::pop_front)
    }
}

#[derive(PartialEq)]
struct Minute(f64);

impl Eq for Minute {}

impl Ord for Minute {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Minute {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn hour(minute: f64) -> usize {
    ((minute / 60.0) as usize) % HOURS
}

/// People of all days, in the order of their coming.
fn arrivals(demand: &Demand, days: usize, chance: &mut Chance) -> Vec<Person> {
    let mut people = Vec::new();
    for begin in (0..days * HOURS).map(|n| n as f64 * 60.0) {
        let mean = demand.per_hour[hour(begin)];
        if mean <= 0.0 {
            continue;
        }
        let mut at = begin;
        loop {
            at -= (60.0 / mean) * share(chance).ln();
            if at >= begin + 60.0 {
                break;
            }
            people.push(Person {
                at,
                minutes: *chance.one(&demand.minutes),
                emergency: share(chance) <= demand.emergencies,
            });
        }
    }
    people
}

/// Above 0, at most 1.
fn share(chance: &mut Chance) -> f64 {
    ((chance.number() >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(per_hour: f64, minutes: Vec<f64>) -> Demand {
        Demand {
            per_hour: [per_hour; HOURS],
            minutes,
            emergencies: 0.1,
        }
    }

    fn mean_wait(hours: &[Hour; HOURS]) -> f64 {
        let people: f64 = hours.iter().map(|hour| hour.ready).sum();
        hours.iter().map(|hour| hour.mean_wait * hour.ready).sum::<f64>() / people
    }

    #[test]
    fn one_clinician_and_even_visits_wait_as_the_formula_says() {
        // Pollaczek and Khinchine, visits of one length: load · length / (2 · (1 − load)), whoever is served first.
        let hours = play(&steady(3.0, vec![12.0]), &[1; HOURS], 2_000, 7);
        let load = 3.0 * 12.0 / 60.0;
        let formula = load * 12.0 / (2.0 * (1.0 - load));
        let wait = mean_wait(&hours);
        assert!((wait - formula).abs() < 0.05 * formula, "{wait} is not {formula}");
    }

    #[test]
    fn several_clinicians_wait_as_erlang_says() {
        // Lengths that are spread as an exponential's: 1,000 of its quantiles, mean 15.
        let minutes: Vec<f64> = (0..1000)
            .map(|n| -15.0 * (1.0 - (f64::from(n) + 0.5) / 1000.0).ln())
            .collect();
        let (clinicians, per_hour) = (4, 12.0);
        let load: f64 = per_hour * 15.0 / 60.0;
        let term = |k: i32| load.powi(k) / (1..=k).map(f64::from).product::<f64>();
        let all_busy = term(4) * 4.0 / (4.0 - load);
        let waits = all_busy / ((0..4).map(term).sum::<f64>() + all_busy);
        let formula = waits * 15.0 / (4.0 - load);

        let wait = mean_wait(&play(&steady(per_hour, minutes), &[clinicians; HOURS], 3_000, 3));

        assert!((wait - formula).abs() < 0.07 * formula, "{wait} is not {formula}");
    }

    #[test]
    fn emergencies_wait_less_and_everybody_is_counted() {
        let demand = steady(7.0, vec![10.0, 20.0]);
        let hours = play(&demand, &[2; HOURS], 500, 5);
        let wait: f64 = hours.iter().map(|hour| hour.emergency_wait).sum::<f64>() / HOURS as f64;
        assert!(wait < mean_wait(&hours) / 2.0);
        let ready: f64 = hours.iter().map(|hour| hour.ready).sum();
        assert!((ready - 7.0 * 24.0).abs() < 3.0, "{ready}");
    }

    #[test]
    fn the_plan_is_enough_and_one_fewer_is_not() {
        let mut demand = steady(0.2, vec![8.0, 14.0, 30.0]);
        demand.per_hour[8..17].fill(6.0);
        let hours = plan(&demand, 5.0, 200, 1).expect("a plan");
        assert!(hours.iter().all(|hour| hour.mean_wait < 5.0));
        let mut fewer = hours.map(|hour| hour.clinicians);
        fewer[12] -= 1;
        let short = play(&demand, &fewer, 200, 1);
        assert!(short.iter().any(|hour| hour.mean_wait >= 5.0));
        assert!(hours[12].clinicians > hours[2].clinicians && hours[2].clinicians >= 1);
    }

    #[test]
    fn what_cannot_be_planned_says_so() {
        assert!(plan(&steady(1.0, vec![]), 5.0, 10, 1).is_err());
        assert!(plan(&steady(1.0, vec![10.0]), 0.0, 10, 1).is_err());
        assert!(plan(&steady(f64::NAN, vec![10.0]), 5.0, 10, 1).is_err());
    }
}
