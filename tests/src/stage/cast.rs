//! Who and what is on the stage: screen, server with its made-up district, HR's receiver, windows, browser.

use super::link::Link;
use super::process::{free_port, Process};
use super::webdriver::Window;
use anyhow::{bail, Context, Result};
use serde_json::{json, Value};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the stage is set up.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Folder of the built programs.
    pub bin_dir: PathBuf,
    /// Folder for data, profiles and logs; made anew.
    pub work: PathBuf,
    /// Start a screen of our own.
    pub headless: bool,
    /// Calls go only through the relay, over this protocol.
    pub relay_only: Option<String>,
    /// A part of the phone's app that is broken on purpose: push, receipt, relay or decode.
    pub sabotage: Option<String>,
    /// Folder of the staff page for browsers, where the server is to have it.
    pub staff_page: Option<String>,
}

/// The running programs. Dropping it ends them all.
pub struct Cast {
    setting: Setting,
    env: Vec<(&'static str, String)>,
    processes: Vec<Process>,
    link: Link,
    /// Contents of demo.json.
    pub demo: Value,
    /// Client that trusts the server's own certificate.
    pub http: reqwest::Client,
    /// Folder of what HR received.
    pub hr_dir: PathBuf,
}

impl Cast {
    /// Starts screen, HR's receiver and server.
    ///
    /// # Errors
    /// A program is missing, ends, or is not ready in time.
    pub async fn assemble(setting: Setting) -> Result<Self> {
        if setting.work.exists() {
            std::fs::remove_dir_all(&setting.work).context("old stage folder")?;
        }
        let logs = setting.work.join("logs");
        let hr_dir = setting.work.join("hr");
        std::fs::create_dir_all(&logs)?;
        std::fs::create_dir_all(&hr_dir)?;
        // Software drawing: the default renderer burns a core on machines without a graphics card.
        let mut env = vec![("WEBKIT_DISABLE_DMABUF_RENDERER", "1".to_owned())];
        let mut processes = Vec::new();
        if setting.headless {
            let display = free_display();
            let screen = Process::start(
                "screen",
                Path::new("Xvfb"),
                &[&display, "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
                &[],
                &logs,
            )?;
            processes.push(screen);
            env.push(("DISPLAY", display));
            env.push(("GDK_BACKEND", "x11".to_owned()));
        }
        let hr = format!("127.0.0.1:{}", free_port()?);
        let hr_text = hr_dir.to_string_lossy().into_owned();
        let server_bin = setting.bin_dir.join("ach-server");
        processes.push(Process::start(
            "hr-receiver",
            &server_bin,
            &["hr-receiver", "--listen", &hr, "--dir", &hr_text],
            &[],
            &logs,
        )?);
        let data = setting.work.join("server");
        let (https, http) = (
            format!("127.0.0.1:{}", free_port()?),
            format!("127.0.0.1:{}", free_port()?),
        );
        let data_text = data.to_string_lossy().into_owned();
        let hr_url = format!("http://{hr}/");
        let relay: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        let relay_text = relay.to_string();
        let mut args = vec![
            "serve",
            "--data",
            &data_text,
            "--listen",
            &https,
            "--http-loopback",
            &http,
            "--hr-url",
            &hr_url,
            "--relay",
            &relay_text,
            "--demo",
        ];
        if let Some(page) = &setting.staff_page {
            args.extend(["--staff-page", page]);
        }
        let mut server = Process::start("server", &server_bin, &args, &[], &logs)?;
        let demo_json = data.join("demo.json");
        server.wait_for_file(&demo_json, Duration::from_secs(120)).await?;
        processes.push(server);
        let demo = read_when_whole(&demo_json).await?;
        let ca = std::fs::read(demo["ca_file"].as_str().context("demo.json names no ca_file")?)?;
        let http = reqwest::Client::builder()
            .add_root_certificate(reqwest::Certificate::from_pem(&ca)?)
            .timeout(Duration::from_secs(30))
            .build()?;
        let link = Link::to(https.parse()?, relay).await?;
        let mut phone = demo.clone();
        phone["base_url"] = json!(format!("https://{}", link.address));
        std::fs::write(setting.work.join("phone.json"), phone.to_string())?;
        Ok(Self {
            setting,
            env,
            processes,
            link,
            demo,
            http,
            hr_dir,
        })
    }

    /// Whether the server gives the staff page to browsers.
    #[must_use]
    pub fn has_staff_page(&self) -> bool {
        self.setting.staff_page.is_some()
    }

    /// Opens a window of the app under WebDriver with its own profile.
    ///
    /// # Errors
    /// Driver or app do not start.
    pub async fn window(&mut self, name: &str, staff: bool, position: Option<&str>) -> Result<Window> {
        let port = free_port()?;
        let mut env = self.env.clone();
        env.push(("TAURI_WEBVIEW_AUTOMATION", "true".to_owned()));
        if let Some(protocol) = &self.setting.relay_only {
            env.push(("HMS_CALL_RELAY_ONLY", "1".to_owned()));
            env.push(("HMS_CALL_TRANSPORT", protocol.clone()));
        }
        env.push((
            "HMS_CALL_STATS",
            self.call_figures(name).to_string_lossy().into_owned(),
        ));
        if !staff {
            // The phone's calls go over the same link as its reports.
            env.push(("HMS_CALL_RELAY_AT", self.link.relay.to_string()));
            if let Some(part) = &self.setting.sabotage {
                env.push(("HMS_BREAK", part.clone()));
            }
        }
        let logs = self.setting.work.join("logs");
        let driver = Process::start(
            &format!("driver-{name}"),
            Path::new("dbus-run-session"),
            &[
                "--",
                "WebKitWebDriver",
                &format!("--port={port}"),
                "--host=127.0.0.1",
            ],
            &env,
            &logs,
        )?;
        self.processes.push(driver);
        let args = self.app_args(name, staff, position);
        let binary = self
            .setting
            .bin_dir
            .join("hms-ach")
            .to_string_lossy()
            .into_owned();
        let capabilities = json!({ "webkitgtk:browserOptions": { "binary": binary, "args": args } });
        Window::open(&format!("http://127.0.0.1:{port}"), name, capabilities).await
    }

    /// Starts the app for a person, without a driver.
    ///
    /// # Errors
    /// It does not start.
    pub fn open_app(&mut self, name: &str, staff: bool, position: Option<&str>) -> Result<()> {
        let args = self.app_args(name, staff, position);
        let logs = self.setting.work.join("logs");
        let app = Process::start(
            name,
            &self.setting.bin_dir.join("hms-ach"),
            &args,
            &self.env,
            &logs,
        )?;
        self.processes.push(app);
        Ok(())
    }

    /// Folder of a window's profile.
    #[must_use]
    pub fn profile(&self, name: &str) -> PathBuf {
        self.setting.work.join("profiles").join(name)
    }

    /// File of the figures of a window's calls, a line a second.
    fn call_figures(&self, name: &str) -> PathBuf {
        self.setting.work.join(format!("call-{name}.jsonl"))
    }

    /// The newest figures of a window's call, with how like the sound is to the far side's phrase.
    ///
    /// # Errors
    /// There are none.
    pub fn figures(&self, name: &str) -> Result<Value> {
        let text = std::fs::read_to_string(self.call_figures(name)).context("no figures of the call")?;
        let line = text
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok());
        line.context("no figures of the call yet")
    }

