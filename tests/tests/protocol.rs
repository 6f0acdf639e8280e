//! The model of `$hms-sync` (docs/protocol.md), checked for I1 to I4 in every order in which a bad network and dying
//! phones can put its steps. Each rule is then left out in turn, and the checker must find what goes wrong.

use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::{BTreeMap, BTreeSet};

/// Phones; each writes so many times and tries so many exchanges.
const PHONES: usize = 2;
const WRITES: u8 = 1;

/// A write by its phone and the number of its operation there.
type Write = (usize, u8);

/// How much happens, and the rules that the model can leave out.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// Exchanges that each phone tries.
    tries: [u8; PHONES],
    /// Times that the network delivers a request at most.
    deliveries: u8,
    /// Whether the server is backed up once, and once put back to that.
    restores: bool,
    /// Rule 3: a server that was put back begins a new epoch.
    epoch_is_renewed: bool,
    /// Rule 8: what the server acknowledged in another epoch is offered again.
    acked_is_offered_again: bool,
    /// Rule 8: a phone is told the epoch before the first result that it is given.
    epoch_comes_first: bool,
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
    tries: [2, 2],
    deliveries: 2,
    restores: false,
    epoch_is_renewed: true,
    acked_is_offered_again: true,
    epoch_comes_first: true,
    first_result_is_kept: true,
    cursor_with_its_page: true,
    row_goes_with_its_result: true,
    sequence_in_commit_order: true,
};

