//! A phone with much on it: reports in each state of sending, a visit behind it, and a form begun.

use hms_client::Client;
use hms_server::app::App;
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::sqlite::table::{device, op_result, user};
use hms_server::db::{Precondition, Prepared, Tx, WriteError};
use serde_json::{json, Value};
use tokio::net::TcpListener;

use crate::carrier::{self, check};
use crate::commands::give;
use crate::tape::{look, Tape};
use crate::world::World;
use crate::{desk, office};

pub async fn record() {
    let mut world = World::new().await;
    let dana = world.open(&world.profile("dana"), "dana").await;
    let ada = world.open(&world.desk("ada"), "ada").await;
    let max = world.open(&world.desk("max"), "max").await;
    let seen = seen(&dana, &ada, &max).await;
    ada.shutdown().await;
    max.shutdown().await;
    let sent = desk::report(
        &dana,
        "fall",
        &["knee right", "wrist left"],
        "Slipped on a wet step.",
        false,
    )
    .await;
    state(&dana, &sent, "sent").await;

    let address = world.stop().await;
    let attention = desk::report(
        &dana,
        "lifting",
        &["lower_back middle"],
        "Lifted a parcel.",
        false,
    )
    .await;
    let conflict = desk::report(&dana, "cut", &["hand right"], "Edge of a mailbox.", false).await;
    entered_by_the_office(&world, &sent, &conflict).await;
    refused_as_not_valid(&world).await;
    world.start(&address).await;
    state(&dana, &conflict, "conflict").await;
    state(&dana, &attention, "attention").await;

    // Something answers the call and says nothing: the exchange hangs while the phone sends.
    world.stop().await;
    let silent = TcpListener::bind(&address).await.expect("the port is free");
    let sending = desk::report(
        &dana,
        "heat",
        &["whole_body middle"],
        "Dizzy, better in the shade.",
        false,
    )
    .await;
    let draft = begun(&dana).await;
    let mut tape = Tape::of(&dana);
    tape.name(&draft, "draft-1");
    state(&dana, &sending, "sending").await;
    for (id, name) in [
        (&seen, "seen"),
        (&sent, "sent"),
        (&attention, "attention"),
        (&conflict, "conflict"),
        (&sending, "sending"),
    ] {
        tape.name(id, &format!("report-{name}"));
    }
    carrier::start(&mut tape).await;
    tape.reads(&["summaries"]).await;
    let photo = give(&dana, "report", &json!({ "id": seen }))
        .await
        .expect("there")["attachments"][0]["id"]
        .clone();
    tape.name(photo.as_str().expect("a photo"), "photo-1");
    for id in [&seen, &sent, &attention, &conflict, &sending] {
        tape.ok("report", json!({ "id": id })).await;
    }
    let _ = tape.call("attachment", json!({ "id": photo })).await;
    let open = tape.ok("conflicts", json!({})).await;
    drop(silent);
    look(&dana, "report", json!({ "id": sending }), |report| {
        report["send"]["state"] == "queued"
    })
    .await;
    let file = tape.ok("hand_over", json!({})).await["path"].clone();
    tape.name(
        file.as_str().expect("a path"),
        "Downloads/hms-ach-unsent-20261122104200.hmsach",
    );
    additions_and_form(&mut tape, &seen).await;
    let settled = json!({ "id": open[0]["id"], "keep": "mine" });
    tape.ok("conflict_settle", settled).await;
    tape.reads(&["app_state", "outbox", "conflicts"]).await;
    tape.ok("report", json!({ "id": conflict })).await;
    tape.save_all("busy");
    dana.shutdown().await;
}

