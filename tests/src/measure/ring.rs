//! A call between two real windows: from the click to the first picture on each side, and what it all takes of the
//! memory. Times are read in the pages by the clock that both share; the carrier's page answers by itself at once.

use super::memory;
use super::person;
use super::row::{Row, Times};
use super::Bench;
use crate::stage::cast::Cast;
use crate::stage::webdriver::Window;
use anyhow::{bail, Context, Result};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const GOAL_S: f64 = 3.0;
const APP_GOAL_MB: f64 = 350.0;
const SERVER_GOAL_MB: f64 = 150.0;
const CALLS: usize = 5;
/// Memory is read this long after the first picture, when the pictures have been coming for a while.
const INTO_THE_CALL: Duration = Duration::from_secs(10);

/// Notes when the call button is pressed, when it rings, and when the first picture of the far side is drawn. The page
/// of a carrier presses "answer" as soon as it is there, as the quickest hand would.
const WATCH: &str = "
const seen = (window.seen = {});
const note = (name) => { seen[name] ??= performance.timeOrigin + performance.now(); };
window.watching?.disconnect();
document.addEventListener('click', (event) => {
  if (event.target.closest('[data-testid=visit-call]')) note('call');
}, true);
window.watching = new MutationObserver(() => {
  const answer = document.querySelector('[data-testid=visit-accept]');
  if (answer && !seen.ring) { note('ring'); requestAnimationFrame(() => { note('answer'); answer.click(); }); }
  const far = document.querySelector('[data-testid=remote-picture],[data-testid=visit-remote]');
  if (far && Number(far.dataset.frames) > 0) note('picture');
});
window.watching.observe(document, { subtree: true, childList: true, attributes: true });
";

/// Milliseconds of one call.
struct Call {
    ring: f64,
    carrier: f64,
    clinician: f64,
}

