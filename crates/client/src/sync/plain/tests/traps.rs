use super::front::{Batches, Front};
use super::line::Breaking;
use super::pretend::Next;
use super::*;
use hms_core::sync::plain::{Ability, Lack};
use serde_json::json;

fn task(n: usize, words: &str) -> Value {
    json!({ "resourceType": "Task", "id": format!("0000000{n}-0b0e-4f6e-9b61-2f6d6f1b7a10"), "status": "requested",
        "intent": "order", "description": words })
}

fn id_of(n: usize) -> String {
    format!("Task/0000000{n}-0b0e-4f6e-9b61-2f6d6f1b7a10")
}

/// N5: nothing of an answer that does not fit is believed; the next exchange asks one by one.
#[tokio::test]
async fn a_batch_with_an_answer_too_few_or_of_another_kind_acknowledges_nothing() {
    for batches in [Batches::OneShort, Batches::Other] {
        let front = Front::new(batches, |_| ()).await;
        let mut phone = Device::new(None);
        phone.save(&[task(1, "one")]).await;
        phone.save(&[task(2, "two")]).await;

        assert!(phone.sync(front.port).await.is_err());

        assert_eq!(phone.unsent().await.len(), 2);
        phone.sync(front.port).await.expect("one by one");
        assert_eq!(phone.unsent().await, Vec::<String>::new());
        assert_eq!(front.server().list("Task").len(), 2);
    }
}

/// Wherever a line breaks, that says nothing of what the server can do.
#[tokio::test]
async fn a_line_that_breaks_in_the_answer_to_a_batch_teaches_nothing() {
    let front = Front::new(Batches::BreakOff, |_| ()).await;
    let mut phone = Device::new(None);
    phone.save(&[task(1, "one")]).await;

    for _ in 0..2 {
        assert!(phone.sync(front.port).await.is_err());

        let known = phone.known.as_ref().expect("known");
        assert_eq!((known.batch, known.lacks()), (Ability::Unknown, vec![]));
        assert_eq!(phone.unsent().await, [id_of(1)]);
    }
}

/// S1: what the server says is not for it is not asked for again.
#[tokio::test]
async fn a_server_without_batches_gets_one_request_for_each_and_is_remembered() {
    for status in [405, 501] {
        let front = Front::new(Batches::Refused(status), |_| ()).await;
        let mut phone = Device::new(None);
        phone.save(&[task(1, "one")]).await;

        phone.sync(front.port).await.expect("syncs");

        assert_eq!(phone.unsent().await, Vec::<String>::new());
        phone.restart().await;
        let base = format!("http://127.0.0.1:{}/fhir/R4", front.port);
        let known = super::super::memory::abilities(phone.store(), &base).await;
        let known = known.expect("read").expect("kept");
        assert_eq!(known.batch, Ability::No);
        assert!(known.lacks().contains(&Lack::Batches));
    }
}

#[tokio::test]
async fn a_type_that_the_server_refuses_is_asked_for_once_and_an_update_that_it_refuses_is_said() {
    let front = Front::new(Batches::Answered, |it| {
        it.refuses = vec![
            ("GET Immunization".into(), 405),
            ("PUT Encounter".into(), 405),
            ("POST Encounter".into(), 405),
        ];
    })
    .await;
    let mut phone = Device::new(None);
    phone
        .save(&[json!({ "resourceType": "Encounter", "id": "e1", "status": "planned" })])
        .await;
    phone.save(&[task(1, "one")]).await;

    phone.sync(front.port).await.expect("syncs");
    phone.sync(front.port).await.expect("syncs");

    let rows = phone.store().outbox().await.expect("read");
    assert_eq!(
        rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["Encounter/e1"]
    );
    assert!(rows[0].stuck.is_some(), "a person reads it");
    let asked = front.server().asked.clone();
    assert_eq!(
        asked
            .iter()
            .filter(|it| it.starts_with("GET Immunization"))
            .count(),
        1,
        "{asked:?}"
    );
}

/// R4: a batch that is refused as a whole because of one is halved until that one stands alone.
#[tokio::test]
async fn one_entry_that_spoils_every_batch_holds_up_no_other() {
    for status in [400, 422, 500] {
        let front = Front::new(Batches::Poisoned("poison", status), |it| {
            it.refuses = vec![(format!("PUT {}", id_of(3)), 422), ("POST Task".into(), 422)];
        })
        .await;
        let mut phone = Device::new(None);
        for n in 0..8 {
            phone
                .save(&[task(n, if n == 3 { "poison" } else { "fine" })])
                .await;
        }

        phone.sync(front.port).await.expect("syncs");

        assert_eq!(phone.unsent().await, [id_of(3)], "{status}");
        assert_eq!(front.server().list("Task").len(), 7, "{status}");
    }
}

