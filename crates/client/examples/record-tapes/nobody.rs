//! A report for a colleague whom only words name: the desk says who it is, first wrongly, then rightly.

use serde_json::json;

use crate::commands::give;
use crate::desk;
use crate::tape::{look, Tape};
use crate::world::World;

/// What Dana took for the number: nobody has it.
const WRONG: &str = "E-999999";

pub async fn record() {
    let world = World::new().await;
    let dana = world.open(&world.profile("dana"), "dana").await;
    let ada = world.open(&world.desk("ada"), "ada").await;
    let hurt = world.employees().await.pop().expect("an employee");
    let typed = format!("{} {WRONG}", hurt.name);
    give(&dana, "report_start", &json!({ "colleague": typed }))
        .await
        .expect("a form for a colleague");
    let report = desk::report(
        &dana,
        "animal",
        &["hand left"],
        "Two dogs. They hold the hand up.",
        true,
    )
    .await;
    desk::check(&dana, &report, &[]).await;
    let task = desk::arrived(&ada, &report).await;
    look(&ada, "chart", json!({ "task": task }), |chart| {
        !chart["checks"].as_array().is_none_or(Vec::is_empty)
            && chart["report"]["photos"]
                .as_array()
                .is_some_and(|photos| !photos.is_empty())
    })
    .await;
    give(&ada, "queue_claim", &json!({ "task": task }))
        .await
        .expect("taken");

    let mut tape = Tape::of(&ada);
    tape.name(&task, "task-1");
    tape.reads(&["app_state", "visit", "queue", "duty_choices"]).await;
    let chart = tape.ok("chart", json!({ "task": task })).await;
    for photo in chart["report"]["photos"].as_array().into_iter().flatten() {
        tape.ok("attachment", json!({ "id": photo })).await;
    }
    let wrong = json!({ "task": task, "number": WRONG, "name": hurt.name });
    assert!(
        tape.call("report_identify", wrong).await.is_err(),
        "nobody has that number"
    );
    let right = json!({ "task": task, "number": hurt.number, "name": hurt.name });
    tape.ok("report_identify", right).await;
    tape.reads(&["queue"]).await;
    tape.ok("chart", json!({ "task": task })).await;
    tape.save_all("staff_nobody");
    for client in [dana, ada] {
        client.shutdown().await;
    }
}