/// `measure ring`.
pub(super) async fn ring(bench: &Bench) -> Result<Vec<Row>> {
    let mut cast = bench.cast(true).await?;
    // The report comes from another phone of the same carrier.
    let folder = bench.fresh("ring")?;
    let way = bench.server_address(&cast)?;
    let phone = person::start(&folder.join("profile"), &bench.demo_json(), way).await?;
    person::sign_in(&phone, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&phone).await?;
    person::report_bite(&phone, 0).await?;
    person::until_synced(&phone).await?;
    phone.shutdown().await;

    let carrier = signed_in(&mut cast, "carrier", false).await?;
    carrier.see("screen-home").await?;
    let clinician = signed_in(&mut cast, "clinician", true).await?;
    let task = newest_task(&cast).await?;
    clinician.see_css(&task, Duration::from_secs(20)).await?;
    clinician.tap_css(&task).await?;
    let app = bench.program("hms-ach");
    let pid = |name: &str| memory::find(&app, &cast.profile(name).to_string_lossy());
    let (carrier_app, clinician_app) = (pid("carrier")?, pid("clinician")?);
    let server = memory::find(
        &bench.program("ach-server"),
        &bench.stage().join("server").to_string_lossy(),
    )?;
    let idle = (
        memory::tree_pss_mb(carrier_app)?,
        memory::tree_pss_mb(clinician_app)?,
    );

    let mut calls = Vec::new();
    let mut most: BTreeMap<&str, f64> = BTreeMap::new();
    for number in 0..CALLS {
        calls.push(
            one(&carrier, &clinician)
                .await
                .with_context(|| format!("call {number}"))?,
        );
        tokio::time::sleep(INTO_THE_CALL).await;
        let readings = [
            ("carrier", memory::tree_pss_mb(carrier_app)?),
            ("clinician", memory::tree_pss_mb(clinician_app)?),
            ("server", memory::resident_mb(server)?),
        ];
        for (name, mb) in readings {
            let kept = most.entry(name).or_default();
            *kept = kept.max(mb);
        }
        if number == 0 {
            for (name, root) in [("carrier", carrier_app), ("clinician", clinician_app)] {
                eprintln!(
                    "measure: {name} in the call, MB: {:.0?}",
                    memory::tree_parts_mb(root)
                );
            }
        }
        clinician.tap("visit-leave").await?;
        clinician.see("visit-call").await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    carrier.close().await;
    clinician.close().await;
    cast.leave().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(rows(&calls, idle, &most))
}

fn rows(calls: &[Call], idle: (f64, f64), most: &BTreeMap<&str, f64>) -> Vec<Row> {
    let times = |of: fn(&Call) -> f64| {
        Times::of(
            calls
                .iter()
                .map(|call| Duration::from_secs_f64(of(call).max(0.0) / 1000.0)),
        )
    };
    let ring = times(|call| call.ring);
    let mut rows = vec![Row::new(
        format!("click on Call to the ring on the carrier's screen, median of {CALLS}"),
        ring.median() / 1000.0,
        "s",
    )];
    type Of = fn(&Call) -> f64;
    let carrier: Of = |call| call.carrier;
    let sides = [("carrier", carrier), ("clinician", |call| call.clinician)];
    for (side, of) in sides {
        let times = times(of);
        let what = format!("click on Call to the first picture at the {side}, answered at once");
        rows.push(
            Row::new(format!("{what}, median of {CALLS}"), times.median() / 1000.0, "s").at_most(GOAL_S),
        );
        rows.push(Row::new(format!("{what}, worst"), times.worst() / 1000.0, "s").at_most(GOAL_S));
    }
    let reading = |name: &str| most.get(name).copied().unwrap_or(f64::NAN);
    for (side, before) in [("carrier", idle.0), ("clinician", idle.1)] {
        rows.push(
            Row::new(
                format!("{side}'s app in a call, PSS of all its processes, most of {CALLS}"),
                reading(side),
                "MB",
            )
            .at_most(APP_GOAL_MB)
            .beside("the same before the first call", before),
        );
    }
    rows.push(Row::new("server in a call, resident, most", reading("server"), "MB").at_most(SERVER_GOAL_MB));
    rows
}

/// Opens a window and signs in, the measuring program being the browser.
async fn signed_in(cast: &mut Cast, role: &str, staff: bool) -> Result<Window> {
    let window = cast.window(role, staff, Some("44.0121,-92.4802")).await?;
    window.tap("sign-in-start").await?;
    let url = window.attribute("sign-in-url", "href").await?;
    person::finish_in_browser(&cast.http, &url, cast.user(role)).await?;
    window.see("screen-set-pin").await?;
    for _ in 0..2 {
        window.fill("[data-testid=pin-phrase]", person::PHRASE).await?;
        window.tap("pin-give").await?;
    }
    Ok(window)
}

/// The queue entry of the carrier's newest report, as the clinician's window shows it.
async fn newest_task(cast: &Cast) -> Result<String> {
    let patient = cast.user("carrier")["fhir_id"].as_str().unwrap_or_default();
    let search = format!("QuestionnaireResponse?patient=Patient/{patient}&_sort=-authored&_count=1");
    let found = cast.fhir("clinician", &search).await?;
    let report = found["entry"][0]["resource"]["id"]
        .as_str()
        .context("the server has no report")?;
    let search = format!("Task?focus=QuestionnaireResponse/{report}");
    let tasks = cast.fhir("clinician", &search).await?;
    let task = tasks["entry"][0]["resource"]["id"]
        .as_str()
        .context("no Task for the report")?;
    Ok(format!("[data-task=\"{task}\"]"))
}

async fn one(carrier: &Window, clinician: &Window) -> Result<Call> {
    for window in [carrier, clinician] {
        run(window, WATCH).await?;
    }
    press_call(clinician).await?;
    let begun = Instant::now();
    loop {
        let there = run(carrier, "return window.seen").await?;
        let here = run(clinician, "return window.seen").await?;
        let at = |seen: &Value, name: &str| seen[name].as_f64();
        if let (Some(ring), Some(far), Some(click), Some(near)) = (
            at(&there, "ring"),
            at(&there, "picture"),
            at(&here, "call"),
            at(&here, "picture"),
        ) {
            return Ok(Call {
                ring: ring - click,
                carrier: far - click,
                clinician: near - click,
            });
        }
        if begun.elapsed() > Duration::from_secs(60) {
            let pages = (carrier.text().await?, clinician.text().await?);
            bail!("no pictures: carrier {there}, clinician {here}; their pages say {pages:?}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Presses until the page has seen it: a press on a page that is just changing goes nowhere, as a hand's does.
async fn press_call(clinician: &Window) -> Result<()> {
    for _ in 0..3 {
        clinician.tap("visit-call").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        if run(clinician, "return window.seen").await?["call"].is_number() {
            return Ok(());
        }
    }
    bail!("the call button was pressed three times and the page saw none of it")
}

async fn run(window: &Window, script: &str) -> Result<Value> {
    let body = json!({ "script": script, "args": [] });
    window
        .call(reqwest::Method::POST, "/execute/sync", Some(body))
        .await
}