    /// Ends a window's app as a crash or an empty battery does.
    ///
    /// # Errors
    /// It does not run, or does not end.
    pub async fn kill_app(&self, name: &str) -> Result<()> {
        let profile = self.profile(name).to_string_lossy().into_owned();
        let id = app_with(&profile).with_context(|| format!("no app runs on {profile}"))?;
        let status = std::process::Command::new("kill").args(["-9", &id]).status()?;
        anyhow::ensure!(status.success(), "the app could not be killed");
        for _ in 0..50 {
            if app_with(&profile).is_none() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the app is still there after kill -9")
    }

    /// What `ach` says about a profile whose app does not run: the same store, seen from outside.
    ///
    /// # Errors
    /// It ends with another code than 0, or its answer is not JSON.
    pub async fn ach(&self, name: &str, phrase: &str, task: &[&str]) -> Result<Value> {
        let run = tokio::process::Command::new(self.setting.bin_dir.join("ach"))
            .arg("--profile")
            .arg(self.profile(name))
            .arg("--json")
            .args(task)
            .env("HMS_PIN", phrase)
            .stdin(std::process::Stdio::null())
            .output();
        let done = tokio::time::timeout(Duration::from_secs(60), run)
            .await
            .context("ach does not end")??;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        anyhow::ensure!(done.status.success(), "ach {}: {said}", task.join(" "));
        serde_json::from_slice(&done.stdout).with_context(|| format!("ach {} is not JSON", task.join(" ")))
    }

    fn app_args(&self, name: &str, staff: bool, position: Option<&str>) -> Vec<String> {
        // The phone reaches the server over a link that can be cut; the desk is on the clinic's network.
        let demo_json = self
            .setting
            .work
            .join(if staff { "server/demo.json" } else { "phone.json" });
        let mut args = vec![
            "--profile".to_owned(),
            self.profile(name).to_string_lossy().into_owned(),
            "--server-json".to_owned(),
            demo_json.to_string_lossy().into_owned(),
            "--synthetic-media".to_owned(),
        ];
        if staff {
            args.extend(["--staff".to_owned(), "--at".to_owned(), "450,0".to_owned()]);
        }
        if let Some(position) = position {
            args.extend(["--position".to_owned(), position.to_owned()]);
        }
        args
    }

    /// Opens Debian's chromium under its driver: the system's browser of the sign-in.
    ///
    /// # Errors
    /// Driver or browser do not start.
    pub async fn browser(&mut self) -> Result<Window> {
        let port = free_port()?;
        let logs = self.setting.work.join("logs");
        let driver = Process::start(
            "driver-browser",
            Path::new("chromedriver"),
            &[format!("--port={port}")],
            &self.env,
            &logs,
        )?;
        self.processes.push(driver);
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=480,900",
        ];
        let options = json!({ "binary": "/usr/bin/chromium", "args": args });
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        Window::open(&format!("http://127.0.0.1:{port}"), "browser", capabilities).await
    }

