//! A note with two versions: written at the desk without a way to the server, and on another device meanwhile.

use hms_client::Client;
use hms_model::map::note;
use hms_server::app::App;
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::db::{Precondition, Prepared, Tx, WriteError};
use serde_json::{json, Value};

use crate::carrier;
use crate::commands::give;
use crate::desk;
use crate::tape::{look, Tape};
use crate::world::World;

pub async fn record() {
    let mut world = World::new().await;
    let dana = world.open(&world.profile("dana"), "dana").await;
    let ada = world.open(&world.desk("ada"), "ada").await;
    let report = desk::report(&dana, "animal", &["hand left"], "Brown dog, no collar.", false).await;
    let task = desk::arrived(&ada, &report).await;
    take(&ada, &task).await;
    look(&ada, "app_state", json!({}), |app| app["unsent"] == 0).await;

    let address = world.stop().await;
    write(
        &ada,
        &task,
        "Two punctures at the base of the thumb. Red and warm.",
    )
    .await;
    let waiting = give(&ada, "outbox", &json!({})).await.expect("a list");
    let note = waiting[0]["id"].as_str().expect("the note waits").to_owned();
    written_elsewhere(
        &world,
        &note,
        "Two punctures at the base of the thumb. Clean, not red.",
    )
    .await;
    world.start(&address).await;
    look(&ada, "conflicts", json!({}), |open| {
        open.as_array().is_some_and(|open| !open.is_empty())
    })
    .await;
    look(&ada, "app_state", json!({}), carrier::online).await;

    let mut tape = Tape::of(&ada);
    tape.name(&task, "task-1");
    tape.name(&note, "note-1");
    tape.reads(&["app_state", "visit", "queue", "duty_choices", "outbox"])
        .await;
    let open = tape.ok("conflicts", json!({})).await;
    tape.ok("chart", json!({ "task": task })).await;
    let settled = json!({ "id": open[0]["id"], "keep": "theirs" });
    tape.ok("conflict_settle", settled).await;
    tape.reads(&["app_state", "outbox", "conflicts"]).await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.save_all("staff_versions");
    for client in [dana, ada] {
        client.shutdown().await;
    }
}

async fn take(ada: &Client, task: &str) {
    give(ada, "queue_claim", &json!({ "task": task }))
        .await
        .expect("taken");
    write(ada, task, "Two punctures at the base of the thumb.").await;
}

async fn write(ada: &Client, task: &str, text: &str) {
    let form = json!({ "task": task, "text": text });
    give(ada, "note_save", &form).await.expect("kept");
}

/// The same person has gone on with the note on another device, which had a way to the server.
async fn written_elsewhere(world: &World, id: &str, text: &str) {
    let dir = DataDir::open(&world.dir.path().join("server")).expect("the server's data");
    let app = App::open(&dir, Clock::System).expect("the server's database");
    let (id, text) = (id.to_owned(), text.to_owned());
    let put = app.db.write(move |tx: &mut Tx<'_>| -> Result<(), WriteError> {
        let stored = tx.get("Composition", &id)?.expect("it came in");
        let mut body: Value = stored.value()?;
        body["section"][0]["text"]["div"] = json!(note::div(&text));
        tx.without_consequences();
        let resource = Prepared::new(body).expect("it is valid");
        tx.put(resource, Precondition::None).map(|_| ())
    });
    put.await.expect("written");
}
