//! What stands between a phone and the server, and clocks that are wrong.

use std::time::Duration;

use hms_client::Provisioning;
use hms_model::view::{NetworkProblem, SendState, SignInState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{report_bite, sign_in, sync_until_sent, until, World, PASSPHRASE};

/// Answers every request with the same bytes.
async fn always(answer: &'static str) -> Provisioning {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0_u8; 4096];
                let _ = stream.read(&mut bytes).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    Provisioning {
        base_url: format!("http://{address}"),
        ca_file: None,
        hpke_public_key: None,
        help_phone: "1-800-555-0142".into(),
        demo: false,
        proxy: None,
        pack_trust: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_public_network_and_a_broken_server_are_named() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            NetworkProblem::NotOurServer,
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n",
            NetworkProblem::NotOurServer,
        ),
        (
            "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            NetworkProblem::ServerFault,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{x}",
            NetworkProblem::ServerFault,
        ),
    ];
    for (answer, problem) in cases {
        let world = World::new().await;
        let mut profile = world.profile("phone");
        profile.server = always(answer).await;
        let phone = profile.start().await;

        let seen = until(&phone, async || {
            phone.app_state().await.expect("state").network.problem
        })
        .await;

        assert_eq!(seen, problem, "{answer}");
        let sign_in = phone.sign_in_start(false).await.expect("an answer");
        assert_eq!(sign_in.state, SignInState::Offline);
        phone.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_not_trusted() {
    let (one, other) = (World::new().await, World::new().await);
    let mut profile = one.profile("phone");
    profile.server.ca_file = other.provisioning().ca_file;
    let phone = profile.start().await;

    let seen = until(&phone, async || {
        phone.app_state().await.expect("state").network.problem
    })
    .await;

    assert_eq!(seen, NetworkProblem::NotTrusted);
    phone.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_ten_years_off_is_named_and_the_report_keeps_both_times() {
    const TEN_YEARS: i64 = 10 * 365 * 24 * 3600 * 1000;
    let world = World::new().await;
    let profile = world.profile("dana");
    profile.clock.off_by(-TEN_YEARS);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;

    let off = dana.app_state().await.expect("state").clock_off_s.expect("named");
    assert!((off - 315_360_000.0).abs() < 120.0, "{off}");

    let sent = report_bite(&dana).await;
    let truth = sent.true_time.expect("the estimate");
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let years = (truth - sent.authored_at) / TEN_YEARS as f64;
    assert!((years - 1.0).abs() < 0.001, "{years}");
    sync_until_sent(&dana, &sent.id).await;
    dana.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_server_no_longer_takes_is_refreshed_in_the_middle() {
    let world = World::new().await;
    let profile = world.profile("dana");
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    // By the phone's clock the access token has ended long ago; the exchange refreshes it first.
    // The jump is made while the phone is locked: an open one would lock at once.
    dana.lock().await.expect("locks");
    profile.clock.off_by(3600 * 1000);
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);

    let sent = report_bite(&dana).await;
    dana.sync_now().await.expect("syncs");

    let report = dana.report(sent.id).await.expect("there");
    assert!(matches!(report.send, SendState::Sent { .. }), "{:?}", report.send);
    tokio::time::timeout(Duration::from_secs(10), dana.shutdown())
        .await
        .expect("ends");
}
