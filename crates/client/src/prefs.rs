//! Settings of this device in a small plain file. Holds nothing about a person's health and no secret.

use std::path::Path;

use hms_model::form::PreferencesForm;
use hms_model::role::Role;
use hms_model::view::LargeMedia;
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
    /// Initials of that account, to be chosen by on a phone with several people.
    #[serde(default)]
    pub(crate) initials: Option<String>,
    /// What large photos do on a link that costs.
    #[serde(default)]
    pub(crate) large_media_on_metered: LargeMedia,
    /// The person said that the link costs money, whatever the system knows.
    #[serde(default)]
    pub(crate) link_costs: bool,
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
                initials: None,
                large_media_on_metered: LargeMedia::default(),
                link_costs: false,
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

/// First letters of the first and the last word of a name.
pub(crate) fn initials_of(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    first
        .into_iter()
        .chain(words.next_back())
        .flat_map(char::to_uppercase)
        .collect()
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

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials_of("Dana Reyes"), "DR");
        assert_eq!(initials_of("ángel de la Cruz"), "ÁC");
        assert_eq!(initials_of("Dana"), "D");
        assert_eq!(initials_of(" "), "");
    }
}