/// S11: a server that takes nothing from anybody has said nothing about any change.
#[tokio::test]
async fn a_server_that_refuses_everything_makes_no_change_a_bad_one() {
    let front = Front::new(Batches::Refused(403), |it| {
        it.refuses = ["GET", "PUT", "POST"]
            .map(|method| (method.to_owned(), 403))
            .to_vec();
    })
    .await;
    let mut phone = Device::new(None);
    phone.save(&[task(1, "one")]).await;
    phone.save(&[task(2, "two")]).await;

    assert!(phone.sync(front.port).await.is_err());

    let rows = phone.store().outbox().await.expect("read");
    assert!(rows.len() == 2 && rows.iter().all(|row| row.stuck.is_none()));
    front.server().refuses.clear();
    phone.sync(front.port).await.expect("syncs");
    assert_eq!(phone.unsent().await, Vec::<String>::new());
}

/// N6, over the wire: what was read stands, and the token goes nowhere else.
#[tokio::test]
async fn a_list_that_leads_elsewhere_is_left_and_the_rest_is_read() {
    for next in [Next::OtherHost, Next::Circle] {
        let front = Front::new(Batches::Answered, |it| {
            it.next = next;
            it.page = 2;
            for n in 0..5 {
                it.put(task(n, "theirs"));
            }
        })
        .await;
        let mut phone = Device::new(None);

        phone.sync(front.port).await.expect("it ends");

        assert_eq!(phone.store().list("Task").await.expect("read").len(), 2);
        front.server().next = Next::Page;
        phone.sync(front.port).await.expect("syncs");
        assert_eq!(phone.store().list("Task").await.expect("read").len(), 5);
    }
}

/// S2: a server that ignores If-Match. What two people wrote is merged, or a person settles it.
#[tokio::test]
async fn where_if_match_is_ignored_words_are_merged_or_asked_about() {
    let front = Front::new(Batches::Answered, |it| it.ignores_if_match = true).await;
    let mut phone = Device::new(None);
    phone.save(&[task(1, "first")]).await;
    phone.save(&[task(2, "first")]).await;
    phone.sync(front.port).await.expect("syncs");
    for (n, element) in [(1, "priority"), (2, "description")] {
        let mut ours = phone.get(&id_of(n)).await.expect("there");
        ours["description"] = json!("ours");
        phone.save(&[ours]).await;
        let mut theirs = front.server().get(&id_of(n)).expect("there").clone();
        theirs[element] = json!("stat");
        front.server().meanwhile = None;
        front.server().put(theirs);
    }

    phone.sync(front.port).await.expect("syncs");
    phone.sync(front.port).await.expect("syncs");

    let merged = front.server().get(&id_of(1)).expect("there").clone();
    assert_eq!(
        (&merged["description"], &merged["priority"]),
        (&json!("ours"), &json!("stat"))
    );
    let open = phone.store().conflicts().await.expect("read");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, id_of(2));
    assert_eq!(open[0].local.as_ref().expect("ours")["description"], "ours");
    assert_eq!(open[0].remote.as_ref().expect("theirs")["description"], "stat");
    assert_eq!(phone.known.as_ref().expect("known").if_match, Ability::No);
}

/// S2: also words that came between reading and writing come back.
#[tokio::test]
async fn words_that_an_unguarded_update_went_over_are_found_again() {
    let front = Front::new(Batches::Answered, |it| it.ignores_if_match = true).await;
    let mut phone = Device::new(None);
    phone.save(&[task(1, "first")]).await;
    phone.sync(front.port).await.expect("syncs");
    let mut ours = phone.get(&id_of(1)).await.expect("there");
    ours["description"] = json!("ours");
    phone.save(&[ours]).await;
    let mut theirs = front.server().get(&id_of(1)).expect("there").clone();
    theirs["note"] = json!([{ "text": "theirs" }]);
    front.server().meanwhile = Some(theirs);

    for _ in 0..3 {
        phone.sync(front.port).await.expect("syncs");
    }

    let there = front.server().get(&id_of(1)).expect("there").clone();
    assert_eq!(
        (&there["description"], &there["note"][0]["text"]),
        (&json!("ours"), &json!("theirs"))
    );
    assert_eq!(phone.unsent().await, Vec::<String>::new());
}

