//! The supervisor's page, and the window of a role that has no page here.

use hms_client::Client;
use serde_json::{json, Value};

use crate::carrier;
use crate::commands::give;
use crate::desk;
use crate::tape::{look, Tape};
use crate::world::World;

pub async fn record() {
    let world = World::new().await;
    let cora = world.open(&world.desk("cora"), "cora").await;
    look(&cora, "app_state", json!({}), carrier::online).await;
    let mut tape = Tape::of(&cora);
    tape.reads(&["app_state", "visit", "queue", "manager"]).await;
    tape.save_all("office");
    cora.shutdown().await;

    // A supervisor of another site, at which nothing has happened since this device was set up.
    world.give_password("manager-2").await;
    let other = world.open(&world.desk("manager-2"), "manager-2").await;
    look(&other, "app_state", json!({}), carrier::synced).await;
    let mut tape = Tape::of(&other);
    tape.reads(&["app_state", "visit", "duty_choices", "manager"])
        .await;
    tape.save_all("manager_empty");
    other.shutdown().await;
    manager(&world).await;
}

async fn manager(world: &World) {
    let dana = world.open(&world.profile("dana"), "dana").await;
    let ada = world.open(&world.desk("ada"), "ada").await;
    let max = world.open(&world.desk("max"), "max").await;
    let report = desk::report(&dana, "animal", &["hand left"], "Brown dog, no collar.", false).await;
    let task = desk::arrived(&ada, &report).await;
    treat(&ada, &task).await;
    let wished = |view: &Value| {
        let waits = view["decisions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["decision"].is_null()));
        let told = view["notices"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["acknowledged"] == false));
        waits && told
    };
    let view = look(&max, "manager", json!({}), wished).await;
    let id = |list: &str, of: fn(&Value) -> bool| {
        let all = view[list].as_array().cloned().unwrap_or_default();
        all.iter()
            .find(|one| of(one))
            .and_then(|one| one["task"].as_str().map(str::to_owned))
            .expect("one")
    };
    let notice = id("notices", |one| one["acknowledged"] == false);
    let decision = id("decisions", |one| one["decision"].is_null());
    let mut tape = Tape::of(&max);
    tape.name(&notice, "notice-1");
    tape.name(&decision, "decision-1");
    tape.reads(&["app_state", "visit", "duty_choices", "manager"])
        .await;
    tape.ok("acknowledge_notice", json!({ "task": notice })).await;
    tape.reads(&["manager"]).await;
    tape.ok("decide_duty", json!({ "task": decision, "form": desk::duty() }))
        .await;
    tape.reads(&["manager"]).await;
    tape.save_all("manager");
    for client in [dana, ada, max] {
        client.shutdown().await;
    }
}

/// A clinician takes the entry, writes and signs: note, advice, imaging order and follow-up.
pub async fn treat(ada: &Client, task: &str) {
    let ok = async |command: &str, args: Value| {
        let answer = give(ada, command, &args).await;
        answer.unwrap_or_else(|error| panic!("{command} {args}: {error}"))
    };
    ok("queue_claim", json!({ "task": task })).await;
    ok("chart", json!({ "task": task })).await;
    ok("note_save", json!({ "task": task, "text": desk::NOTE })).await;
    ok("note_sign", json!({ "task": task, "text": desk::NOTE })).await;
    ok("advice_save", json!({ "task": task, "form": desk::duty() })).await;
    ok("advice_sign", json!({ "task": task, "form": desk::duty() })).await;
    let sites = ok("imaging_sites", json!({ "task": task })).await;
    ok(
        "order_imaging",
        json!({ "task": task, "site": sites[0]["id"], "part": "hand" }),
    )
    .await;
    ok("follow_up", json!({ "task": task, "form": desk::follow_up() })).await;
}
