//! The server is put back to a backup from before a report: the phone brings the report again, and its photo.

use base64::Engine as _;
use hms_client::Client;
use hms_model::view::SendState;
use hms_server::db::{DbError, Tx};
use hms_server::service::sync;

use crate::world::{fill_in, sign_in, until, World};

async fn report_with_photo(dana: &Client) -> String {
    let draft = fill_in(dana).await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(40, 30)
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("png");
    let base64 = base64::engine::general_purpose::STANDARD.encode(png.into_inner());
    dana.report_attach(draft.clone(), "image/png".into(), base64)
        .await
        .expect("kept");
    dana.report_send(draft).await.expect("sent").id
}

async fn photo_is_sent(dana: &Client, report: &str) {
    until(dana, async || {
        let _tried = dana.sync_now().await;
        let found = dana.report(report.to_owned()).await.expect("there");
        let sent = |state: &SendState| matches!(state, SendState::Sent { .. });
        (sent(&found.send) && sent(&found.attachments[0].send)).then_some(())
    })
    .await;
}

async fn photos_at(world: &World) -> usize {
    let server = world.server.as_ref().expect("a server");
    let found: Result<usize, DbError> = server
        .app
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
    photo_is_sent(&dana, &report).await;
    assert_eq!(photos_at(&world).await, before + 1);

    // Back to before the report, as the command does it: another file, and a new epoch.
    let address = world.stop_server().await;
    let data = world.dir.path().join("server");
    for name in ["ach.db-wal", "ach.db-shm"] {
        let _gone = std::fs::remove_file(data.join(name));
    }
    std::fs::copy(&backup, data.join("ach.db")).expect("puts back");
    world.start_server(&address).await;
    let server = world.server.as_ref().expect("a server");
    let renewed: Result<String, DbError> = server.app.db.write(|tx: &mut Tx<'_>| sync::renew_epoch(tx)).await;
    renewed.expect("a new epoch");
    assert_eq!(photos_at(&world).await, before);

    until(&dana, async || {
        let _tried = dana.sync_now().await;
        (photos_at(&world).await == before + 1).then_some(())
    })
    .await;
    photo_is_sent(&dana, &report).await;
    assert_eq!(photos_at(&world).await, before + 1, "once");
    dana.shutdown().await;
}