/// A report that was read and treated, with a photo and a check, on which the supervisor has decided.
async fn seen(dana: &Client, ada: &Client, max: &Client) -> String {
    let report = desk::report(
        dana,
        "animal",
        &["hand left"],
        "Brown dog, no collar. It ran off.",
        true,
    )
    .await;
    desk::check(dana, &report, &[]).await;
    let task = desk::arrived(ada, &report).await;
    office::treat(ada, &task).await;
    let waits = |view: &Value| {
        view["decisions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["decision"].is_null()))
    };
    let view = look(max, "manager", json!({}), waits).await;
    let decisions = view["decisions"].as_array().cloned().unwrap_or_default();
    let decision = decisions
        .iter()
        .find(|one| one["decision"].is_null())
        .expect("it waits");
    let form = json!({ "task": decision["task"], "form": desk::duty() });
    give(max, "decide_duty", &form).await.expect("decided");
    look(dana, "summaries", json!({}), |all| {
        all.as_array().is_some_and(|all| {
            all.iter()
                .any(|one| !one["decision"].is_null() && !one["follow_up"].is_null())
        })
    })
    .await;
    state(dana, &report, "seen").await;
    report
}

/// The office has entered a report under the same id, with other words, before the phone's came in.
async fn entered_by_the_office(world: &World, like: &str, id: &str) {
    let dir = DataDir::open(&world.dir.path().join("server")).expect("the server's data");
    let app = App::open(&dir, Clock::System).expect("the server's database");
    let (like, id) = (like.to_owned(), id.to_owned());
    let put = app.db.write(move |tx: &mut Tx<'_>| -> Result<(), WriteError> {
        let mut body = tx
            .get("QuestionnaireResponse", &like)?
            .expect("it came in")
            .value()?;
        body["id"] = json!(id);
        let map = body.as_object_mut().expect("a resource");
        map.remove("meta");
        map.remove("identifier");
        tx.without_consequences();
        let resource = Prepared::new(body).expect("it is valid");
        tx.put(resource, Precondition::Absent).map(|_| ())
    });
    put.await.expect("entered");
}

/// The server's rules for a report have become stricter meanwhile: it answers the phone's next group, a report and its
/// entry, as a server answers that finds a report not valid.
async fn refused_as_not_valid(world: &World) {
    let dir = DataDir::open(&world.dir.path().join("server")).expect("the server's data");
    let app = App::open(&dir, Clock::System).expect("the server's database");
    let put = app.db.write(|tx: &mut Tx<'_>| -> Result<(), WriteError> {
        let (dana, _) = user::by_name(tx.conn(), "dana")?.expect("her account");
        let phones = device::list(tx.conn(), Some(&dana.id))?;
        let phone = phones.last().expect("her phone");
        let mut next = 1;
        while op_result::get(tx.conn(), &phone.id, next)?.is_some() {
            next += 1;
        }
        for (op, status) in [(next, 422), (next + 1, 424)] {
            let answer = json!({ "op": op, "status": status }).to_string();
            op_result::keep(tx.conn(), &phone.id, op, &phone.user_id, &answer, tx.now_ms())?;
        }
        Ok(())
    });
    put.await.expect("kept");
}

/// What is added to a report without a way to the server, a check of it, and the form that was begun.
async fn additions_and_form(tape: &mut Tape, seen: &str) {
    tape.ok("sync_now", json!({})).await;
    carrier::start(tape).await;
    tape.ok(
        "report_add",
        json!({ "report": seen, "kind": "worse", "text": null }),
    )
    .await;
    tape.ok("report", json!({ "id": seen })).await;
    tape.ok(
        "report_add",
        json!({ "report": seen, "kind": "addition", "text": "Two fingers feel numb." }),
    )
    .await;
    tape.ok("report", json!({ "id": seen })).await;
    check(tape, json!(seen)).await;
    // The form is begun and lacks an answer: it cannot be sent yet.
    let draft = tape.ok("report_draft", json!({})).await["id"].clone();
    let early = tape.call("report_send", json!({ "draft": draft })).await;
    assert_eq!(early.expect_err("an answer misses")["code"], "invalid");
    let step = json!({ "step": "where", "value": [{ "part": "hand", "side": "left" }] });
    tape.ok("report_step", json!({ "draft": draft, "step": step }))
        .await;
    tape.reads(&["report_draft"]).await;
}

/// Begins a form and leaves it without the place on the body; gives its id.
async fn begun(dana: &Client) -> String {
    let ok = async |command: &str, args: Value| give(dana, command, &args).await.expect("taken");
    let draft = ok("report_start", json!({ "colleague": null })).await["id"].clone();
    let steps = [
        json!({ "step": "safe", "value": "safe" }),
        json!({ "step": "what", "value": "animal" }),
        json!({ "step": "note", "text": "The dog ran out from the porch." }),
    ];
    for step in steps {
        ok("report_step", json!({ "draft": draft, "step": step })).await;
    }
    draft.as_str().expect("an id").to_owned()
}

async fn state(client: &Client, report: &str, state: &str) {
    look(client, "report", json!({ "id": report }), |view| {
        view["send"]["state"] == state
    })
    .await;
}
