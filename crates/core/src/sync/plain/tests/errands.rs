use super::pretend::Pretend;
use crate::sync::plain::{Abilities, Ability, Errand, Lack, Names, Outcome};
use hms_model::wire::sync::WireOp;
use serde_json::{json, Value};

const BASE: &str = "https://clinic.example/baseR4";
const ID: &str = "Task/6f1c3c1e-0b0e-4f6e-9b61-2f6d6f1b7a10";

fn task(words: &str) -> Value {
    json!({ "resourceType": "Task", "id": ID.trim_start_matches("Task/"), "status": "requested", "intent": "order",
        "description": words })
}

fn op(base: Option<&str>, resource: Option<Value>) -> WireOp {
    WireOp {
        op: 1,
        id: ID.into(),
        base: base.map(str::to_owned),
        resource,
        group: None,
    }
}

/// Takes a change to its end; `lost` answers get lost at that step, as where the line breaks.
fn take(
    server: &mut Pretend,
    abilities: &mut Abilities,
    names: &mut Names,
    op: WireOp,
    lost: usize,
) -> Option<Outcome> {
    let mut errand = Errand::new(op, abilities, names);
    for step in 1..20 {
        let Some(ask) = errand.ask(names) else { break };
        let reply = server.answer(&ask);
        if step == lost {
            return None;
        }
        errand.answer(&reply, abilities, names);
    }
    let outcome = errand.outcome().cloned().expect("it ends");
    if let Some(there) = &outcome.given {
        names.learn(ID, there);
    }
    Some(outcome)
}

struct World {
    server: Pretend,
    abilities: Abilities,
    names: Names,
}

impl World {
    fn new(bad: impl FnOnce(&mut Pretend)) -> Self {
        let mut server = Pretend::at(BASE);
        bad(&mut server);
        Self {
            server,
            abilities: Abilities::of(BASE),
            names: Names::default(),
        }
    }

    /// A record was made here, and the next create of it does not see that.
    fn racing() -> Self {
        let mut world = Self::new(|it| it.gives_ids = true);
        world.abilities.if_none_exist = Ability::Yes;
        world.abilities.update_creates = Ability::No;
        world.abilities.if_none_match = Ability::No;
        world.make_and_lose_the_answer();
        world.server.races = true;
        world
    }

    fn make_and_lose_the_answer(&mut self) {
        let first = op(None, Some(task("first")));
        take(&mut self.server, &mut self.abilities, &mut self.names, first, 1);
    }

    fn take(&mut self, op: WireOp) -> Outcome {
        take(&mut self.server, &mut self.abilities, &mut self.names, op, 0).expect("not lost")
    }

    fn made(&mut self) -> String {
        let outcome = self.take(op(None, Some(task("first"))));
        assert_eq!(outcome.result.status, 201);
        outcome.result.version.expect("a version")
    }
}

#[test]
fn a_create_finds_out_which_guard_the_server_heeds_and_makes_one_record() {
    for (bad, update_creates, none_match, given) in [
        ((|_| ()) as fn(&mut Pretend), Ability::Yes, Ability::Yes, ID),
        (|it| it.ignores_none_match = true, Ability::Yes, Ability::No, ID),
        (|it| it.gives_ids = true, Ability::No, Ability::Unknown, "Task/n1"),
    ] {
        let mut world = World::new(bad);

        let outcome = world.take(op(None, Some(task("first"))));

        assert_eq!(
            (outcome.result.status, outcome.given.as_deref()),
            (201, Some(given))
        );
        assert_eq!(world.server.list("Task").len(), 1);
        assert_eq!(world.abilities.update_creates, update_creates);
        assert_eq!(world.abilities.if_none_match, none_match);
    }
}

/// P2, P3: whichever answer of a create is lost, trying again ends with one record, and it is known as ours.
#[test]
fn a_create_whose_answer_was_lost_at_any_step_is_one_record_when_tried_again() {
    let kinds: [fn(&mut Pretend); 5] = [
        |_| (),
        |it| it.ignores_none_match = true,
        |it| it.gives_ids = true,
        |it| (it.gives_ids, it.ignores_none_exist) = (true, true),
        |it| (it.gives_ids, it.no_history, it.no_versions) = (true, true, true),
    ];
    for (kind, bad) in kinds.into_iter().enumerate() {
        for lost in 1..8 {
            let mut world = World::new(bad);
            let World {
                server,
                abilities,
                names,
            } = &mut world;
            take(server, abilities, names, op(None, Some(task("first"))), lost);

            let outcome = world.take(op(None, Some(task("first"))));

            assert_eq!(outcome.result.status, 201, "server {kind}, lost {lost}");
            assert_eq!(world.server.list("Task").len(), 1, "server {kind}, lost {lost}");
        }
    }
}

#[test]
fn a_create_that_is_there_with_other_words_is_a_conflict_with_both_kept() {
    let mut world = World::new(|_| ());
    world.made();
    let mut theirs = world.server.get(ID).expect("made").clone();
    theirs["description"] = json!("theirs");
    world.server.put(theirs);
    world.names = Names::default();

    let outcome = world.take(op(None, Some(task("first"))));

    assert_eq!(outcome.result.status, 409);
    assert_eq!(outcome.instead.expect("theirs")["description"], "theirs");
}

/// P3: two conditional creates at the same moment both make a record. The untouched copy goes.
#[test]
fn of_two_records_that_a_race_made_one_is_left() {
    let mut world = World::racing();

    let outcome = world.take(op(None, Some(task("first"))));

    assert_eq!(outcome.result.status, 201);
    assert_eq!(world.server.list("Task").len(), 1);
    assert_eq!(outcome.given.as_deref(), Some("Task/n1"));
}

