//! The person at the sign-in page, in a browser of their own.

use super::webdriver::Window;
use anyhow::{ensure, Result};
use std::time::{Duration, Instant};

/// Signs in on the server's page and waits until the browser says that the app goes on.
///
/// # Errors
/// The page does not appear or refuses.
pub async fn sign_in(browser: &Window, url: &str, username: &str, password: &str) -> Result<()> {
    browser.go(url).await?;
    browser.fill("input[name=username]", username).await?;
    browser.fill("input[name=password]", password).await?;
    browser.tap_css("button[type=submit]").await?;
    let begun = Instant::now();
    loop {
        let text = browser.text().await.unwrap_or_default();
        if text.contains("Go back to HMS-ACH") {
            ensure!(text.contains("Signed in."), "the browser says: {text}");
            return Ok(());
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "after signing in the browser says: {text}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
