//! The story, played on visible, named elements and confirmed from outside the windows.

mod after;
mod bad_link;
mod hold;
mod report;
mod session;
mod visit;

use super::cast::{Cast, Setting};
use super::evidence::Evidence;
use super::webdriver::Window;
use anyhow::{bail, Result};
use std::path::Path;

/// Where the bitten carrier stands: a made-up rural route.
pub const POSITION: &str = "44.0121,-92.4802";

/// The steps in their order; `--until` names the last one to play.
pub const STEPS: &[&str] = &[
    "sign-in", "report", "check", "killed", "receipt", "queue", "chart", "call", "sound", "controls", "cut",
    "note", "order", "advice", "manager", "hr", "after", "outbox",
];

/// The steps of a visit on a link that gets worse and better.
pub const BAD_LINK_STEPS: &[&str] = &[
    "sign-in",
    "report",
    "check",
    "killed",
    "receipt",
    "queue",
    "chart",
    "call",
    "good",
    "thin",
    "stills",
    "sound-only",
    "gone",
    "back",
];

/// A part that is broken on purpose, how calls go meanwhile, and the step that must notice.
const SABOTAGE: &[(&str, Option<&str>, &str)] = &[
    ("push", None, "receipt"),
    ("receipt", None, "receipt"),
    ("decode", None, "call"),
    ("relay", Some("udp"), "call"),
];

/// What one step leaves for the next.
#[derive(Default)]
pub(crate) struct Memory {
    /// Receipt number.
    pub(crate) number: String,
    /// FHIR id of the report.
    pub(crate) report: String,
    /// FHIR id of the queue's Task.
    pub(crate) task: String,
}

/// Everything that is on the stage while the script runs.
pub(crate) struct Scene {
    pub(crate) cast: Cast,
    pub(crate) carrier: Window,
    pub(crate) clinician: Window,
    pub(crate) browser: Window,
    pub(crate) evidence: Evidence,
    pub(crate) memory: Memory,
}

/// Plays "a carrier is bitten with no signal, and a clinician acts on it".
///
/// # Errors
/// The first step that could not be done or was not confirmed; result.json says the same.
pub async fn bite(setting: Setting, out: &Path, until: Option<&str>) -> Result<()> {
    story(STEPS, setting, out, until).await
}

/// Plays "the visit's link gets worse, goes, and comes back", with calls through the relay alone: only there does the
/// link that is made bad carry them.
///
/// # Errors
/// As [`bite`].
pub async fn bad_link(setting: Setting, out: &Path, until: Option<&str>) -> Result<()> {
    let setting = Setting {
        relay_only: Some("udp".to_owned()),
        ..setting
    };
    story(BAD_LINK_STEPS, setting, out, until).await
}

async fn story(steps: &[&str], setting: Setting, out: &Path, until: Option<&str>) -> Result<()> {
    let last = match until {
        None => steps.len(),
        Some(name) => match steps.iter().position(|step| *step == name) {
            Some(at) => at + 1,
            None => bail!("--until {name}: the steps are {}", steps.join(", ")),
        },
    };
    let mut cast = Cast::assemble(setting).await?;
    let carrier = cast.window("carrier", false, Some(POSITION)).await?;
    let clinician = cast.window("clinician", true, None).await?;
    let browser = cast.browser().await?;
    let evidence = Evidence::in_dir(out, cast.display())?;
    let mut scene = Scene {
        cast,
        carrier,
        clinician,
        browser,
        evidence,
        memory: Memory::default(),
    };
    let mut problem = None;
    for step in steps.iter().take(last) {
        if let Err(error) = play(step, &mut scene).await {
            problem = Some(format!("{step}: {error:#}"));
            // What the screens said when it failed.
            let said = serde_json::json!({
                "problem": problem,
                "carrier": scene.carrier.text().await.unwrap_or_default(),
                "clinician": scene.clinician.text().await.unwrap_or_default(),
            });
            scene
                .evidence
                .step(
                    &format!("{step}-failed"),
                    &[&scene.carrier, &scene.clinician],
                    said,
                )
                .await
                .ok();
            break;
        }
    }
    scene.evidence.finish(problem.as_deref())?;
    let Scene {
        cast,
        carrier,
        clinician,
        browser,
        ..
    } = scene;
    for window in [carrier, clinician, browser] {
        window.close().await;
    }
    cast.leave().await;
    match problem {
        Some(problem) => bail!(problem),
        None => Ok(()),
    }
}

/// Breaks one part after the other in the phone's app (`parts` names some of them, between commas), and expects the story to fail at the step that relies on it.
///
/// # Errors
/// The story passed, or failed elsewhere: a check that cannot fail.
pub async fn prove(setting: &Setting, out: &Path, parts: Option<&str>) -> Result<()> {
    let wanted = |part: &str| parts.is_none_or(|parts| parts.split(',').any(|named| named == part));
    for (part, relay_only, notices) in SABOTAGE.iter().filter(|(part, ..)| wanted(part)) {
        let setting = Setting {
            sabotage: Some((*part).to_owned()),
            relay_only: relay_only.map(str::to_owned),
            ..setting.clone()
        };
        println!("-- with a broken {part}:");
        match bite(setting, &out.join(part), Some(notices)).await {
            Ok(()) => bail!("a broken {part} was not noticed"),
            Err(error) if error.to_string().starts_with(&format!("{notices}:")) => {
                println!("   noticed: {error:#}");
            }
            Err(error) => bail!("a broken {part} was noticed at the wrong step: {error:#}"),
        }
    }
    if !wanted("link") {
        return Ok(());
    }
    // A link that stays good although the story says otherwise.
    let setting = Setting {
        sabotage: Some("link".to_owned()),
        ..setting.clone()
    };
    println!("-- with a link that does not get bad:");
    match bad_link(setting, &out.join("link"), Some("thin")).await {
        Err(error) if error.to_string().starts_with("thin:") => println!("   noticed: {error:#}"),
        Ok(()) => bail!("a link that stays good was not noticed"),
        Err(error) => bail!("a link that stays good was noticed at the wrong step: {error:#}"),
    }
    Ok(())
}

async fn play(step: &str, scene: &mut Scene) -> Result<()> {
    match step {
        "sign-in" => session::sign_in_both(scene).await,
        "report" => report::fill_in_offline(scene).await,
        "check" => report::check_symptoms(scene).await,
        "killed" => report::killed(scene).await,
        "receipt" => report::receipt(scene).await,
        "queue" => visit::queue(scene).await,
        "chart" => visit::chart(scene).await,
        "call" => visit::call(scene).await,
        "good" => bad_link::good(scene).await,
        "thin" => bad_link::thin(scene).await,
        "stills" => bad_link::stills(scene).await,
        "sound-only" => bad_link::sound_only(scene).await,
        "gone" => bad_link::gone(scene).await,
        "back" => bad_link::back(scene).await,
        "sound" => hold::sound(scene).await,
        "controls" => hold::controls(scene).await,
        "cut" => hold::cut(scene).await,
        "note" => after::note(scene).await,
        "order" => after::order(scene).await,
        "advice" => after::advice(scene).await,
        "manager" => after::manager(scene).await,
        "hr" => after::hr(scene).await,
        "after" => after::carrier_reads(scene).await,
        "outbox" => after::outbox(scene).await,
        _ => bail!("there is no step {step}"),
    }
}
