//! From the start of the program to the first screen that helps: the lock screen of a carrier who is signed in, which
//! takes the PIN and has "I got hurt" and 911 on it.

use super::person;
use super::row::{Row, Times};
use super::screen::Screen;
use super::Bench;
use crate::stage::process::Process;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const GOAL_MS: f64 = 1000.0;
const WARM: usize = 10;
const COLD: usize = 3;

/// One start.
struct Start {
    painted: Duration,
    answered: Duration,
}

/// What is started, and where.
struct Launch<'a> {
    screen: &'a Screen,
    env: Vec<(&'static str, String)>,
    logs: PathBuf,
}

/// `measure start`.
pub(super) async fn start(bench: &Bench) -> Result<Vec<Row>> {
    let cast = bench.cast(true).await?;
    let display = cast.display().context("a screen of our own")?;
    let screen = Screen::open(&display)?;
    let folder = bench.fresh("start")?;
    let profile = folder.join("profile");
    let client = person::start(&profile, &bench.demo_json(), bench.server_address(&cast)?).await?;
    person::sign_in(&client, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&client).await?;
    client.shutdown().await;

    // A desktop has a session bus; without one GTK and WebKit wait for it in vain.
    let bus_address = format!("unix:path={}", folder.join("bus").display());
    let bus_args = [
        "--session",
        "--nofork",
        "--nopidfile",
        &format!("--address={bus_address}"),
    ];
    let bus = Process::start("bus", Path::new("dbus-daemon"), &bus_args, &[], &folder)?;
    let launch = Launch {
        screen: &screen,
        // Software drawing, as the stage has it.
        env: vec![
            ("DISPLAY", display.clone()),
            ("GDK_BACKEND", "x11".to_owned()),
            ("WEBKIT_DISABLE_DMABUF_RENDERER", "1".to_owned()),
            ("DBUS_SESSION_BUS_ADDRESS", bus_address),
        ],
        logs: folder.clone(),
    };
    let app = bench.program("hms-ach");
    let args = [
        "--profile".to_owned(),
        profile.to_string_lossy().into_owned(),
        "--synthetic-media".to_owned(),
    ];

    let mut cold = Vec::new();
    for _ in 0..COLD {
        if !forget_files() {
            break;
        }
        cold.push(launch.one(&app, &args, true).await?);
    }
    // The first one fills the caches that a warm start has.
    launch.one(&app, &args, true).await?;
    let mut warm = Vec::new();
    for _ in 0..WARM {
        warm.push(launch.one(&app, &args, true).await?);
    }
    launch
        .picture(&display, &app, &args, &bench.work.join("start.png"))
        .await?;
    let floor = bare_webview(&launch).await?;
    bus.stop().await;
    cast.leave().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(rows(&warm, &cold, floor.as_ref()))
}

fn rows(warm: &[Start], cold: &[Start], floor: Option<&Times>) -> Vec<Row> {
    let times = |of: fn(&Start) -> Duration, starts: &[Start]| Times::of(starts.iter().map(of));
    let painted = times(|start| start.painted, warm);
    let what = "program start to the lock screen painted";
    let mut rows = vec![
        Row::new(format!("{what}, warm, median of {WARM}"), painted.median(), "ms")
            .at_most(GOAL_MS)
            .beside_if(
                "WebKitGTK's MiniBrowser with a still page, median",
                floor.map(Times::median),
            ),
        Row::new(format!("{what}, warm, worst"), painted.worst(), "ms").at_most(GOAL_MS),
        Row::new(
            "then a key pressed to its answer on the screen, median",
            times(|start| start.answered, warm).median(),
            "ms",
        ),
    ];
    if !cold.is_empty() {
        let painted = times(|start| start.painted, cold);
        let what = format!("{what}, files not in memory (cold)");
        rows.push(
            Row::new(
                format!("{what}, median of {}", cold.len()),
                painted.median(),
                "ms",
            )
            .at_most(GOAL_MS),
        );
        rows.push(Row::new(format!("{what}, worst"), painted.worst(), "ms"));
    }
    rows
}

impl Launch<'_> {
    async fn one(&self, program: &Path, args: &[String], keys: bool) -> Result<Start> {
        let begun = Instant::now();
        let app = Process::start("app", program, args, &self.env, &self.logs)?;
        let opening = self.screen.watch().await?;
        let answered = if keys {
            self.screen.answers(&opening).await?
        } else {
            Duration::ZERO
        };
        app.stop().await;
        // The screen must be empty again before the next start.
        tokio::time::sleep(Duration::from_millis(700)).await;
        Ok(Start {
            painted: opening.painted.duration_since(begun),
            answered,
        })
    }

    /// Leaves a picture of what stood on the screen, for people to check that it is what the row says.
    async fn picture(&self, display: &str, program: &Path, args: &[String], to: &Path) -> Result<()> {
        let app = Process::start("app", program, args, &self.env, &self.logs)?;
        self.screen.watch().await?;
        let import = tokio::process::Command::new("import")
            .args(["-display", display, "-window", "root", "-crop", "412x892+0+0"])
            .arg(to)
            .status()
            .await;
        app.stop().await;
        if !import.is_ok_and(|status| status.success()) {
            eprintln!("measure: no picture of the screen (ImageMagick's import is missing)");
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        Ok(())
    }
}

/// Drops what the system keeps of files, where that is allowed.
fn forget_files() -> bool {
    // What is not on the disk yet cannot be dropped.
    let _ = std::process::Command::new("sync").status();
    std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// What the platform's own web view takes with a page that does nothing.
async fn bare_webview(launch: &Launch<'_>) -> Result<Option<Times>> {
    let places = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/libexec",
    ];
    let browser: Option<PathBuf> = places
        .iter()
        .map(|place| Path::new(place).join("webkit2gtk-4.1/MiniBrowser"))
        .find(|path| path.exists());
    let Some(browser) = browser else {
        return Ok(None);
    };
    let page = launch.logs.join("still.html");
    std::fs::write(
        &page,
        "<body style='background:#204060;color:#fff'><h1>A page that does nothing</h1>",
    )?;
    let args = [
        "--private".to_owned(),
        "--geometry=412x892".to_owned(),
        format!("file://{}", page.display()),
    ];
    let mut times = Vec::new();
    for _ in 0..6 {
        times.push(launch.one(&browser, &args, false).await?.painted);
    }
    // The first one is cold.
    Ok(Some(Times::of(times.into_iter().skip(1))))
}
