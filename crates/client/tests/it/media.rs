//! Photos and recordings of a report: one copy of each, the app's own, and what a link that costs money carries.

use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::Client;
use hms_model::view::{ErrorCode, SendState};

use crate::cutter::{Cutter, Each};
use crate::uploads::{assert_stored_once, phone_behind, report_with, stored, until_all_is_sent, Dice};
use crate::world::{fill_in, png, until, until_sent, World};

async fn line(world: &World, pause_ms: u64) -> Cutter {
    let pause = Duration::from_millis(pause_ms);
    Cutter::before(&world.provisioning(), Each::Cut, Vec::new(), pause).await
}

/// What the person is told of: large, and the link costs.
async fn waiting_for_free_link(phone: &Client) -> Vec<String> {
    let waits = |send: &SendState| {
        matches!(
            send,
            SendState::Queued {
                waits_for_free_link: true,
                ..
            }
        )
    };
    let all = phone.outbox().await.expect("asked");
    all.into_iter()
        .filter(|item| waits(&item.send))
        .map(|item| item.id)
        .collect()
}

/// Bytes that have passed, once no more do: the piece on its way ends first.
async fn at_rest(cutter: &Cutter) -> u64 {
    loop {
        let before = cutter.seen().pieces;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if cutter.seen().pieces == before {
            return before;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_photo_twice_in_one_report_is_kept_and_sent_once() {
    let world = World::new().await;
    let cutter = line(&world, 0).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    let (one, other) = (Dice(1).recording(50_000), Dice(2).recording(50_000));

    let (report, ids) = report_with(&phone, &[one.clone(), other.clone(), one.clone()]).await;

    assert_eq!(ids.len(), 2, "{ids:?}");
    until_all_is_sent(&phone).await;
    assert_stored_once(&world, &ids[0], &one).await;
    assert_stored_once(&world, &ids[1], &other).await;
    let shown = phone.report(report).await.expect("there").attachments;
    assert_eq!(shown.len(), 2);
    let begun = cutter
        .seen()
        .lines
        .iter()
        .filter(|l| l.starts_with("POST"))
        .count();
    assert_eq!(begun, 2);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_is_deleted_from_the_gallery_while_it_goes_up_arrives_whole() {
    let world = World::new().await;
    let cutter = line(&world, 4).await;
    let (phone, profile) = phone_behind(&world, "dana", &cutter).await;
    let gallery = profile.dir.join("gallery");
    std::fs::create_dir(&gallery).expect("a folder");
    let source = gallery.join("recording.ogg");
    let file = Dice(3).recording(1_000_000);
    std::fs::write(&source, &file).expect("writes");
    let draft = fill_in(&phone).await;
    let picked = STANDARD.encode(std::fs::read(&source).expect("reads"));
    let form = phone
        .report_attach(draft.clone(), "audio/ogg".into(), picked)
        .await;
    let id = form.expect("kept").attachments[0].id.clone();
    phone.report_send(draft).await.expect("sent");
    until(&phone, async || (cutter.seen().pieces > 200_000).then_some(())).await;

    std::fs::remove_dir_all(&gallery).expect("deletes");

    assert!(stored(&world, &id).await.is_none(), "it is on its way still");
    until_all_is_sent(&phone).await;
    assert_stored_once(&world, &id, &file).await;
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_link_that_costs_only_large_files_wait_until_it_is_free_or_the_person_says_so() {
    let world = World::new().await;
    let cutter = line(&world, 0).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    phone.set_link_metered(Some(true)).await.expect("noted");
    let files = [1_200_000, 200_000, 1_300_000].map(|size| Dice(size as u64).recording(size));

    let (report, ids) = report_with(&phone, &files).await;

    until_sent(&phone, &report).await;
    until(&phone, async || stored(&world, &ids[1]).await).await;
    assert_eq!(
        waiting_for_free_link(&phone).await,
        [ids[0].clone(), ids[2].clone()]
    );
    let copy = phone.report(report).await.expect("there");
    let told = copy.attachments.iter().filter(|file| {
        matches!(
            file.send,
            SendState::Queued {
                waits_for_free_link: true,
                ..
            }
        )
    });
    assert_eq!(told.count(), 2);
    // Another report, and being asked to sync, change nothing of that.
    let (second, small) = report_with(&phone, &[Dice(9).recording(900_000)]).await;
    until_sent(&phone, &second).await;
    until(&phone, async || stored(&world, &small[0]).await).await;
    phone.sync_now().await.expect("syncs");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(stored(&world, &ids[0]).await.is_none());

    phone.send_file_now(ids[0].clone()).await.expect("noted");
    until(&phone, async || stored(&world, &ids[0]).await).await;
    assert!(stored(&world, &ids[2]).await.is_none());
    let nothing = phone.send_file_now("none".into()).await;
    assert_eq!(nothing.expect_err("not there").code, ErrorCode::NotFound);

    phone.set_link_metered(Some(false)).await.expect("noted");
    until_all_is_sent(&phone).await;
    for (id, file) in ids.iter().zip(&files) {
        assert_stored_once(&world, id, file).await;
    }
    assert!(waiting_for_free_link(&phone).await.is_empty());
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_on_its_way_stops_where_the_link_begins_to_cost_and_goes_on_where_it_was() {
    let world = World::new().await;
    let cutter = line(&world, 4).await;
    let (phone, profile) = phone_behind(&world, "dana", &cutter).await;
    let file = Dice(5).recording(3_000_000);
    let (_report, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    until(&phone, async || (cutter.seen().pieces > 300_000).then_some(())).await;

    // The system knows nothing of this link; the person does, and it holds for the next start too.
    let view = phone.mark_link_costly(true).await.expect("noted");
    assert!(view.link_marked_costly && !view.link_said_to_cost);

    until(&phone, async || {
        (waiting_for_free_link(&phone).await == ids).then_some(())
    })
    .await;
    let then = at_rest(&cutter).await;
    phone.set_link_metered(Some(false)).await.expect("noted");
    phone.sync_now().await.expect("syncs");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(cutter.seen().pieces, then, "the person's word stands");
    assert!(stored(&world, &ids[0]).await.is_none());
    let kept = std::fs::read_to_string(profile.dir.join("device.json")).expect("settings");
    assert!(kept.contains("\"link_costs\": true"), "{kept}");

    phone.mark_link_costly(false).await.expect("noted");
    until_all_is_sent(&phone).await;
    assert_stored_once(&world, &ids[0], &file).await;
    let begun = cutter
        .seen()
        .lines
        .iter()
        .filter(|l| l.starts_with("POST"))
        .count();
    assert_eq!(begun, 1, "it went on where it was");
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_50_mb_is_refused_with_a_word_and_the_report_goes_without_it() {
    let world = World::new().await;
    let cutter = line(&world, 0).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    let draft = fill_in(&phone).await;
    let huge = STANDARD.encode(vec![7; 50 * 1024 * 1024]);

    for kind in ["image/jpeg", "audio/ogg"] {
        let refused = phone
            .report_attach(draft.clone(), kind.into(), huge.clone())
            .await;
        assert_eq!(refused.expect_err("too large").code, ErrorCode::BadFile);
    }

    let sent = phone.report_send(draft).await.expect("sent");
    until_sent(&phone, &sent.id).await;
    assert!(sent.attachments.is_empty());
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_sees_a_small_picture_until_the_photo_itself_is_there() {
    let world = World::new().await;
    let cutter = line(&world, 0).await;
    let (phone, _profile) = phone_behind(&world, "dana", &cutter).await;
    // The words pass, bytes of photos do not.
    cutter.close();
    let noise = image::RgbImage::from_fn(900, 600, |x, y| {
        image::Rgb([(x * y % 251) as u8, (x ^ y) as u8, (x * 7 + y * 13) as u8])
    });
    let draft = fill_in(&phone).await;
    let form = phone
        .report_attach(draft.clone(), "image/png".into(), png(&noise))
        .await;
    let id = form.expect("kept").attachments[0].id.clone();
    let report = phone.report_send(draft).await.expect("sent").id;
    until_sent(&phone, &report).await;

    let ada = world.person("ada").await;
    let seen = async || {
        let seen = ada.attachment(id.clone()).await.ok()?;
        let bytes = STANDARD.decode(seen.base64).expect("base64");
        let width = image::load_from_memory(&bytes).expect("a picture").width();
        Some((width, bytes.len()))
    };
    let (width, size) = until(&ada, seen).await;

    assert!(width <= 320 && size <= 30_000, "{width} wide, {size} bytes");
    assert!(stored(&world, &id).await.is_none());
    cutter.open();
    until(&ada, async || {
        phone.sync_now().await.expect("syncs");
        seen().await.filter(|(width, _)| *width == 900)
    })
    .await;
    phone.shutdown().await;
    ada.shutdown().await;
}
