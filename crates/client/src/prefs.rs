//! Settings of this device in a small plain file. Holds nothing about a person's health and no secret.

use std::path::Path;

use hms_model::form::PreferencesForm;
use hms_model::role::Role;
use serde::{Deserialize, Serialize};

const FILE: &str = "device.json";

/// What the device remembers outside the encrypted store, because it is needed before the store is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preferences {
    /// `en` or `es`.
    pub(crate) language: String,
    /// `auto`, `light`, `dark` or `sun`.
    pub(crate) theme: String,
    /// This device, as the server lists it. Made at the first start.
    pub(crate) device: String,
    /// Public key of the server, pinned at the first sign-in (base64).
    #[serde(default)]
    pub(crate) pinned_key: Option<String>,
    /// Role of the account that signed in here, so that the locked app shows the right window.
    #[serde(default)]
    pub(crate) role: Option<Role>,
    /// The account that signed in here.
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// Server time minus phone time, as last seen.
    #[serde(default)]
    pub(crate) skew_ms: Option<i64>,
}

impl Preferences {
    /// Reads the settings; a missing or unreadable file gives new ones.
    pub(crate) fn read(dir: &Path, locale: &str) -> Self {
        let stored = std::fs::read(dir.join(FILE)).ok();
        stored
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_else(|| Self {
                language: if locale.starts_with("es") { "es" } else { "en" }.to_owned(),
                theme: "auto".to_owned(),
                device: uuid::Uuid::new_v4().to_string(),
                pinned_key: None,
                role: None,
                user: None,
                skew_ms: None,
            })
    }

    /// Writes the settings.
    pub(crate) fn write(&self, dir: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        crate::vault::write_private(&dir.join(FILE), &text)
    }

    /// Takes over what the person chose; false where it is none of the choices.
    pub(crate) fn choose(&mut self, form: PreferencesForm) -> bool {
        let fits = ["en", "es"].contains(&form.language.as_str())
            && ["auto", "light", "dark", "sun"].contains(&form.theme.as_str());
        if fits {
            self.language = form.language;
            self.theme = form.theme;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_kept_and_the_device_stays_the_same() {
        let dir = tempfile::tempdir().expect("dir");
        let mut first = Preferences::read(dir.path(), "es-MX");
        assert_eq!(first.language, "es");
        assert!(!first.choose(PreferencesForm {
            language: "fr".into(),
            theme: "auto".into()
        }));
        assert!(first.choose(PreferencesForm {
            language: "en".into(),
            theme: "sun".into()
        }));
        first.write(dir.path()).expect("write");

        assert_eq!(Preferences::read(dir.path(), "es"), first);
    }
}
