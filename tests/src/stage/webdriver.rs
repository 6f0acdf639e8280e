//! A small W3C WebDriver client: the eight calls that the script needs, on the HTTP client that is in the lock anyway.
//!
//! Acts only on elements that are displayed and have an accessible name, as a person could.

use anyhow::{anyhow, bail, Context, Result};
use base64::Engine;
use serde_json::{json, Value};
use std::time::{Duration, Instant};

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One window under WebDriver.
pub struct Window {
    http: reqwest::Client,
    session: String,
    /// Name in errors and evidence.
    pub name: String,
}

/// An element on the page.
pub struct Element {
    id: String,
    /// Accessible name as the browser computes it.
    pub label: String,
}

impl Window {
    /// Starts a session; `capabilities` say which program.
    ///
    /// # Errors
    /// The driver does not answer or refuses.
    pub async fn open(driver: &str, name: &str, capabilities: Value) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(90))
            .build()?;
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let begun = Instant::now();
        loop {
            match http.post(format!("{driver}/session")).json(&body).send().await {
                Ok(response) => {
                    let value: Value = response.json().await.context("the driver's answer is not JSON")?;
                    let id = value["value"]["sessionId"]
                        .as_str()
                        .ok_or_else(|| anyhow!("{name}: no session: {}", value["value"]["message"]))?;
                    return Ok(Self {
                        http,
                        session: format!("{driver}/session/{id}"),
                        name: name.to_owned(),
                    });
                }
                Err(_) if begun.elapsed() < Duration::from_secs(20) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(error) => return Err(error).context("the driver does not answer"),
            }
        }
    }

    /// Makes any call of the protocol on this session.
    ///
    /// # Errors
    /// The driver fails or refuses.
    pub async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let mut answer: Value = request.send().await?.json().await?;
        let value = answer["value"].take();
        if let Some(error) = value.get("error").and_then(Value::as_str) {
            bail!(
                "{}: {error}: {}",
                self.name,
                value["message"].as_str().unwrap_or_default()
            );
        }
        Ok(value)
    }

    /// Goes to an address (browsers only).
    ///
    /// # Errors
    /// The page cannot be loaded.
    pub async fn go(&self, url: &str) -> Result<()> {
        self.call(reqwest::Method::POST, "/url", Some(json!({ "url": url })))
            .await
            .map(drop)
    }

    /// Waits for a displayed element with this test id, at most 20 s.
    ///
    /// # Errors
    /// It does not appear, or has no accessible name.
    pub async fn see(&self, test_id: &str) -> Result<Element> {
        self.see_css(&format!("[data-testid=\"{test_id}\"]"), Duration::from_secs(20))
            .await
    }

    /// Waits for a displayed element by CSS selector.
    ///
    /// # Errors
    /// It does not appear in time, or has no accessible name.
    pub async fn see_css(&self, css: &str, wait: Duration) -> Result<Element> {
        let begun = Instant::now();
        loop {
            if let Some(element) = self.find(css).await? {
                return Ok(element);
            }
            if begun.elapsed() > wait {
                let page = self.text().await.unwrap_or_default();
                bail!(
                    "{}: {css} did not appear in {} s. The page says: {page}",
                    self.name,
                    wait.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The first displayed element that fits, if any is there now.
    ///
    /// # Errors
    /// The driver fails.
    pub async fn find(&self, css: &str) -> Result<Option<Element>> {
        let body = json!({ "using": "css selector", "value": css });
        let found = self.call(reqwest::Method::POST, "/elements", Some(body)).await?;
        for item in found.as_array().into_iter().flatten() {
            let Some(id) = item[ELEMENT].as_str() else {
                continue;
            };
            let get = reqwest::Method::GET;
            // An element may be replaced between two calls; then it is simply not there.
            let shown = self
                .call(get.clone(), &format!("/element/{id}/displayed"), None)
                .await;
            if !matches!(shown, Ok(Value::Bool(true))) {
                continue;
            }
            let label = self
                .call(get.clone(), &format!("/element/{id}/computedlabel"), None)
                .await;
            let mut label = label
                .ok()
                .and_then(|l| l.as_str().map(str::to_owned))
                .unwrap_or_default();
            if label.is_empty() {
                // A `<label>` around its box has no name of its own; its words name the box.
                let words = self.call(get, &format!("/element/{id}/text"), None).await;
                label = words
                    .ok()
                    .and_then(|w| w.as_str().map(str::to_owned))
                    .unwrap_or_default();
            }
            return Ok(Some(Element {
                id: id.to_owned(),
                label,
            }));
        }
        Ok(None)
    }

    /// Clicks an element as a person does; refuses one without a name.
    ///
    /// # Errors
    /// It is not there, has no name, or cannot be clicked.
    pub async fn tap(&self, test_id: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let element = self.see(test_id).await?;
            if element.label.trim().is_empty() {
                bail!("{}: {test_id} has no accessible name", self.name);
            }
            // As a person does: scroll until it is clear of the bars at the edges, then tap.
            let scroll = json!({
                "script": "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })",
                "args": [{ (ELEMENT): element.id.clone() }],
            });
            self.call(reqwest::Method::POST, "/execute/sync", Some(scroll))
                .await
                .ok();
            let path = format!("/element/{}/click", element.id);
            match self.call(reqwest::Method::POST, &path, Some(json!({}))).await {
                Ok(_) => return Ok(()),
                // Replaced or covered while the page was changing.
                Err(_) if begun.elapsed() < Duration::from_secs(5) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.context(format!("could not tap {test_id}"))),
            }
        }
    }

    /// Presses a button from the keyboard: Enter; or Space in the box of a labelled choice.
    ///
    /// # Errors
    /// It is not there, has no name, or takes no keys.
    pub async fn press(&self, test_id: &str) -> Result<()> {
        let element = self.see(test_id).await?;
        if element.label.trim().is_empty() {
            bail!("{}: {test_id} has no accessible name", self.name);
        }
        // The box of a labelled choice is drawn by its label; it is there for the keyboard only.
        let inside = json!({ "using": "css selector", "value": "input" });
        let path = format!("/element/{}/element", element.id);
        let (id, key) = match self.call(reqwest::Method::POST, &path, Some(inside)).await {
            Ok(found) => (found[ELEMENT].as_str().unwrap_or_default().to_owned(), " "),
            Err(_) => (element.id, "\u{E007}"),
        };
        let path = format!("/element/{id}/value");
        let typed = self
            .call(reqwest::Method::POST, &path, Some(json!({ "text": key })))
            .await;
        typed
            .map(drop)
            .with_context(|| format!("could not press {test_id}"))
    }

    /// Types into an element.
    ///
    /// # Errors
    /// It is not there or takes no text.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.see_css(css, Duration::from_secs(20)).await?;
        self.call(
            reqwest::Method::POST,
            &format!("/element/{}/clear", element.id),
            Some(json!({})),
        )
        .await
        .ok();
        let path = format!("/element/{}/value", element.id);
        self.call(reqwest::Method::POST, &path, Some(json!({ "text": text })))
            .await
            .map(drop)
    }

    /// Clicks by CSS selector (pages of the browser, which have no test ids).
    ///
    /// # Errors
    /// It is not there or cannot be clicked.
    pub async fn tap_css(&self, css: &str) -> Result<()> {
        let element = self.see_css(css, Duration::from_secs(20)).await?;
        let path = format!("/element/{}/click", element.id);
        self.call(reqwest::Method::POST, &path, Some(json!({})))
            .await
            .map(drop)
    }

    /// Text of the displayed element with this test id.
    ///
    /// # Errors
    /// It does not appear.
    pub async fn read(&self, test_id: &str) -> Result<String> {
        let element = self.see(test_id).await?;
        let text = self
            .call(
                reqwest::Method::GET,
                &format!("/element/{}/text", element.id),
                None,
            )
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the text of an element satisfies a condition.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn read_until(
        &self,
        test_id: &str,
        wait: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let begun = Instant::now();
        loop {
            let text = self.read(test_id).await.unwrap_or_default();
            if fits(&text) {
                return Ok(text);
            }
            if begun.elapsed() > wait {
                bail!(
                    "{}: {test_id} still says {text:?} after {} s",
                    self.name,
                    wait.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Text of the first displayed element that fits, if one is there now.
    ///
    /// # Errors
    /// The driver fails.
    pub async fn text_now(&self, css: &str) -> Result<Option<String>> {
        let Some(element) = self.find(css).await? else {
            return Ok(None);
        };
        let path = format!("/element/{}/text", element.id);
        let read = self.call(reqwest::Method::GET, &path, None).await;
        // It may have been replaced between the two calls; then it is not there.
        Ok(read.ok().and_then(|value| value.as_str().map(str::to_owned)))
    }

    /// What stands in a field.
    ///
    /// # Errors
    /// It is not there.
    pub async fn value(&self, css: &str) -> Result<String> {
        let element = self.see_css(css, Duration::from_secs(10)).await?;
        let path = format!("/element/{}/property/value", element.id);
        let read = self.call(reqwest::Method::GET, &path, None).await?;
        Ok(read.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the text of the first displayed element that fits a selector satisfies a condition.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn read_css_until(
        &self,
        css: &str,
        wait: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let begun = Instant::now();
        let mut text = String::new();
        while begun.elapsed() < wait {
            if let Some(now) = self.text_now(css).await? {
                text = now;
                if fits(&text) {
                    return Ok(text);
                }
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        bail!(
            "{}: {css} still says {text:?} after {} s",
            self.name,
            wait.as_secs()
        );
    }

    /// Value of an attribute of the displayed element.
    ///
    /// # Errors
    /// It does not appear.
    pub async fn attribute(&self, test_id: &str, name: &str) -> Result<String> {
        let element = self.see(test_id).await?;
        let path = format!("/element/{}/attribute/{name}", element.id);
        let value = self.call(reqwest::Method::GET, &path, None).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// All words on the page.
    ///
    /// # Errors
    /// The driver fails.
    pub async fn text(&self) -> Result<String> {
        let script = json!({ "script": "return document.body.innerText", "args": [] });
        let text = self
            .call(reqwest::Method::POST, "/execute/sync", Some(script))
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The window as PNG.
    ///
    /// # Errors
    /// The driver fails.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        let coded = self.call(reqwest::Method::GET, "/screenshot", None).await?;
        base64::engine::general_purpose::STANDARD
            .decode(coded.as_str().unwrap_or_default())
            .context("the screenshot is not base64")
    }

    /// Ends the session and so the program.
    pub async fn close(self) {
        let _ = self.http.delete(&self.session).send().await;
    }
}
