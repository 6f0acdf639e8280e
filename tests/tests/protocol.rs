//! The model of `$hms-sync` (docs/protocol.md), checked for I1 to I4 in every order in which a bad network and dying
//! phones can put its steps. Each rule is then left out in turn, and the checker must find what goes wrong.

use stateright::{Checker, Model, Property};
use std::collections::{BTreeMap, BTreeSet};

/// Phones; each writes so many times and tries so many exchanges.
const PHONES: usize = 2;
const WRITES: u8 = 1;
const TRIES: u8 = 2;
/// Times that the network delivers a request at most.
const DELIVERIES: u8 = 2;

/// A write by its phone and the number of its operation there.
type Write = (usize, u8);

/// The rules that the model can leave out.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// Rule 1: a repeated operation gets its first result and is not applied again.
    first_result_is_kept: bool,
    /// Rule 4: a page and its cursor are committed together, data first or not at all.
    cursor_with_its_page: bool,
    /// Rule 4: an outbox row goes only with its result.
    row_goes_with_its_result: bool,
    /// Rule 3: the sequence is given in the order of commits, so that a cursor never passes what commits later.
    sequence_in_commit_order: bool,
}

const ALL_RULES: Rules = Rules {
    first_result_is_kept: true,
    cursor_with_its_page: true,
    row_goes_with_its_result: true,
    sequence_in_commit_order: true,
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Phone {
    accepted: u8,
    outbox: BTreeSet<u8>,
    /// What of the server's log it holds.
    holds: BTreeSet<Write>,
    cursor: usize,
    /// Number of the exchange that it waits for; an answer to an earlier one finds nobody.
    exchange: u8,
    waiting: bool,
    /// A read would once have shown less than an earlier one.
    went_back: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Request {
    phone: usize,
    exchange: u8,
    ops: Vec<u8>,
    cursor: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Answer {
    phone: usize,
    exchange: u8,
    results: Vec<u8>,
    changes: Vec<Write>,
    cursor: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct World {
    phones: Vec<Phone>,
    /// Committed, by sequence.
    log: Vec<Option<Write>>,
    /// A sequence that was given and not committed yet, where that is possible.
    open: Option<(usize, Write)>,
    results: BTreeMap<Write, ()>,
    /// Sent, with how often each was delivered.
    requests: BTreeMap<Request, u8>,
    answers: BTreeSet<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Write(usize),
    Send(usize),
    /// The network delivers a request, perhaps not for the first time.
    Serve(Request),
    /// What was given a sequence earlier commits.
    Commit,
    /// So many lines of an answer arrive; then the link is cut.
    Take(Answer, usize),
    /// The phone dies, or gives the exchange up.
    Drop(usize),
}

impl Model for Rules {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            phones: vec![Phone::default(); PHONES],
            ..World::default()
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (n, phone) in world.phones.iter().enumerate() {
            if phone.accepted < WRITES {
                steps.push(Step::Write(n));
            }
            if phone.waiting {
                steps.push(Step::Drop(n));
            } else if phone.exchange < TRIES {
                steps.push(Step::Send(n));
            }
        }
        for (request, delivered) in &world.requests {
            if *delivered < DELIVERIES {
                steps.push(Step::Serve(request.clone()));
            }
        }
        if world.open.is_some() {
            steps.push(Step::Commit);
        }
        for answer in &world.answers {
            let phone = &world.phones[answer.phone];
            if phone.waiting && phone.exchange == answer.exchange {
                let lines = answer.results.len() + answer.changes.len() + 1;
                steps.extend((0..=lines).map(|line| Step::Take(answer.clone(), line)));
            }
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        match step {
            Step::Write(n) => {
                let phone = &mut next.phones[n];
                phone.accepted += 1;
                phone.outbox.insert(phone.accepted);
            }
            Step::Send(n) => self.send(&mut next, n),
            Step::Serve(request) => {
                *next.requests.get_mut(&request)? += 1;
                self.serve(&mut next, &request);
            }
            Step::Commit => {
                let (at, write) = next.open.take()?;
                next.log[at] = Some(write);
            }
            Step::Take(answer, lines) => {
                self.take(&mut next, &answer, lines);
                next.answers.retain(|other| other.phone != answer.phone);
            }
            Step::Drop(n) => {
                next.phones[n].waiting = false;
                // Nobody listens to what comes back on a closed connection.
                next.answers.retain(|answer| answer.phone != n);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "I1 what was accepted is at the server or waits",
                |_, world: &World| {
                    world.phones.iter().enumerate().all(|(n, phone)| {
                        (1..=phone.accepted).all(|op| {
                            let stored = world.log.contains(&Some((n, op)))
                                || world.open.is_some_and(|o| o.1 == (n, op));
                            stored || phone.outbox.contains(&op)
                        })
                    })
                },
            ),
            Property::always("I2 nothing behind a cursor is missing", |_, world: &World| {
                world.phones.iter().all(|phone| {
                    let behind = world.log.iter().take(phone.cursor).flatten();
                    behind.into_iter().all(|write| phone.holds.contains(write))
                })
            }),
            Property::always("I3 nothing is applied twice", |_, world: &World| {
                let all: Vec<&Write> = world.log.iter().flatten().collect();
                all.iter().collect::<BTreeSet<_>>().len() == all.len()
            }),
            Property::always("I4 reads never go back", |_, world: &World| {
                world.phones.iter().all(|phone| !phone.went_back)
            }),
            Property::sometimes("everything arrives everywhere", |_, world: &World| {
                let all = PHONES * usize::from(WRITES);
                world
                    .phones
                    .iter()
                    .all(|p| p.outbox.is_empty() && p.holds.len() == all)
            }),
        ]
    }
}

impl Rules {
    fn send(self, world: &mut World, n: usize) {
        let phone = &mut world.phones[n];
        phone.exchange += 1;
        phone.waiting = true;
        let request = Request {
            phone: n,
            exchange: phone.exchange,
            ops: phone.outbox.iter().copied().collect(),
            cursor: phone.cursor,
        };
        if !self.row_goes_with_its_result {
            phone.outbox.clear();
        }
        world.requests.insert(request, 0);
    }

    /// One request as the server's one writer handles it.
    fn serve(self, world: &mut World, request: &Request) {
        for op in &request.ops {
            let write = (request.phone, *op);
            if self.first_result_is_kept && world.results.contains_key(&write) {
                continue;
            }
            world.results.insert(write, ());
            if self.sequence_in_commit_order || world.open.is_some() {
                world.log.push(Some(write));
            } else {
                world.open = Some((world.log.len(), write));
                world.log.push(None);
            }
        }
        let phone = &world.phones[request.phone];
        if !phone.waiting || phone.exchange != request.exchange {
            return;
        }
        let changes = world.log.iter().skip(request.cursor).flatten().copied().collect();
        world.answers.insert(Answer {
            phone: request.phone,
            exchange: request.exchange,
            results: request.ops.clone(),
            changes,
            cursor: world.log.len(),
        });
    }

    /// Results one by one; the page and its cursor only with the last line.
    fn take(self, world: &mut World, answer: &Answer, lines: usize) {
        let phone = &mut world.phones[answer.phone];
        let before = (phone.holds.len(), phone.cursor);
        phone.waiting = false;
        for op in answer.results.iter().take(lines) {
            phone.outbox.remove(op);
        }
        let whole = lines > answer.results.len() + answer.changes.len();
        if whole || (!self.cursor_with_its_page && lines > answer.results.len()) {
            phone.cursor = phone.cursor.max(answer.cursor);
        }
        if whole {
            phone.holds.extend(answer.changes.iter().copied());
        }
        phone.went_back |= phone.holds.len() < before.0 || phone.cursor < before.1;
    }
}

#[test]
fn the_protocol_holds_in_every_order() {
    let checker = ALL_RULES.checker().threads(2).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn each_rule_is_needed() {
    let without = |change: fn(&mut Rules)| {
        let mut rules = ALL_RULES;
        change(&mut rules);
        let checker = rules.checker().spawn_bfs().join();
        let mut found: Vec<&str> = checker.discoveries().into_keys().collect();
        found.retain(|name| name.starts_with('I'));
        found.sort_unstable();
        found
    };
    assert!(without(|r| r.first_result_is_kept = false).contains(&"I3 nothing is applied twice"));
    assert!(without(|r| r.cursor_with_its_page = false).contains(&"I2 nothing behind a cursor is missing"));
    assert!(without(|r| r.row_goes_with_its_result = false)
        .contains(&"I1 what was accepted is at the server or waits"));
    assert!(
        without(|r| r.sequence_in_commit_order = false).contains(&"I2 nothing behind a cursor is missing")
    );
}
