//! The story, played on visible, named elements and confirmed from outside the windows.

mod after;
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
    "sign-in", "report", "check", "receipt", "queue", "chart", "call", "note", "order", "advice", "manager",
    "hr", "after",
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
    let last = match until {
        None => STEPS.len(),
        Some(name) => match STEPS.iter().position(|step| *step == name) {
            Some(at) => at + 1,
            None => bail!("--until {name}: the steps are {}", STEPS.join(", ")),
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
    for step in STEPS.iter().take(last) {
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

async fn play(step: &str, scene: &mut Scene) -> Result<()> {
    match step {
        "sign-in" => session::sign_in_both(scene).await,
        "report" => report::fill_in_offline(scene).await,
        "check" => report::check_symptoms(scene).await,
        "receipt" => report::receipt(scene).await,
        "queue" => visit::queue(scene).await,
        "chart" => visit::chart(scene).await,
        "call" => visit::call(scene).await,
        "note" => after::note(scene).await,
        "order" => after::order(scene).await,
        "advice" => after::advice(scene).await,
        "manager" => after::manager(scene).await,
        "hr" => after::hr(scene).await,
        "after" => after::carrier_reads(scene).await,
        _ => bail!("there is no step {step}"),
    }
}
