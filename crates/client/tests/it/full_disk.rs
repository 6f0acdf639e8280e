//! A disk that is really full, under the whole app: words still save, photos do not, and the person reads so.

use hms_client::{Client, ClientError};
use hms_model::form::ReportStepForm;
use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};
use hms_model::view::{DraftView, ErrorCode, ReportView, SendState, StorageProblem};

use crate::small_disk::SmallDisk;
use crate::words::words;
use crate::world::{png, sign_in, until, Profile, World, PASSPHRASE};

const MEGABYTES: u32 = 32;

/// A phone that is signed in, on a disk of its own, with the server gone.
async fn phone_on_a_small_disk() -> Option<(World, SmallDisk, Profile, Client, String)> {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let disk = SmallDisk::mount(MEGABYTES, &profile.dir)?;
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("syncs");
    let address = world.stop_server().await;
    Some((world, disk, profile, phone, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_reports_save_from_the_reserve_and_the_app_opens_again() {
    let Some((mut world, disk, profile, mut phone, address)) = phone_on_a_small_disk().await else {
        return;
    };
    disk.fill(0);
    let mut saved: Vec<String> = Vec::new();
    for n in 0..12 {
        let note = format!("note number {n} {}", "of many words ".repeat(40));
        let sent = report(&phone, &note, &mut None, || {})
            .await
            .expect("words save from the reserve");
        saved.push(sent.id);
        if n % 4 == 3 {
            phone.shutdown().await;
            phone = profile.start().await;
            let open = phone
                .unlock(PASSPHRASE.into())
                .await
                .expect("opens on a full disk");
            assert!(open.open);
        }
    }
    let app = phone.app_state().await.expect("state");
    assert_eq!(app.storage, Some(StorageProblem::Full));
    assert!(words("storage.full").starts_with("This phone is full. Words still save."));

    let draft = phone.report_start(None).await.expect("a form").id;
    let photo = noise(900, 900);
    let refused = phone
        .report_attach(draft.clone(), "image/png".into(), photo.clone())
        .await;
    assert_eq!(
        refused.expect_err("no room for a photo").code,
        ErrorCode::DiskFull
    );
    assert_eq!(words("error.disk_full.what"), "This phone is full.");
    assert_eq!(
        words("error.disk_full.now"),
        "Your words are saved. Free some space to add photos."
    );
    assert_eq!(phone.reports().await.expect("reports").len(), saved.len());

    // With space again, the photo is taken, the notice goes, and everything arrives, once.
    disk.clear();
    let form = phone
        .report_attach(draft.clone(), "image/png".into(), photo)
        .await;
    assert_eq!(form.expect("kept").attachments.len(), 1);
    phone.report_discard(draft).await.expect("thrown away");
    world.start_server(&address).await;
    all_arrive(&phone, &saved).await;
    assert_eq!(phone.app_state().await.expect("state").storage, None);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_disk_fills_up_nothing_that_was_said_to_be_saved_is_lost() {
    let Some((mut world, disk, profile, mut phone, address)) = phone_on_a_small_disk().await else {
        return;
    };
    let (mut saved, mut refused, mut kept) = (Vec::new(), 0_u32, None);
    for n in 0..24_u64 {
        // Room for a little, another little each time and before each write; what the reserve gave is taken, too.
        let mut spare = n * 9_000;
        let fill = || {
            disk.fill(spare);
            spare = (spare * 5 + 6_113) % 190_000;
        };
        match report(&phone, &format!("note number {n}"), &mut kept, fill).await {
            Ok(sent) => saved.push(sent.id),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::DiskFull, "{error:?}");
                refused += 1;
            }
        }
        if n % 6 == 5 {
            phone.shutdown().await;
            phone = profile.start().await;
            let open = phone
                .unlock(PASSPHRASE.into())
                .await
                .expect("opens on a full disk");
            assert!(open.open);
            if let Some(kept) = &kept {
                let form = phone
                    .report_draft()
                    .await
                    .expect("looks")
                    .expect("the form goes on");
                assert_eq!(answers(&form), answers(kept), "round {n}");
            }
        }
        let there: Vec<String> = phone
            .reports()
            .await
            .expect("reads go on")
            .into_iter()
            .map(|r| r.id)
            .collect();
        let lost: Vec<_> = saved.iter().filter(|id| !there.contains(id)).collect();
        assert!(lost.is_empty(), "round {n}: {lost:?} lost of {saved:?}");
    }
    println!("{} saved, {refused} refused", saved.len());
    assert!(
        !saved.is_empty() && refused > 0,
        "{} saved, {refused} refused",
        saved.len()
    );

    disk.clear();
    let after = report(&phone, "with room again", &mut None, || {})
        .await
        .expect("saves");
    saved.push(after.id);
    world.start_server(&address).await;
    all_arrive(&phone, &saved).await;
    phone.shutdown().await;
}

/// Every report gets its receipt, and no two have the same.
async fn all_arrive(phone: &Client, saved: &[String]) {
    let reports = until(phone, async || {
        phone.sync_now().await.expect("syncs");
        let reports = phone.reports().await.expect("reports");
        let all = reports.iter().all(|r| matches!(r.send, SendState::Sent { .. }));
        all.then_some(reports)
    })
    .await;
    let mut numbers: Vec<String> = reports
        .iter()
        .filter_map(|r| match &r.send {
            SendState::Sent { number, .. } => Some(number.clone()),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), reports.len());
    for id in saved {
        assert!(reports.iter().any(|r| r.id == *id), "{id}");
    }
}

fn answers(form: &DraftView) -> impl PartialEq + std::fmt::Debug + use<'_> {
    (&form.id, form.safe, form.what, &form.places, &form.note)
}

/// Fills in and sends a report; `before` runs before each write, `last` is what was said to be kept.
async fn report(
    phone: &Client,
    note: &str,
    last: &mut Option<DraftView>,
    mut before: impl FnMut(),
) -> Result<ReportView, ClientError> {
    before();
    let draft = phone.report_start(None).await?.id;
    let hand = HurtPlace {
        part: BodyPart::Hand,
        side: Side::Left,
    };
    for step in [
        ReportStepForm::Safe { value: SafeNow::Safe },
        ReportStepForm::What {
            value: WhatHappened::Animal,
        },
        ReportStepForm::Where { value: vec![hand] },
        ReportStepForm::Note {
            text: Some(note.into()),
        },
    ] {
        before();
        let kept = phone.report_step(draft.clone(), step).await?;
        let seen = phone.report_draft().await?.expect("the form");
        assert_eq!(kept, seen);
        *last = Some(kept);
    }
    before();
    let sent = phone.report_send(draft).await?;
    *last = None;
    assert_eq!(sent.note.as_deref(), Some(note.trim()));
    Ok(sent)
}

/// A picture that does not get small.
fn noise(width: u32, height: u32) -> String {
    let mut dice = 7_u32;
    let picture = image::RgbImage::from_fn(width, height, |_, _| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(dice >> 8) as u8, (dice >> 16) as u8, (dice >> 24) as u8])
    });
    png(&picture)
}
