//! Settings in `DATA/config.json`. Every one has a default; an unknown one is an error, not ignored.

use crate::data_dir::DataDir;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// File.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} is not valid: {why}")]
    Invalid {
        /// File.
        path: PathBuf,
        /// Line, column and reason; settings hold no data of a person.
        why: String,
    },
    /// An address is none. Nothing would be sent there, and nobody would notice for days.
    #[error("{text:?} is not an address for {option} ({name} in config.json); write it as {form}")]
    Address {
        /// Option of `serve`.
        option: &'static str,
        /// Name in the file.
        name: &'static str,
        /// What was given.
        text: String,
        /// What is taken.
        form: &'static str,
    },
}

/// Settings of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address under which clients reach the server, without a slash at the end; made from `--listen` where it is empty.
    pub base_url: String,
    /// Address of the sign-in pages where it differs from `base_url`; `serve --demo` fills it in.
    pub sign_in_url: Option<String>,
    /// An external OpenID Connect issuer whose access tokens are taken beside the server's own.
    pub issuer: Option<String>,
    /// The audience that an external issuer's tokens must have; `base_url` where it is not given.
    pub audience: Option<String>,
    /// Certificate, in PEM form, of the authority that vouches for the external issuer, where that is not a public one.
    pub issuer_ca: Option<PathBuf>,
    /// Makes this server an issuer for another service: the access tokens that it gives are then signed JWTs for this
    /// audience, and are not for its own interface.
    pub token_audience: Option<String>,
    /// Telephone number of the occupational-health line, for phones that nobody has signed in on.
    pub help_phone: String,
    /// Address of HR's receiver.
    pub hr_url: Option<String>,
    /// Address and port of the embedded relay for calls, UDP and TCP; none where it is empty.
    pub relay_listen: Option<String>,
    /// Address under which clients reach the relay, where it is not the one that is listened on.
    pub relay_address: Option<String>,
    /// UDP ports of the addresses that the relay gives to clients, `FIRST-LAST`; any where it is empty.
    pub relay_ports: Option<String>,
    /// TCP port under which clients reach the relay in TLS; its own where it is empty. 443 where a router passes that on: networks
    /// that let nothing else through let that through.
    pub relay_tls_port: Option<u16>,
    /// Folder of the staff page for browsers, as `cargo xtask staff-page` makes it; no page where it is empty.
    pub staff_page: Option<PathBuf>,
    /// The data is made up for a demonstration; `serve --demo` says so.
    #[serde(skip)]
    pub demo: bool,
    /// Seconds after which an emergency that no clinician has opened goes to the nurses.
    pub escalate_after_s: u32,
    /// Days that a device may show its records without having reached the server; 0: no bound. A new report is always
    /// taken.
    pub offline_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            sign_in_url: None,
            issuer: None,
            audience: None,
            issuer_ca: None,
            token_audience: None,
            help_phone: "1-800-555-0142".to_owned(),
            hr_url: None,
            relay_listen: None,
            relay_address: None,
            relay_ports: None,
            relay_tls_port: None,
            staff_page: None,
            demo: false,
            escalate_after_s: 120,
            offline_days: 30,
        }
    }
}

impl Settings {
    /// Reads `config.json`; without one, the defaults.
    ///
    /// # Errors
    /// [`SettingsError`] where the file is there and is not usable.
    pub fn read(dir: &DataDir) -> Result<Self, SettingsError> {
        let path = dir.root().join("config.json");
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| SettingsError::Invalid {
                path,
                why: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(SettingsError::Read { path, source }),
        }
    }

    /// Refuses addresses that are none, wherever they were given.
    ///
    /// # Errors
    /// [`SettingsError::Address`].
    pub fn check(&self) -> Result<(), SettingsError> {
        if let Some(text) = self.hr_url.as_ref().filter(|text| !is_address(text, true)) {
            return Err(SettingsError::Address {
                option: "--hr-url",
                name: "hr_url",
                text: text.clone(),
                form: "https://NAME/PATH",
            });
        }
        if let Some(text) = self.issuer.as_ref().filter(|text| !is_address(text, false)) {
            return Err(SettingsError::Address {
                option: "--issuer",
                name: "issuer",
                text: text.clone(),
                form: "https://NAME or https://NAME/PATH",
            });
        }
        Ok(())
    }

    /// Where the sign-in pages are.
    #[must_use]
    pub fn sign_in_base(&self) -> &str {
        self.sign_in_url.as_deref().unwrap_or(&self.base_url)
    }
}

/// Whether a text is an https address; in clear only where that is `plain`, or on this machine.
fn is_address(text: &str, plain: bool) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else {
        return false;
    };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return false;
    };
    let here = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
    url.scheme() == "https" || (url.scheme() == "http" && (plain || here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_named_with_its_option() {
        let hr = |text: &str| Settings {
            hr_url: Some(text.to_owned()),
            ..Settings::default()
        };
        let issuer = |text: &str| Settings {
            issuer: Some(text.to_owned()),
            ..Settings::default()
        };
        for good in [
            Settings::default(),
            hr("http://127.0.0.1:8471/"),
            hr("http://hr.example.gov/in"),
            issuer("https://id.example.gov/realms/post"),
            issuer("http://localhost:9000"),
        ] {
            assert!(good.check().is_ok(), "{good:?}");
        }
        for (bad, option) in [
            (hr("nonsense"), "--hr-url"),
            (hr(""), "--hr-url"),
            (hr("ftp://hr.example.gov"), "--hr-url"),
            (hr("https://"), "--hr-url"),
            (hr("hr.example.gov:8471"), "--hr-url"),
            (issuer("nonsense"), "--issuer"),
            (issuer("http://id.example.gov"), "--issuer"),
        ] {
            let said = bad.check().expect_err("refused").to_string();
            assert!(said.contains(option) && said.contains("https://NAME"), "{said}");
        }
    }
}
