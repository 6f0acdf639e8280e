//! Signing in: the window shows the address, the person's browser does the rest.

use super::Scene;
use crate::stage::browser;
use crate::stage::webdriver::Window;
use anyhow::Result;
use serde_json::{json, Value};

/// Without a keychain a passphrase takes the PIN's place; the windows of the stage have none.
pub(super) const PHRASE: &str = "gravel road mailbox";

pub(super) async fn sign_in_both(scene: &mut Scene) -> Result<()> {
    sign_in(&scene.carrier, &scene.browser, scene.cast.user("carrier")).await?;
    sign_in(&scene.clinician, &scene.browser, scene.cast.user("clinician")).await?;
    scene.carrier.see("screen-home").await?;
    scene.clinician.see("queue-title").await?;
    let who = scene.cast.get("carrier", "api/session").await?;
    let confirmed = json!({ "carrier": who["role"] });
    scene
        .evidence
        .step("sign-in", &[&scene.carrier, &scene.clinician], confirmed)
        .await
}

/// Opens a profile that is signed in, as after a restart of the phone.
pub(super) async fn unlock(window: &Window) -> Result<()> {
    window.fill("[data-testid=pin-phrase]", PHRASE).await?;
    window.tap("pin-give").await
}

/// Signs a window in as a user of the demo.
pub(super) async fn sign_in(window: &Window, chromium: &Window, user: &Value) -> Result<()> {
    window.tap("sign-in-start").await?;
    let url = window.attribute("sign-in-url", "href").await?;
    let word = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    browser::sign_in(chromium, &url, &word("username"), &word("password")).await?;
    window.see("screen-set-pin").await?;
    for _ in 0..2 {
        window.fill("[data-testid=pin-phrase]", PHRASE).await?;
        window.tap("pin-give").await?;
    }
    Ok(())
}
