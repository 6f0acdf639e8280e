//! Power cuts in the middle of exchanges with the real server: what the disk holds at each moment is opened, and goes on.
//! Nothing stands twice at the server, nothing is stuck, what was promised is read and has its receipt, and what is
//! reported then gets a number of its own.

use crate::device::Device;
use crate::district::{self, name};
use crate::link::Weather;
use crate::replay::{describe, Cut, Disk};
use crate::server::Server;
use crate::{folder_of, in_memory, shim};
use hms_model::map::task::Priority;
use hms_model::time::Timestamp;

const NOW: Timestamp = Timestamp(district::NOON);

async fn report(phone: &mut Device, id: &str) {
    let report = district::bite(id, Some(phone.who));
    let review = district::review(id, Some(phone.who), Priority::Urgent);
    phone.save(vec![report, review], NOW).await;
}

/// Opens the store on other files: what a power cut has left.
async fn wake_up_on(phone: &mut Device, dir: tempfile::TempDir) {
    let before = std::mem::replace(&mut phone.dir, dir);
    phone.restart(NOW, 7).await;
    drop(before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_anywhere_in_an_exchange_doubles_nothing_and_holds_nothing_up() {
    let _alone = shim::alone().await;
    let dir = in_memory();
    shim::begin(dir.path());
    let mut server = Server::new().await;
    let mut phone = Device::new_in(&server, "dana", "vfs", 1, dir).await;
    // What was promised, and how much had been written by then.
    let mut promised: Vec<(usize, String)> = Vec::new();
    assert!(phone.exchange_in(&mut server, NOW, Weather::Fair).await);
    for (n, weather) in [
        Weather::AnswerCut(150),
        Weather::AnswerCut(700),
        Weather::RequestCut(900),
        Weather::NoSignal,
        Weather::Fair,
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("r-{n}");
        report(&mut phone, &id).await;
        // Something comes down, too.
        server.put(district::bite(&format!("s-{n}"), Some("dana"))).await;
        promised.push((shim::length(), id));
        phone.exchange_in(&mut server, NOW, weather).await;
        assert!(phone.exchange_in(&mut server, NOW, Weather::Fair).await);
    }
    // Closed, and opened on what each moment left.
    wake_up_on(&mut phone, in_memory()).await;
    let events = shim::end();

    let stride = if std::env::var_os("HMS_DEEP").is_some() {
        1
    } else {
        7
    };
    let (mut disk, mut opened) = (Disk::default(), 0);
    let mut last: Option<Vec<(String, Vec<u8>)>> = None;
    for (n, event) in events.iter().enumerate() {
        disk.take(event);
        if n % stride != 0 {
            continue;
        }
        for cut in Cut::at(n) {
            let image = disk.image(cut);
            if last.as_ref() == Some(&image) {
                continue;
            }
            wake_up_on(&mut phone, folder_of(&image)).await;
            opened += 1;
            let at = format!("event {n} ({}), {cut:?}", describe(event));

            assert!(
                phone.exchange_in(&mut server, NOW, Weather::Fair).await,
                "{at}: stuck"
            );
            assert!(
                phone.exchange_in(&mut server, NOW, Weather::Fair).await,
                "{at}: stuck"
            );

            let outbox = phone.store().outbox().await.expect("outbox");
            assert!(outbox.is_empty(), "{at}: {outbox:?}");
            let written = promised.iter().filter(|(by, _)| *by <= n).map(|(_, id)| id);
            for id in written {
                let receipt = phone
                    .store()
                    .receipt(&format!("QuestionnaireResponse/{id}"))
                    .await;
                assert!(receipt.expect("reads").is_some(), "{at}: {id} without a receipt");
            }
            for id in (0..promised.len()).flat_map(|n| [format!("r-{n}"), format!("s-{n}")]) {
                let found = phone.store().get("QuestionnaireResponse", &id).await;
                assert!(found.expect("reads").is_some(), "{at}: {id} is not there");
            }
            last = Some(image);
        }
    }

    // What is reported then gets a number that was never given, and arrives.
    report(&mut phone, "r-later").await;
    assert!(phone.exchange_in(&mut server, NOW, Weather::Fair).await);
    let stored = server.stored("QuestionnaireResponse").await;
    assert_eq!(stored.len(), 2 * promised.len() + 1);
    for resource in &stored {
        assert_eq!(resource["meta"]["versionId"], "1", "{} twice", name(resource));
    }
    println!(
        "counts: power cuts in six exchanges: {} writes and syncs, every {stride}, {opened} different disks opened and synced: lost 0, doubled 0, stuck 0",
        events.len()
    );
    assert!(opened > 20, "{opened}");
}
