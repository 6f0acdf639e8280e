use crate::world::World;
use hms_server::audit::{verify, AuditAction, AuditAgent, AuditEntry, Fault, Verdict};
use hms_server::db::{DbError, Tx};
use std::fmt::Write;

async fn ten_accesses() -> World {
    let w = World::new();
    for n in 0..10 {
        let entry = AuditEntry {
            action: AuditAction::Read,
            subtype: "read",
            ok: true,
            agent: AuditAgent::service(),
            patient: Some("dana".to_owned()),
            entity: Some(format!("Observation/{n}")),
            count: None,
        };
        w.app
            .db
            .write(move |tx: &mut Tx<'_>| tx.audit(&entry))
            .await
            .expect("audit");
    }
    w
}

/// Opens the file as an attacker who has the key would.
fn tamper(w: &World, sql: &str) {
    let key = w.dir.db_key().expect("key");
    let mut hex = String::new();
    for byte in key.expose() {
        write!(hex, "{byte:02x}").expect("write");
    }
    let conn = rusqlite::Connection::open(w.dir.database()).expect("open");
    conn.pragma_update(None, "key", format!("x'{hex}'")).expect("key");
    conn.execute_batch(sql).expect("tamper");
}

fn verdict(w: &World) -> Verdict {
    w.app
        .db
        .read_blocking(|r| -> Result<Verdict, DbError> { verify(r.conn()) })
        .expect("verify")
}

async fn broken_by(sql: &str) -> Verdict {
    let w = ten_accesses().await;
    assert_eq!(verdict(&w), Verdict::Intact { rows: 10 });
    tamper(&w, sql);
    verdict(&w)
}

#[tokio::test]
async fn a_flipped_byte_is_named_by_its_row() {
    let flip = "UPDATE audit SET body = replace(body, 'Observation/3', 'Observation/4') WHERE idx = 4";
    assert_eq!(
        broken_by(flip).await,
        Verdict::Broken {
            index: 4,
            fault: Fault::Changed
        }
    );
    let hash = "UPDATE audit SET hash = zeroblob(32) WHERE idx = 7";
    assert_eq!(
        broken_by(hash).await,
        Verdict::Broken {
            index: 7,
            fault: Fault::Changed
        }
    );
}

#[tokio::test]
async fn a_dropped_row_is_named() {
    assert_eq!(
        broken_by("DELETE FROM audit WHERE idx = 5").await,
        Verdict::Broken {
            index: 5,
            fault: Fault::Missing
        }
    );
    let hidden = "DELETE FROM audit WHERE idx = 5; UPDATE audit SET idx = idx - 1 WHERE idx > 5";
    assert_eq!(
        broken_by(hidden).await,
        Verdict::Broken {
            index: 5,
            fault: Fault::Changed
        }
    );
}

#[tokio::test]
async fn two_rows_that_changed_places_are_named_by_the_first() {
    let swap = "UPDATE audit SET idx = 99 WHERE idx = 2; UPDATE audit SET idx = 2 WHERE idx = 3; UPDATE audit SET idx = 3 WHERE idx = 99";
    assert_eq!(
        broken_by(swap).await,
        Verdict::Broken {
            index: 2,
            fault: Fault::Changed
        }
    );
}

#[tokio::test]
async fn a_removed_end_is_noticed() {
    assert_eq!(
        broken_by("DELETE FROM audit WHERE idx > 8").await,
        Verdict::Broken {
            index: 9,
            fault: Fault::Truncated
        }
    );
}