    /// The screen of our own, where there is one.
    #[must_use]
    pub fn display(&self) -> Option<String> {
        self.env
            .iter()
            .find(|(name, _)| *name == "DISPLAY")
            .map(|(_, display)| display.clone())
    }

    /// The only protocol that calls may use to the relay, where they may use nothing but the relay.
    #[must_use]
    pub fn relay_only(&self) -> Option<&str> {
        self.setting.relay_only.as_deref()
    }

    /// How long a step waits at most: less where a part is broken on purpose and nothing will come.
    #[must_use]
    pub fn patience(&self, seconds: u64) -> Duration {
        Duration::from_secs(if self.setting.sabotage.is_some() {
            seconds.min(25)
        } else {
            seconds
        })
    }

    /// A user of the demo: name, password, token, FHIR id.
    #[must_use]
    pub fn user(&self, role: &str) -> &Value {
        &self.demo["users"][role]
    }

    /// FHIR read or search with another role's token: confirmation from outside.
    ///
    /// # Errors
    /// The server refuses or does not answer.
    pub async fn fhir(&self, role: &str, path: &str) -> Result<Value> {
        self.get(role, &format!("fhir/{path}")).await
    }

    /// Any resource of the server with a role's token.
    ///
    /// # Errors
    /// The server refuses or does not answer.
    pub async fn get(&self, role: &str, path: &str) -> Result<Value> {
        let base = self.demo["base_url"]
            .as_str()
            .unwrap_or_default()
            .trim_end_matches('/');
        let token = self.user(role)["token"].as_str().unwrap_or_default();
        let response = self
            .http
            .get(format!("{base}/{path}"))
            .bearer_auth(token)
            .send()
            .await?;
        let status = response.status();
        if !status.is_success() {
            bail!("GET {path} as {role}: {status}");
        }
        Ok(response.json().await?)
    }

    /// The phone's link is so from now on. Nothing changes where a test wants to see that its checks notice.
    pub fn set_link(&self, way: hms_link::Way) {
        if self.setting.sabotage.as_deref() != Some("link") {
            self.link.set(way);
        }
    }

    /// The phone has no signal from now on.
    pub fn cut_link(&self) {
        self.link.cut();
    }

    /// The phone is in a tunnel: nothing passes, and nobody is told.
    pub fn silence_link(&self) {
        self.link.silence();
    }

    /// The signal is back.
    pub fn restore_link(&self) {
        self.link.restore();
    }

    /// Bytes in the phone's sealed journal of unsent entries.
    #[must_use]
    pub fn journal_bytes(&self, window: &str) -> u64 {
        let file = self.profile(window).join("unsent.sealed");
        file.metadata().map(|m| m.len()).unwrap_or(0)
    }

    /// Ends everything.
    pub async fn leave(self) {
        for process in self.processes.into_iter().rev() {
            process.stop().await;
        }
    }
}

/// The server writes the file in one go, but a reader may be faster than the rename.
async fn read_when_whole(file: &Path) -> Result<Value> {
    for _ in 0..50 {
        if let Ok(value) = serde_json::from_slice(&std::fs::read(file)?) {
            return Ok(value);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} is not JSON", file.display())
}

/// Process id of the app that runs on a profile.
fn app_with(profile: &str) -> Option<String> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id = entry.file_name().into_string().ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words).into_owned();
        let mut words = words.split('\0');
        let app = words.next()?.ends_with("hms-ach");
        (app && words.any(|word| word == profile)).then_some(id)
    })
}

fn free_display() -> String {
    let taken = |n: u32| Path::new(&format!("/tmp/.X11-unix/X{n}")).exists();
    format!(":{}", (90..400).find(|n| !taken(*n)).unwrap_or(90))
}