/// S3: what the server makes of our words is no edit: nothing is sent again, asked about, or lost here.
#[tokio::test]
async fn a_server_that_rounds_strips_and_turns_round_makes_no_edits() {
    for gives_ids in [false, true] {
        let front = Front::new(Batches::Answered, |it| {
            (it.rounds_and_strips, it.gives_ids) = (true, gives_ids)
        })
        .await;
        let mut phone = Device::new(None);
        let mut ours = json!({ "resourceType": "Observation", "id": "0b1c3c1e-0b0e-4f6e-9b61-2f6d6f1b7a10",
            "status": "preliminary", "code": { "text": "temperature" }, "valueQuantity": { "value": 37.46, "unit": "C" },
            "effectiveDateTime": "2026-11-21T08:00:00-06:00", "category": [{ "text": "a" }, { "text": "b" }],
            "extension": [{ "url": "urn:x", "valueString": "kept here" }] });
        let id = "Observation/0b1c3c1e-0b0e-4f6e-9b61-2f6d6f1b7a10";
        phone.save(&[ours.clone()]).await;
        phone.sync(front.port).await.expect("syncs");
        let writes = || {
            front
                .server()
                .asked
                .iter()
                .filter(|it| !it.starts_with("GET"))
                .count()
        };
        let after_first = writes();

        // A later edit stands on it while the server's own form of it comes down.
        ours["status"] = json!("final");
        phone.save(&[ours.clone()]).await;
        phone.sync(front.port).await.expect("syncs");
        let after_edit = writes();
        for _ in 0..3 {
            phone.restart().await;
            phone.sync(front.port).await.expect("syncs");
        }

        assert!(after_edit > after_first);
        assert_eq!(writes(), after_edit, "nothing is sent again");
        assert_eq!(phone.store().conflicts().await.expect("read").len(), 0);
        let mut here = phone.get(id).await.expect("there");
        here.as_object_mut().expect("a record").remove("meta");
        assert_eq!(here, ours, "whole, as it was written");

        // A real edit of theirs comes, and what they did not touch stays whole.
        let there = front.server().list("Observation")[0].clone();
        let mut theirs = there;
        theirs["valueQuantity"] = json!({ "value": 39.1, "unit": "C" });
        front.server().put(theirs);
        phone.sync(front.port).await.expect("syncs");
        let here = phone.get(id).await.expect("there");
        assert_eq!(here["valueQuantity"]["value"], 39.1);
        assert_eq!(here["extension"], ours["extension"]);
        assert_eq!(here["category"], ours["category"]);
    }
}

/// P2, P3 over a line that breaks at any of many places: one record each, known as ours, whatever the server heeds.
#[tokio::test]
async fn creates_over_a_line_that_breaks_make_one_record_each() {
    for kind in 0..4 {
        for cut in (200..7_000).step_by(850) {
            let front = Front::new(Batches::Answered, |it| {
                it.ignores_none_match = kind >= 1;
                it.gives_ids = kind >= 2;
                it.ignores_none_exist = kind == 3;
            })
            .await;
            let line = Breaking::before(front.port).await;
            front.server().base = format!("http://127.0.0.1:{}/fhir/R4", line.port);
            let mut phone = Device::new(None);
            phone
                .save(&[
                    task(1, "one"),
                    json!({ "resourceType": "Observation", "id": "o1", "status": "final",
                "code": { "text": "x" }, "basedOn": [{ "reference": id_of(1) }] }),
                ])
                .await;
            phone.save(&[task(2, "two")]).await;
            line.break_after(&[cut, cut / 2]);

            for _ in 0..6 {
                let _ = phone.sync(line.port).await;
                phone.restart().await;
            }

            assert_eq!(phone.unsent().await, Vec::<String>::new(), "{kind}, {cut}");
            let server = front.server();
            assert_eq!(server.list("Task").len(), 2, "{kind}, {cut}");
            let observation = server.list("Observation");
            assert_eq!(observation.len(), 1, "{kind}, {cut}");
            let refers = observation[0]["basedOn"][0]["reference"]
                .as_str()
                .expect("a reference");
            assert_eq!(
                server.get(refers).expect("what it refers to")["description"],
                "one",
                "{kind}, {cut}"
            );
        }
    }
}

/// Deletions at a server that shows none are found when lists are compared, and only on the server's word.
#[tokio::test]
async fn a_deletion_shows_with_and_without_a_history() {
    for no_history in [false, true] {
        let front = Front::new(Batches::Answered, |it| it.no_history = no_history).await;
        front.server().put(task(1, "stays"));
        front.server().put(task(2, "goes"));
        let mut phone = Device::new(None);
        phone.sync(front.port).await.expect("syncs");
        assert!(phone.get(&id_of(2)).await.is_some());
        front.server().delete(&id_of(2));

        for _ in 0..6 {
            phone.sync(front.port).await.expect("syncs");
        }

        assert!(phone.get(&id_of(1)).await.is_some());
        assert!(phone.get(&id_of(2)).await.is_none(), "no history: {no_history}");
    }
}
