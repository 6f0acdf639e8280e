//! The person at the sign-in page, in a browser of their own.

use super::webdriver::Window;
use anyhow::{ensure, Result};
use std::time::{Duration, Instant};

/// Signs in on the server's page and waits until the browser is back at the app.
///
/// # Errors
/// The page does not appear or refuses.
pub async fn sign_in(browser: &Window, url: &str, username: &str, password: &str) -> Result<()> {
    browser.go(url).await?;
    browser.fill("input[name=username]", username).await?;
    browser.fill("input[name=password]", password).await?;
    browser.tap_css("button[type=submit]").await?;
    browser
        .see_css("[data-signed-in]", Duration::from_secs(20))
        .await?;
    Ok(())
}
