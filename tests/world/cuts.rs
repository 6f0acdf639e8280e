//! A sync that is cut at every byte, on the way up and on the way down: then one that is not.

use crate::check::Stored;
use crate::device::Device;
use crate::district;
use crate::link::Weather;
use crate::server::Server;
use hms_model::map::task::Priority;
use hms_model::time::Timestamp;

/// Every byte with `HMS_DEEP=1`; else every so manieth, so that a CI run meets each kind of place.
fn stride() -> usize {
    if std::env::var_os("HMS_DEEP").is_some() {
        1
    } else {
        13
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_cut_at_any_byte_loses_nothing_and_doubles_nothing() {
    cut_everywhere(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_with_packed_bodies_cut_at_any_byte_loses_nothing_and_doubles_nothing() {
    cut_everywhere(true).await;
}

async fn cut_everywhere(packed: bool) {
    crate::in_memory();
    let mut server = Server::new().await;
    let mut phone = Device::new(&server, "dana", "cut", 1).await;
    phone.packed = packed;
    let now = Timestamp(district::NOON);
    assert!(phone.exchange_in(&mut server, now, Weather::Fair).await);
    // How long a request and an answer of one report are.
    report(&mut phone, "r-first", now).await;
    assert!(phone.exchange_in(&mut server, now, Weather::Fair).await);
    let (up, down) = (phone.last_request, phone.last_answer);
    // Later reports have longer numbers: some bytes more.
    let (up, down) = (up + 64, down + 64);

    let mut reports = 1;
    for at in (0..up).step_by(stride()) {
        report(&mut phone, &format!("r-up-{at}"), now).await;
        phone.exchange_in(&mut server, now, Weather::RequestCut(at)).await;
        assert!(
            phone.exchange_in(&mut server, now, Weather::Fair).await,
            "stuck after {at} bytes up"
        );
        reports += 1;
    }
    for at in (0..down).step_by(stride()) {
        report(&mut phone, &format!("r-down-{at}"), now).await;
        phone.exchange_in(&mut server, now, Weather::AnswerCut(at)).await;
        assert!(
            phone.exchange_in(&mut server, now, Weather::Fair).await,
            "stuck after {at} bytes down"
        );
        reports += 1;
    }

    assert!(phone.store().outbox().await.expect("outbox").is_empty());
    assert_eq!(phone.store().receipts().await.expect("receipts").len(), reports);
    let stored = Stored::read(&server).await;
    assert_eq!(stored.once_each("r-"), reports);
    assert_eq!(server.tasks("review-report").await.len(), reports);
    assert_eq!(server.tasks("supervisor-notice").await.len(), reports);
    println!(
        "counts: sync{}: {} cuts over {up} bytes up and {down} down, every {}: lost 0, doubled 0, stuck 0",
        if packed { " packed" } else { "" },
        reports - 1,
        stride()
    );
}

async fn report(phone: &mut Device, id: &str, now: Timestamp) {
    let report = district::bite(id, Some(phone.who));
    let review = district::review(id, Some(phone.who), Priority::Urgent);
    phone.save(vec![report, review], now).await;
}
