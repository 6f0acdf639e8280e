//! Start options. Everything has a default: without options the app is the carrier's own.

use hms_client::{
    MediaChoice, Opener, PositionSource, ProfileConfig, Provisioning, ProvisioningError, SyntheticSide,
    SystemClock, VaultChoice,
};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// How the app was started.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Everything of one person on this device: database, sealed secrets, webview data.
    pub profile_dir: PathBuf,
    /// Address, certificate and key of the server, for a profile that has none yet.
    pub server_json: Option<PathBuf>,
    /// A profile was named: its secrets stay in its own folder.
    pub own_profile: bool,
    /// The staff window.
    pub staff: bool,
    /// Where on the screen the window opens, in logical pixels.
    pub at: Option<(f64, f64)>,
    /// A position to use where the device has none (demonstrations say so on screen).
    pub position: Option<(f64, f64)>,
    /// A synthetic camera and microphone stand in.
    pub synthetic_media: bool,
}

const USAGE: &str =
    "Usage: hms-ach [--profile DIR] [--server-json FILE] [--staff] [--at X,Y] [--position LAT,LON] \
                     [--synthetic-media]";

/// Why the app does not start with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The person asked what can be typed.
    Help,
    /// A sentence for the person who typed it.
    Wrong(String),
}

impl Stop {
    /// What is printed, and whether that is what was asked for.
    #[must_use]
    pub fn words(self) -> (String, bool) {
        match self {
            Self::Help => (format!("HMS-ACH, the app.\n{USAGE}"), true),
            Self::Wrong(words) => (words, false),
        }
    }
}

impl From<String> for Stop {
    fn from(words: String) -> Self {
        Self::Wrong(words)
    }
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    /// What to say instead of starting.
    pub fn from_args(args: impl Iterator<Item = OsString>) -> Result<Self, Stop> {
        let mut options = Self {
            profile_dir: default_profile(),
            server_json: None,
            own_profile: false,
            staff: false,
            at: None,
            position: None,
            synthetic_media: false,
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            if arg == "--help" || arg == "-h" {
                return Err(Stop::Help);
            }
            let name = arg.to_string_lossy().into_owned();
            let mut value = || {
                args.next()
                    .ok_or_else(|| format!("{name} needs a value.\n{USAGE}"))
            };
            match name.as_str() {
                "--profile" => {
                    options.profile_dir = value()?.into();
                    options.own_profile = true;
                }
                "--server-json" => options.server_json = Some(value()?.into()),
                "--at" => options.at = Some(pair(&name, &value()?)?),
                "--position" => options.position = Some(pair(&name, &value()?)?),
                "--staff" => options.staff = true,
                "--synthetic-media" => options.synthetic_media = true,
                _ => {
                    return Err(Stop::Wrong(format!(
                        "{name} is not an option of hms-ach.\n{USAGE}"
                    )))
                }
            }
        }
        Ok(options)
    }

    /// What to tell the person when neither the profile nor the command line names a server.
    #[must_use]
    pub fn lacks_server(&self) -> Option<String> {
        let kept = self.profile_dir.join("server.json");
        (self.server_json.is_none() && !kept.exists()).then(|| {
            format!(
                "HMS-ACH does not know its server yet: {} is missing. Start it once with --server-json FILE, the \
                 settings that your administrator gives you. Nothing is lost.",
                kept.display()
            )
        })
    }

    /// What the client is started with.
    ///
    /// A profile named on the command line keeps its keys in a sealed file of its own, so that several
    /// profiles on one desktop do not share the keychain; the app says so on screen.
    ///
    /// # Errors
    /// The server's settings are neither in the profile nor in the file given, or cannot be read.
    pub fn profile(&self, opener: Opener) -> Result<ProfileConfig, ProvisioningError> {
        let kept = self.profile_dir.join("server.json");
        let server = match &self.server_json {
            Some(file) if !kept.exists() => {
                let server = Provisioning::read(file)?;
                server.write(&self.profile_dir)?;
                server
            }
            _ => Provisioning::read(&kept)?,
        };
        let side = if self.staff {
            SyntheticSide::Clinician
        } else {
            SyntheticSide::Carrier
        };
        Ok(ProfileConfig {
            dir: self.profile_dir.clone(),
            server,
            vault: if self.own_profile {
                VaultChoice::SealedFile
            } else {
                VaultChoice::Best
            },
            clock: Arc::new(SystemClock),
            opener,
            position: self.position.map_or_else(PositionSource::default, |(lat, lon)| {
                PositionSource::fixed(lat, lon, None)
            }),
            media: if self.synthetic_media {
                MediaChoice::Synthetic { side }
            } else {
                MediaChoice::Devices
            },
            staff: self.staff,
            locale: locale(),
            downloads: dirs::download_dir()
                .or_else(dirs::document_dir)
                .or_else(dirs::home_dir)
                .unwrap_or_else(|| self.profile_dir.clone()),
        })
    }
}

/// `es` where the system speaks Spanish, else `en`.
fn locale() -> String {
    let speaks = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    if speaks.is_some_and(|lang| lang.starts_with("es")) {
        "es"
    } else {
        "en"
    }
    .to_owned()
}

fn pair(name: &str, value: &OsString) -> Result<(f64, f64), String> {
    let text = value.to_string_lossy();
    let parsed = text
        .split_once(',')
        .and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    parsed.ok_or_else(|| format!("{name} needs two numbers with a comma, like 44.05,-92.50.\n{USAGE}"))
}

/// `$XDG_DATA_HOME/hms-ach` or the like of the system.
fn default_profile() -> PathBuf {
    let home = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    home("XDG_DATA_HOME")
        .or_else(|| home("HOME").map(|home| home.join(".local/share")))
        .or_else(|| home("LOCALAPPDATA"))
        .unwrap_or_else(|| PathBuf::from("."))
        .join("hms-ach")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, Stop> {
        Options::from_args(args.iter().map(OsString::from))
    }

    #[test]
    fn options_are_read_and_a_wrong_one_is_named() {
        let options = parse(&["--profile", "/p", "--staff", "--position", "44.05,-92.5"]).expect("options");
        assert_eq!(options.profile_dir, PathBuf::from("/p"));
        assert_eq!(options.position, Some((44.05, -92.5)));
        assert!(options.staff);

        for (args, words) in [
            (&["--at", "here"][..], "--at needs two numbers"),
            (&["--colour"], "--colour is not an option"),
            (&["--profile"], "--profile needs a value"),
        ] {
            let (said, asked) = parse(args).expect_err("wrong").words();
            assert!(said.starts_with(words) && !asked, "{said}");
        }
    }

    #[test]
    fn who_asks_what_can_be_typed_is_told_and_no_window_opens() {
        for args in [&["--help"][..], &["-h"], &["--staff", "--help"]] {
            let (said, asked) = parse(args).expect_err("help").words();
            assert!(said.contains("--profile DIR") && asked, "{said}");
        }
    }
}
