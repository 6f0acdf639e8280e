//! The server is put back to a backup from before a report: the phone brings the report again, and its photo.

use hms_client::Client;
use hms_server::app::App;
use hms_server::data_dir::DataDir;
use hms_server::db::{DbError, Tx};
use hms_server::service::sync;

use crate::world::{fill_in, photo, sign_in, sync_until_sent, until, World};

async fn report_with_photo(dana: &Client) -> String {
    let draft = fill_in(dana).await;
    photo(dana, &draft).await;
    dana.report_send(draft).await.expect("sent").id
}

/// Every version counts: what comes twice must not become one.
async fn photos_at(world: &World) -> usize {
    photos_in(&world.server.as_ref().expect("a server").app).await
}

async fn photos_in(app: &App) -> usize {
    let found: Result<usize, DbError> = app
        .db
        .read(|read| {
            let rows = hms_server::db::sqlite::table::feed::after(read.conn(), 0, 1_000_000)?;
            Ok(rows
                .iter()
                .filter(|row| row.kind == "Binary" && !row.deleted)
                .count())
        })
        .await;
    found.expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_put_back_gets_its_photos_again() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");
    let before = photos_at(&world).await;
    let server = world.server.as_ref().expect("a server");
    let backup = world.dir.path().join("backup.db");
    server.app.db.copy_to(&backup).expect("copies");
    let report = report_with_photo(&dana).await;
    sync_until_sent(&dana, &report).await;
    assert_eq!(photos_at(&world).await, before + 1);

    // Back to before the report, as the command does it.
    let address = world.stop_server().await;
    let data = world.dir.path().join("server");
    for name in ["ach.db-wal", "ach.db-shm"] {
        let _gone = std::fs::remove_file(data.join(name));
    }
    // Another file, not its bytes: what of the old server is still closing must not write into it.
    std::fs::rename(&backup, data.join("ach.db")).expect("puts back");
    {
        // Before it serves, as the command does: a phone that asks in between is told of no restore.
        let dir = DataDir::open(&data).expect("the folder");
        let app = App::open(&dir, hms_server::clock::Clock::System).expect("opens");
        let renewed: Result<String, DbError> = app.db.write(|tx: &mut Tx<'_>| sync::renew_epoch(tx)).await;
        renewed.expect("a new epoch");
        assert_eq!(photos_in(&app).await, before);
    }
    world.start_server(&address).await;

    until(&dana, async || {
        let _tried = dana.sync_now().await;
        (photos_at(&world).await == before + 1).then_some(())
    })
    .await;
    sync_until_sent(&dana, &report).await;
    assert_eq!(photos_at(&world).await, before + 1, "once");
    dana.shutdown().await;
}