#[test]
fn of_two_records_that_a_race_made_the_one_that_somebody_works_on_stays() {
    let mut world = World::racing();
    world.make_and_lose_the_answer();
    let mut theirs = world.server.get("Task/n2").expect("the copy").clone();
    theirs["status"] = json!("accepted");
    world.server.put(theirs);

    let outcome = world.take(op(None, Some(task("first"))));

    assert_eq!(outcome.given.as_deref(), Some("Task/n2"));
    assert_eq!(outcome.result.status, 409, "what both said is for the merge");
    assert!(world.server.get("Task/n2").is_some());
    assert_eq!(world.server.list("Task").len(), 1, "the untouched copy goes");
}

#[test]
fn an_update_is_made_once_also_where_its_answer_was_lost() {
    for bad in [(|_| ()) as fn(&mut Pretend), |it| it.ignores_if_match = true] {
        for lost in 1..5 {
            let mut world = World::new(bad);
            let version = world.made();
            let World {
                server,
                abilities,
                names,
            } = &mut world;
            let change = op(Some(&version), Some(task("second")));
            take(server, abilities, names, change.clone(), lost);

            let outcome = world.take(change);

            assert_eq!(outcome.result.status, 200, "lost {lost}");
            assert_eq!(world.server.get(ID).expect("there")["description"], "second");
        }
    }
}

/// S2: a server that ignores If-Match is found out, and nobody's words go under.
#[test]
fn where_if_match_is_ignored_somebody_elses_words_are_met_before_during_and_after() {
    let theirs = |world: &World, words: &str| {
        let mut theirs = world.server.get(ID).expect("there").clone();
        theirs["note"] = json!([{ "text": words }]);
        theirs
    };
    for at in ["before", "meanwhile", "right after"] {
        for known in [false, true] {
            let mut world = World::new(|it| it.ignores_if_match = true);
            let mut version = world.made();
            if known {
                version = world
                    .take(op(Some(&version), Some(task("second"))))
                    .result
                    .version
                    .expect("made");
                assert_eq!(world.abilities.if_match, Ability::No);
                assert!(world.abilities.lacks().contains(&Lack::VersionCheck));
            }
            let other = theirs(&world, "theirs");
            match at {
                "before" => drop(world.server.put(other)),
                "meanwhile" => world.server.meanwhile = Some(other),
                _ => world.server.right_after = Some(other),
            }

            let outcome = world.take(op(Some(&version), Some(task("third"))));

            assert_eq!(outcome.result.status, 412, "{at}, {known}");
            let instead = outcome.instead.expect("what it met");
            assert_eq!(instead["note"][0]["text"], "theirs", "{at}, {known}");
            let stands = world.server.get(ID).expect("there");
            assert_eq!(
                instead["meta"]["versionId"], stands["meta"]["versionId"],
                "{at}, {known}"
            );
        }
    }
}

#[test]
fn a_record_that_got_another_name_is_updated_and_deleted_under_it() {
    let mut world = World::new(|it| it.gives_ids = true);
    let version = world.made();

    let updated = world.take(op(Some(&version), Some(task("second"))));

    assert_eq!(updated.result.status, 200);
    let there = world.server.get("Task/n1").expect("there").clone();
    assert_eq!(there["description"], "second");
    assert!(
        there["identifier"]
            .to_string()
            .contains(&super::super::mark_of(ID)),
        "the mark stays"
    );
    let deleted = world.take(op(updated.result.version.as_deref(), None));
    assert_eq!((deleted.result.status, world.server.list("Task").len()), (200, 0));
}

#[test]
fn an_update_of_what_is_gone_is_for_a_person_and_a_deletion_of_it_is_done() {
    for bad in [(|_| ()) as fn(&mut Pretend), |it| it.no_history = true] {
        let mut world = World::new(bad);
        let version = world.made();
        world.server.delete(ID);

        assert_eq!(
            world.take(op(Some(&version), Some(task("second")))).result.status,
            410
        );
        assert_eq!(world.take(op(Some(&version), None)).result.status, 200);
    }
}

#[test]
fn what_changed_since_is_not_deleted() {
    let mut world = World::new(|it| it.ignores_if_match = true);
    let version = world.made();
    let theirs = world.server.get(ID).expect("there").clone();
    world.server.put(theirs);

    let outcome = world.take(op(Some(&version), None));

    assert_eq!(outcome.result.status, 412);
    assert!(world.server.get(ID).is_some());
}

/// S1: what the server says is not for it is said to the person, with its reason.
#[test]
fn a_refusal_comes_with_its_status() {
    for status in [405, 422, 403] {
        let mut world = World::new(|_| ());
        let version = world.made();
        world.server.refuses = vec![("PUT Task".into(), status)];

        let outcome = world.take(op(Some(&version), Some(task("second"))));

        assert_eq!(outcome.result.status, status);
        assert!(outcome.result.outcome.is_some());
    }
}

/// S3: a server that rounds, strips and turns round has what was sent, also when it is asked after a lost answer.
#[test]
fn a_create_that_the_server_wrote_another_way_is_ours() {
    let mut world = World::new(|it| it.rounds_and_strips = true);
    let mut sent = task("first");
    sent["extension"] = json!([{ "url": "urn:x", "valueString": "kept here" }]);
    sent["input"] = json!([{ "valueDecimal": 37.46 }, { "valueDecimal": 1.10 }]);
    sent["authoredOn"] = json!("2026-11-21T08:00:00-06:00");
    let World {
        server,
        abilities,
        names,
    } = &mut world;
    take(server, abilities, names, op(None, Some(sent.clone())), 2);

    let outcome = world.take(op(None, Some(sent)));

    assert_eq!(outcome.result.status, 201);
    assert!(outcome.written.is_some());
}