/// The server is put back; with one delivery of each request, and one phone that tries once, so that all orders can be
/// visited.
const WITH_A_RESTORE: Rules = Rules {
    tries: [3, 1],
    deliveries: 1,
    restores: true,
    ..ALL_RULES
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Phone {
    accepted: u8,
    outbox: BTreeSet<u8>,
    /// Acknowledged by the server, and kept.
    acked: BTreeSet<u8>,
    /// Of its cursor; none before it was told one.
    epoch: Option<u8>,
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
    epoch: Option<u8>,
    cursor: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Answer {
    phone: usize,
    exchange: u8,
    epoch: u8,
    /// It does not go on from the cursor asked with.
    anew: bool,
    results: Vec<u8>,
    changes: Vec<Write>,
    cursor: usize,
}

/// The server's log and results at some moment.
type Backup = (Vec<Option<Write>>, BTreeMap<Write, ()>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct World {
    phones: Vec<Phone>,
    /// Committed, by sequence.
    log: Vec<Option<Write>>,
    /// A sequence that was given and not committed yet, where that is possible.
    open: Option<(usize, Write)>,
    results: BTreeMap<Write, ()>,
    epoch: u8,
    backup: Option<Backup>,
    restored: bool,
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
    /// The server is copied away.
    BackUp,
    /// The server is put back to the copy.
    Restore,
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
            } else if phone.exchange < self.tries[n] {
                steps.push(Step::Send(n));
            }
        }
        for (request, delivered) in &world.requests {
            if *delivered < self.deliveries {
                steps.push(Step::Serve(request.clone()));
            }
        }
        if world.open.is_some() {
            steps.push(Step::Commit);
        } else if self.restores && world.backup.is_none() {
            steps.push(Step::BackUp);
        } else if self.restores && !world.restored {
            steps.push(Step::Restore);
        }
        for answer in &world.answers {
            let phone = &world.phones[answer.phone];
            if phone.waiting && phone.exchange == answer.exchange {
                let lines = answer.results.len() + answer.changes.len() + 2;
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
            Step::BackUp => next.backup = Some((next.log.clone(), next.results.clone())),
            Step::Restore => {
                (next.log, next.results) = next.backup.clone()?;
                next.restored = true;
                next.epoch += u8::from(self.epoch_is_renewed);
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
                            // A phone that was not told yet that the server was put back has kept it.
                            let kept = phone.epoch != Some(world.epoch) && phone.acked.contains(&op);
                            stored || phone.outbox.contains(&op) || kept
                        })
                    })
                },
            ),
            Property::always("I2 nothing behind a cursor is missing", |_, world: &World| {
                let told = |phone: &&Phone| phone.epoch == Some(world.epoch);
                world.phones.iter().filter(told).all(|phone| {
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
            Property::sometimes("everything arrives everywhere", |rules: &Self, world: &World| {
                if rules.restores {
                    return true;
                }
                let all = PHONES * usize::from(WRITES);
                world
                    .phones
                    .iter()
                    .all(|p| p.outbox.is_empty() && p.holds.len() == all)
            }),
            Property::sometimes(
                "a write that was lost arrives again",
                |rules: &Self, world: &World| {
                    let told = world
                        .phones
                        .iter()
                        .any(|p| p.epoch == Some(1) && !p.acked.is_empty());
                    !rules.restores || (told && !world.log.is_empty())
                },
            ),
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
            epoch: phone.epoch,
            cursor: phone.cursor,
        };
        if !self.row_goes_with_its_result {
            phone.acked.append(&mut phone.outbox);
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
        let same = request.epoch.is_none_or(|epoch| epoch == world.epoch);
        let anew = !same || request.cursor > world.log.len();
        let from = if anew { 0 } else { request.cursor };
        let changes = world.log.iter().skip(from).flatten().copied().collect();
        world.answers.insert(Answer {
            phone: request.phone,
            exchange: request.exchange,
            epoch: world.epoch,
            anew,
            results: request.ops.clone(),
            changes,
            cursor: world.log.len(),
        });
    }

    /// First the epoch, where the phone has none or another; then results one by one; the page and its cursor only with
    /// the last line.
    fn take(self, world: &mut World, answer: &Answer, lines: usize) {
        let phone = &mut world.phones[answer.phone];
        phone.waiting = false;
        let before = (phone.holds.len(), phone.cursor);
        if lines > 0 && answer.anew && self.acked_is_offered_again {
            phone.outbox.append(&mut phone.acked);
        }
        if lines > 0 && (answer.anew || (phone.epoch.is_none() && self.epoch_comes_first)) {
            phone.epoch = Some(answer.epoch);
            phone.cursor = 0;
        }
        for op in answer.results.iter().take(lines.saturating_sub(1)) {
            if phone.outbox.remove(op) {
                phone.acked.insert(*op);
            }
        }
        let whole = lines > answer.results.len() + answer.changes.len() + 1;
        if whole || (!self.cursor_with_its_page && lines > answer.results.len() + 1) {
            phone.epoch = Some(answer.epoch);
            phone.cursor = phone.cursor.max(answer.cursor);
        }
        if whole && answer.anew {
            // What did not come again goes, but for what waits.
            let waits = phone
                .outbox
                .iter()
                .map(|op| (answer.phone, *op))
                .collect::<BTreeSet<_>>();
            phone.holds.retain(|write| waits.contains(write));
        }
        if whole {
            phone.holds.extend(answer.changes.iter().copied());
        }
        // A server that was put back shows less than before; nothing else does.
        phone.went_back |= !answer.anew && (phone.holds.len() < before.0 || phone.cursor < before.1);
    }
}

#[test]
fn the_protocol_holds_in_every_order() {
    let checker = ALL_RULES.checker().threads(2).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn the_protocol_holds_where_the_server_is_put_back() {
    let checker = WITH_A_RESTORE.checker().threads(2).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn each_rule_is_needed() {
    // Looked for by name, since the first thing that breaks need not be the rule's own.
    let breaks = |mut rules: Rules, change: fn(&mut Rules), name: &'static str| {
        change(&mut rules);
        let found = HasDiscoveries::AllOf(BTreeSet::from([name]));
        let checker = rules.checker().finish_when(found).spawn_bfs().join();
        assert!(
            checker.discoveries().contains_key(name),
            "{name} holds without it"
        );
    };
    let lost = "I1 what was accepted is at the server or waits";
    let missing = "I2 nothing behind a cursor is missing";
    breaks(
        ALL_RULES,
        |r| r.first_result_is_kept = false,
        "I3 nothing is applied twice",
    );
    breaks(ALL_RULES, |r| r.cursor_with_its_page = false, missing);
    breaks(ALL_RULES, |r| r.row_goes_with_its_result = false, lost);
    breaks(ALL_RULES, |r| r.sequence_in_commit_order = false, missing);
    breaks(WITH_A_RESTORE, |r| r.epoch_is_renewed = false, lost);
    breaks(WITH_A_RESTORE, |r| r.acked_is_offered_again = false, lost);
    breaks(WITH_A_RESTORE, |r| r.epoch_comes_first = false, lost);
}
