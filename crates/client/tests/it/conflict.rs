//! One person, two devices, one note: what cannot be merged is settled by the person, either way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use hms_client::Client;
use hms_model::form::KeepForm;
use hms_model::view::{ErrorCode, VersionView};

use crate::proxy::{Fate, Proxy};
use crate::world::{report_bite, sign_in, until, World};

async fn note_of(desk: &Client, task: &str) -> String {
    let _ = desk.sync_now().await;
    desk.chart(task.to_owned()).await.expect("the chart").note.text
}

fn words(version: &Option<VersionView>) -> Option<&str> {
    version.as_ref()?.words.as_deref()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_written_on_two_desks_is_settled_by_keeping_one_of_them() {
    for keep in [KeepForm::Mine, KeepForm::Theirs] {
        let world = World::new().await;
        let dana = world.person("dana").await;
        let one = world.person("ada").await;
        let mut second = world.profile("ada-at-home");
        let direct = second.server.clone();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = Arc::clone(&cut);
        let proxy = Proxy::before(&direct, move |request| {
            match request.line.contains("$hms-sync ") && is_cut.load(Ordering::SeqCst) {
                true => Fate::Answer(503),
                false => Fate::Pass,
            }
        })
        .await;
        second.server = proxy.provisioning(&direct);
        let two = second.start().await;
        sign_in(&two, &second, "ada").await;
        report_bite(&dana).await;
        dana.sync_now().await.expect("syncs");
        let mut task = String::new();
        for desk in [&one, &two] {
            task = until(desk, async || {
                let queue = desk.queue().await.expect("the queue");
                let item = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
                Some(item.task)
            })
            .await;
        }
        one.queue_claim(task.clone()).await.expect("claimed");
        one.note_save(task.clone(), "Two punctures.".into())
            .await
            .expect("kept");
        until(&two, async || {
            (note_of(&two, &task).await == "Two punctures.").then_some(())
        })
        .await;

        cut.store(true, Ordering::SeqCst);
        two.note_save(task.clone(), "Two punctures, red.".into())
            .await
            .expect("kept");
        one.note_save(task.clone(), "Two punctures, clean.".into())
            .await
            .expect("kept");
        one.sync_now().await.expect("syncs");
        cut.store(false, Ordering::SeqCst);

        let found = until(&two, async || {
            two.sync_now().await.expect("syncs");
            two.conflicts().await.expect("conflicts").into_iter().next()
        })
        .await;
        assert_eq!(found.kind, "note");
        assert_eq!(words(&found.mine), Some("Two punctures, red."));
        assert_eq!(words(&found.theirs), Some("Two punctures, clean."));

        let settled = found.id.clone();
        let left = two
            .conflict_settle(found.id.clone(), keep)
            .await
            .expect("settled");
        assert_eq!(left, []);
        let again = two.conflict_settle(found.id, keep).await;
        assert_eq!(again.expect_err("it is settled").code, ErrorCode::NotFound);

        let expected = match keep {
            KeepForm::Mine => "Two punctures, red.",
            KeepForm::Theirs => "Two punctures, clean.",
        };
        for desk in [&two, &one] {
            until(desk, async || {
                (note_of(desk, &task).await == expected).then_some(())
            })
            .await;
            assert_eq!(desk.outbox().await.expect("outbox"), []);
        }
        // Who settled it, how, and over which version, is a record of its own.
        let said = world.stored("Provenance").await;
        assert_eq!(said.len(), 1, "{said:?}");
        let code = match keep {
            KeepForm::Mine => "conflict-keep-mine",
            KeepForm::Theirs => "conflict-keep-theirs",
        };
        assert_eq!(said[0]["activity"]["coding"][0]["code"], code);
        assert_eq!(said[0]["target"][0]["reference"], settled.as_str());
        let seen = said[0]["entity"][0]["what"]["reference"]
            .as_str()
            .expect("a version");
        assert!(seen.starts_with(&format!("{settled}/_history/")), "{seen}");
        for client in [dana, one, two] {
            client.shutdown().await;
        }
    }
}
