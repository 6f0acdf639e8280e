//! Tokens over a line that breaks at any byte, up and down: nobody is signed out by it, and what waits arrives once.

use std::time::Duration;

use hms_client::Client;
use hms_model::view::{NetworkProblem, SignInState};

use crate::cutter::Cut;
use crate::snip::Snip;
use crate::world::{finish_in_browser, report_bite, sign_in, Profile, World};

/// Every byte with `HMS_DEEP=1`; else every so manieth, so that a CI run meets each kind of place.
fn stride(quick: usize) -> usize {
    if std::env::var_os("HMS_DEEP").is_some() {
        1
    } else {
        quick
    }
}

fn every_cut(up: usize, down: usize, stride: usize) -> Vec<Cut> {
    let ups = (0..=up).step_by(stride).map(Cut::Up);
    ups.chain((0..down).step_by(stride).map(Cut::Down)).collect()
}

async fn phone_behind_a_line() -> (World, Snip, Profile, Client) {
    let mut world = World::new().await;
    let snip = Snip::before(&mut world, "127.0.0.1:0").await;
    let mut profile = world.profile("dana");
    profile.server = snip.provisioning(&profile.server);
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    dana.sync_now().await.expect("syncs");
    (world, snip, profile, dana)
}

/// A refused exchange makes the phone refresh its token. The answer to that, or the way there, breaks off: the same token
/// is shown again, and the server takes it, because what it gave for it was never used.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_cut_at_any_byte_signs_nobody_out() {
    let (_world, snip, _profile, dana) = phone_behind_a_line().await;
    snip.refuse("$hms-sync", 401);
    dana.sync_now().await.expect("syncs");
    settled(&dana, &snip).await;
    let (up, down) = snip.size_of("POST /oauth/token");
    let stride = stride(37);

    let mut reports = 0;
    for (n, cut) in every_cut(up, down, stride).into_iter().enumerate() {
        if n % 16 == 0 {
            // Something to lose.
            report_bite(&dana).await;
            reports += 1;
        }
        snip.cut("POST /oauth/token", cut);
        snip.refuse("$hms-sync", 401);
        let begun = std::time::Instant::now();

        let _cut = dana.sync_now().await;

        settled(&dana, &snip).await;
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "stuck for long after {cut:?}"
        );
    }

    let made = snip.made();
    assert!(made >= (up + down) / stride, "{made}");
    let all = dana.reports().await.expect("reports");
    assert_eq!(all.len(), reports);
    println!("counts: refresh of a token: {made} cuts over {up} bytes up and {down} down, every {stride}: signed out 0, lost 0, doubled 0, stuck 0");
    dana.shutdown().await;
}

/// Until all that was planned has come about, and what waits is sent.
async fn settled(dana: &Client, snip: &Snip) {
    for _ in 0..40 {
        let _tried = dana.sync_now().await;
        let app = dana.app_state().await.expect("state");
        assert_ne!(
            app.network.problem,
            Some(NetworkProblem::SignInNeeded),
            "nobody signed out"
        );
        if snip.is_done() && app.unsent == 0 && app.network.problem.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("stuck: {:?}", dana.outbox().await);
}

/// A code is good for one exchange: where its answer is lost the person signs in once more, and is told at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_cut_at_any_byte_ends_and_the_next_one_works() {
    let mut world = World::new().await;
    let snip = Snip::before(&mut world, "127.0.0.1:0").await;
    let server = snip.provisioning(&world.provisioning());
    let mut profile = world.profile("dana");
    profile.server = server.clone();
    let dana = profile.start().await;
    assert_eq!(try_sign_in(&dana, &server).await, SignInState::Done);
    let stride = stride(151);

    let mut made = 0;
    for part in ["POST /oauth/token", "GET /oauth/jwks", "GET /.well-known"] {
        let (up, down) = snip.size_of(part);
        for cut in every_cut(up, down, stride) {
            let before = snip.made();
            snip.cut(part, cut);
            let state = try_sign_in(&dana, &server).await;
            assert!(
                matches!(
                    state,
                    SignInState::Done | SignInState::Offline | SignInState::Refused | SignInState::Expired
                ),
                "{part} {cut:?}: {state:?}"
            );
            if part.ends_with("jwks") {
                assert_eq!(state, SignInState::Done, "the tokens were there: {cut:?}");
            }
            made += snip.made() - before;
            snip.forget();
            assert_eq!(
                try_sign_in(&dana, &server).await,
                SignInState::Done,
                "the next one after {part} {cut:?}"
            );
        }
    }
    println!("counts: sign-in: {made} cuts, every {stride}: each ended at once, the next sign-in worked");
    dana.shutdown().await;
}

async fn try_sign_in(dana: &Client, server: &hms_client::Provisioning) -> SignInState {
    let started = dana.sign_in_start(false).await.expect("an answer");
    let Some(url) = started.url else {
        return started.state;
    };
    finish_in_browser(&url, server, "dana").await;
    let begun = std::time::Instant::now();
    let done = dana.sign_in_wait(Duration::from_secs(30)).await.expect("ends");
    assert!(begun.elapsed() < Duration::from_secs(25), "the person waits");
    done.state
}
