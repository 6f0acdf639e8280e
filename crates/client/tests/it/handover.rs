//! Unsent work as a file: written where there is no network, taken in at a desk, stored once whichever way it comes.

use hms_client::Client;
use hms_model::form::ReportStepForm;
use hms_model::view::{ErrorCode, TakenInView};

use crate::world::{fill_in, photo, sign_in, until, World, PASSPHRASE};

const WORDS: &str = "It came out from under the porch.";

async fn report(phone: &Client) -> String {
    let draft = fill_in(phone).await;
    let note = ReportStepForm::Note {
        text: Some(WORDS.into()),
    };
    phone.report_step(draft.clone(), note).await.expect("kept");
    photo(phone, &draft).await;
    phone.report_send(draft).await.expect("queued").id
}

/// How often each resource of a type was stored: its version.
async fn versions(world: &World, kind: &'static str) -> Vec<i64> {
    let server = world.server.as_ref().expect("a server");
    let read = server.app.db.read(move |read| {
        let rows = hms_server::db::sqlite::table::feed::after(read.conn(), 0, 100_000)?;
        let of_kind = rows
            .into_iter()
            .filter(|row| row.kind == kind && row.seq == row.current);
        of_kind
            .map(|row| {
                let stored = hms_server::db::sqlite::table::resource::get(read.conn(), kind, &row.id)?;
                Ok(stored.map_or(0, |stored| stored.version))
            })
            .collect::<Result<Vec<i64>, hms_server::db::DbError>>()
    });
    read.await.expect("a read")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_could_not_send_a_desk_takes_in_and_it_is_stored_once() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let nora = world.person("nora").await;
    let ada = world.person("ada").await;
    let nothing = dana.hand_over().await;
    assert_eq!(nothing.expect_err("nothing waits").code, ErrorCode::NotFound);
    let reports = versions(&world, "QuestionnaireResponse").await.len();
    let photos = versions(&world, "Binary").await.len();
    let address = world.stop_server().await;
    let first = report(&dana).await;
    dana.lock().await.expect("locked");
    let second = report(&dana).await;
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);

    let file = dana.hand_over().await.expect("written");
    let text = std::fs::read_to_string(&file.path).expect("the file");
    assert!(
        !text.contains("porch") && !text.contains(&base64_of("porch")),
        "nobody on the way reads it"
    );
    // Only the file brings them: the phone stays where it is.
    dana.shutdown().await;
    world.start_server(&address).await;

    let taken = until(&nora, async || nora.take_in(text.clone()).await.ok()).await;
    assert_eq!((taken.known, taken.refused), (0, 0), "{taken:?}");
    assert_eq!(taken.taken, file.entries);
    for id in [&first, &second] {
        let chart = until(&ada, async || {
            ada.sync_now().await.expect("syncs");
            let chart = ada.chart(format!("review-{id}")).await;
            let chart = chart.ok()?;
            let report = chart.report.as_ref()?;
            (report.photos.len() == 1).then_some(chart)
        })
        .await;
        assert_eq!(chart.name, "Dana Reyes", "the phone was hers");
        assert_eq!(chart.report.and_then(|r| r.note).as_deref(), Some(WORDS));
    }

    let again = nora.take_in(text.clone()).await.expect("taken in");
    assert_eq!((again.taken, again.known), (0, file.entries), "once is enough");
    let dana = profile.start().await;
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    until(&dana, async || {
        dana.sync_now().await.expect("syncs");
        dana.outbox().await.expect("outbox").is_empty().then_some(())
    })
    .await;
    let stored = versions(&world, "QuestionnaireResponse").await;
    assert_eq!(stored.len(), reports + 2, "each report once");
    assert_eq!(
        versions(&world, "Binary").await.len(),
        photos + 2,
        "each photo once"
    );
    for client in [dana, nora, ada] {
        client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_or_of_another_server_is_refused_in_words() {
    let world = World::new().await;
    let nora = world.person("nora").await;
    for text in ["", "{}", "[1]", r#"{"format":"other","made":"","entries":[]}"#] {
        let refused = nora.take_in(text.to_owned()).await;
        assert_eq!(
            refused.expect_err("no such file").code,
            ErrorCode::BadFile,
            "{text}"
        );
    }
    let strange = r#"{"format":"hms-ach hand-over 1","made":"2026-11-22T10:00:00Z","entries":[
        {"id":"strange-1","enc":"AAAA","ciphertext":"AAAA"}]}"#;
    let taken = nora.take_in(strange.to_owned()).await.expect("an answer");
    let none = TakenInView {
        refused: 1,
        ..TakenInView::default()
    };
    assert_eq!(taken, none);
    nora.shutdown().await;
}

fn base64_of(word: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(word)
}
