//! Two synthetic sides call each other on this machine for some seconds; prints the figures and the CPU time.
//!
//! `cargo run -p hms-media --example call -- [small|medium|large] [SECONDS] [TURN_URL USER PASSWORD]`; with a
//! relay, only through it.

use std::time::Duration;

use hms_media::{Call, CallConfig, PictureFormat, TurnServer, Voice};

#[tokio::main]
async fn main() -> Result<(), hms_media::CallError> {
    let mut arguments = std::env::args().skip(1);
    let format = match arguments.next().as_deref() {
        Some("small") => PictureFormat::SMALL,
        Some("large") => PictureFormat::LARGE,
        _ => PictureFormat::MEDIUM,
    };
    let seconds = arguments
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(10);

    let turn: Vec<TurnServer> = match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(url), Some(username), Some(credential)) => vec![TurnServer {
            url,
            username,
            credential,
        }],
        _ => Vec::new(),
    };
    let config = |voice| CallConfig {
        relay_only: !turn.is_empty(),
        turn: turn.clone(),
        ..CallConfig::synthetic(voice, format)
    };

    let (caller, offer) = Call::offer(config(Voice::Clinician)).await?;
    let (callee, answer) = Call::answer(config(Voice::Carrier), &offer).await?;
    caller.accept_answer(&answer).await?;
    // Pictures are converted only for someone who looks.
    let _windows = (caller.frames(), callee.frames());
    tokio::time::sleep(Duration::from_secs(seconds)).await;

    for (name, call) in [("clinician", &caller), ("carrier", &callee)] {
        println!("{name}: {:#?}", *call.stats().borrow());
    }
    caller.hang_up().await;
    callee.hang_up().await;
    Ok(())
}
