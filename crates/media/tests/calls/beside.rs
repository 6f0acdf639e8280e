//! What goes beside sound and picture between two real sides: the short code, and words while they are typed.

use std::time::Duration;

use hms_media::{Call, CallConfig, CodeSeed, PictureFormat, Voice};
use hms_model::view::VisitCode;

use crate::side::{config, join, Side, Way};

const PATIENCE: Duration = Duration::from_secs(30);

fn coded(voice: Voice, number: u8) -> CallConfig {
    CallConfig {
        code: Some(CodeSeed {
            visit: "visit".into(),
            nonce: [number; 16],
        }),
        ..config(voice, PictureFormat::SMALL)
    }
}

/// The code of a call, when it is no longer being made.
async fn code(call: &Call) -> VisitCode {
    let mut code = call.code();
    let made = code.wait_for(|code| *code != VisitCode::Waiting);
    let made = tokio::time::timeout(PATIENCE, async { made.await.map(|code| code.clone()) }).await;
    made.expect("a code in time").expect("the call goes on")
}

async fn reads(side: &Side, words: &str) {
    let mut drafts = side.call.drafts();
    let there = drafts.wait_for(|drafts| drafts.after(0).unwrap_or_default() == words);
    let there = tokio::time::timeout(PATIENCE, there).await;
    assert!(matches!(there, Ok(Ok(_))), "never came: {words}");
}

#[tokio::test]
async fn both_sides_show_one_code_through_new_paths_and_words_while_they_are_typed() {
    let (carrier, clinician) = join(coded(Voice::Carrier, 1), coded(Voice::Clinician, 2), |_, sdp| sdp).await;
    let first = code(&carrier.call).await;
    assert!(matches!(first, VisitCode::Digits { .. }), "{first:?}");
    assert_eq!(code(&clinician.call).await, first);

    assert!(carrier.call.shows_typing() && clinician.call.shows_typing());
    for words in ["w", "wh", "where", "we", ""] {
        clinician.call.show_typing(1, words.into());
        reads(&carrier, words).await;
    }
    let long = "a dog, red, at the gate of number 112 ".repeat(20);
    carrier.call.show_typing(1, long.clone());
    reads(&clinician, &long).await;

    let offer = clinician.call.restart_ice().await.unwrap();
    let answer = carrier.call.accept_offer(&offer).await.unwrap();
    clinician.call.accept_answer(&answer).await.unwrap();
    assert_eq!(
        (code(&carrier.call).await, code(&clinician.call).await),
        (first.clone(), first)
    );
}

#[tokio::test]
async fn a_far_side_that_makes_no_code_leaves_none() {
    let (carrier, clinician) = join(
        config(Voice::Carrier, PictureFormat::SMALL),
        coded(Voice::Clinician, 2),
        |way, sdp| match way {
            Way::Offer => sdp,
            // An older side does not say that it shows words.
            Way::Answer => sdp.replace("a=x-hms-typed:1\r\n", ""),
        },
    )
    .await;
    assert_eq!(code(&carrier.call).await, VisitCode::None);
    assert_eq!(code(&clinician.call).await, VisitCode::None);
    assert!(!clinician.call.shows_typing());
}

/// Whoever runs the server and the relay sits between with two engines of their own, and passes everything on.
#[tokio::test]
async fn who_sits_between_two_sides_gives_them_two_codes() {
    let (carrier, near) = join(coded(Voice::Carrier, 1), coded(Voice::Clinician, 3), |_, sdp| sdp).await;
    let carrier_sees = code(&carrier.call).await;
    drop((carrier, near));
    let (far, clinician) = join(coded(Voice::Carrier, 4), coded(Voice::Clinician, 2), |_, sdp| sdp).await;
    let clinician_sees = code(&clinician.call).await;
    drop((far, clinician));

    let digits = |code: &VisitCode| matches!(code, VisitCode::Digits { .. });
    assert!(
        digits(&carrier_sees) && digits(&clinician_sees),
        "each has one with the stranger"
    );
    assert_ne!(carrier_sees, clinician_sees);
}
