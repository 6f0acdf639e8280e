use crate::world::World;
use hms_server::db::{Precondition, Prepared, Put, Stored, Tx, WriteError};
use serde_json::{json, Value};
use std::sync::Arc;

fn location(id: &str, name: &str) -> Prepared {
    Prepared::new(json!({"resourceType": "Location", "id": id, "name": name})).expect("valid")
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_wait_together_are_all_durable_and_numbered_without_gaps() {
    let w = World::new();
    let mut events = w.app.events.subscribe();

    let writes: Vec<_> = (0..200)
        .map(|n| {
            let db = w.app.db.clone();
            tokio::spawn(async move {
                db.write(move |tx| tx.put(location(&format!("l{n}"), "x"), Precondition::Absent))
                    .await
            })
        })
        .collect();
    let mut seqs = Vec::new();
    for write in writes {
        seqs.push(write.await.expect("task").expect("write").seq);
    }

    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<i64>>());
    for expected in 1..=200 {
        assert_eq!(events.recv().await.expect("event").seq, expected);
    }
}

#[tokio::test]
async fn a_refused_change_leaves_nothing_and_does_not_hurt_its_neighbours() {
    let w = World::new();
    let db = &w.app.db;

    let refused = db.write(|tx: &mut Tx<'_>| -> Result<(), WriteError> {
        tx.put(location("a", "x"), Precondition::None)?;
        Err(WriteError::Conflict { code: "test" })
    });
    let (refused, kept) = tokio::join!(
        refused,
        db.write(|tx| tx.put(location("b", "y"), Precondition::None))
    );

    assert!(matches!(refused, Err(WriteError::Conflict { .. })));
    assert_eq!(kept.expect("kept").seq, 1);
    let gone: Option<Stored> = db.read(|r| r.get("Location", "a")).await.expect("read");
    assert!(gone.is_none());
}

#[tokio::test]
async fn a_panic_in_one_change_does_not_stop_the_writer() {
    let w = World::new();

    let panicked = w
        .app
        .db
        .write(|_: &mut Tx<'_>| -> Result<(), WriteError> { panic!("on purpose") })
        .await;
    let after = w
        .app
        .db
        .write(|tx| tx.put(location("a", "x"), Precondition::None))
        .await;

    assert!(panicked.is_err());
    assert!(after.is_ok());
}

#[tokio::test]
async fn preconditions_hold_versions_count_and_history_stays() {
    let w = World::new();
    let put = |name: &'static str, p: Precondition| w.app.db.write(move |tx| tx.put(location("a", name), p));

    let first = put("one", Precondition::Absent).await.expect("create");
    assert_eq!((first.version, first.created), (1, true));
    assert!(matches!(
        put("x", Precondition::Absent).await,
        Err(WriteError::Precondition { current: 1 })
    ));
    assert!(matches!(
        put("x", Precondition::Version(2)).await,
        Err(WriteError::Precondition { current: 1 })
    ));
    let second = put("two", Precondition::Version(1)).await.expect("update");
    assert_eq!((second.version, second.created), (2, false));
    let deleted = w
        .app
        .db
        .write(|tx| tx.delete("Location", "a", None))
        .await
        .expect("delete")
        .expect("was there");
    assert_eq!(deleted.version, 3);
    let again = put("three", Precondition::None).await.expect("create again");
    assert_eq!((again.version, again.created), (4, true));

    let body: Value = serde_json::from_str(&again.body).expect("json");
    assert_eq!(body["meta"]["versionId"], "4");
    let history = w
        .app
        .db
        .read(|r| {
            hms_server::db::sqlite::table::version::history(
                r.conn(),
                &hms_server::db::sqlite::table::version::HistoryQuery {
                    kind: Some("Location".to_owned()),
                    id: Some("a".to_owned()),
                    limit: 10,
                    ..Default::default()
                },
            )
        })
        .await
        .expect("history");
    let methods: Vec<&str> = history.iter().map(|(_, m)| m.as_str()).collect();
    assert_eq!(methods, ["POST", "DELETE", "PUT", "POST"]);
}

struct NumberReports;
impl hms_server::db::Hook for NumberReports {
    fn stored(&self, tx: &mut Tx<'_>, put: &Put, _: &Value, _: Option<&Stored>) -> Result<(), WriteError> {
        if put.kind == "Location" && put.id == "refuse" {
            return Err(WriteError::Denied);
        }
        if put.kind == "Location" {
            let number = tx.next_number("receipt", 4821)?;
            let note = json!({"resourceType": "Organization", "id": format!("HMS-{number}"), "name": "x"});
            tx.put(Prepared::new(note)?, Precondition::Absent)?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_hook_belongs_to_the_change_and_its_refusal_undoes_it() {
    let w = World::new();
    w.app.db.add_hook(Arc::new(NumberReports));

    w.app
        .db
        .write(|tx| tx.put(location("a", "x"), Precondition::None))
        .await
        .expect("put");
    let refused = w
        .app
        .db
        .write(|tx| tx.put(location("refuse", "x"), Precondition::None))
        .await;

    assert!(matches!(refused, Err(WriteError::Denied)));
    assert!(w
        .app
        .db
        .read(|r| r.get("Organization", "HMS-4821"))
        .await
        .expect("read")
        .is_some());
    assert!(w
        .app
        .db
        .read(|r| r.get("Location", "refuse"))
        .await
        .expect("read")
        .is_none());
}

#[tokio::test]
async fn the_file_is_not_readable_without_its_key() {
    let w = World::new();
    w.app
        .db
        .write(|tx| tx.put(location("canary-7f3a", "canary-7f3a"), Precondition::None))
        .await
        .expect("put");

    for name in ["ach.db", "ach.db-wal"] {
        let bytes = std::fs::read(w.dir.root().join(name)).expect("file");
        assert!(!bytes.windows(11).any(|at| at == b"canary-7f3a"), "{name}");
        assert!(!bytes.starts_with(b"SQLite format 3"), "{name}");
    }
}
