//! What a scenario leaves behind: a picture and a line a step, and result.json.

use super::webdriver::Window;
use anyhow::Result;
use serde_json::{json, Value};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::process::Command;

/// The folder of evidence.
pub struct Evidence {
    dir: PathBuf,
    display: Option<String>,
    begun: Instant,
    steps: Vec<Value>,
    /// Written under each picture: what is not real about it.
    pub caption: Option<String>,
}

impl Evidence {
    /// Starts with an empty list; `display` is the screen to take pictures of, else the windows are asked.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn in_dir(dir: &Path, display: Option<String>) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            display,
            begun: Instant::now(),
            steps: Vec::new(),
            caption: None,
        })
    }

    /// Notes a step with pictures of the windows and what was confirmed from outside.
    ///
    /// # Errors
    /// A file cannot be written.
    pub async fn step(&mut self, name: &str, windows: &[&Window], confirmed: Value) -> Result<()> {
        let number = self.steps.len() + 1;
        let mut pictures = Vec::new();
        if let Some(display) = &self.display {
            // The screen itself, with both windows as they stand on it.
            let file = format!("{number:02}-{name}.png");
            let to = self.dir.join(&file);
            let import = Command::new("import")
                .args(["-display", display, "-window", "root"])
                .arg(&to)
                .status();
            if import.await.is_ok_and(|status| status.success()) {
                pictures.push(file);
            }
        } else {
            for window in windows {
                let file = format!("{number:02}-{name}-{}.png", window.name);
                std::fs::write(self.dir.join(&file), window.picture().await?)?;
                pictures.push(file);
            }
        }
        if let Some(caption) = &self.caption {
            for file in &pictures {
                write_under(&self.dir.join(file), caption).await;
            }
        }
        let at_s = self.begun.elapsed().as_secs_f64();
        println!("{at_s:7.1} s  {name}: {confirmed}");
        self.steps.push(json!({
            "step": name, "at_s": at_s, "pictures": pictures, "caption": self.caption, "confirmed": confirmed,
        }));
        self.write("running", None)
    }

    /// Writes the result.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&self, problem: Option<&str>) -> Result<()> {
        self.write(if problem.is_some() { "failed" } else { "passed" }, problem)
    }

    fn write(&self, result: &str, problem: Option<&str>) -> Result<()> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let value = json!({ "result": result, "problem": problem, "seconds": seconds, "steps": self.steps });
        std::fs::write(
            self.dir.join("result.json"),
            serde_json::to_string_pretty(&value)?,
        )?;
        Ok(())
    }
}

/// Adds a line of words below a picture. The same words stand in result.json, should the tool be missing.
async fn write_under(file: &Path, words: &str) {
    let strip = ["-background", "black", "-gravity", "south", "-splice", "0x36"];
    let text = [
        "-font",
        "DejaVu-Sans",
        "-fill",
        "white",
        "-pointsize",
        "20",
        "-annotate",
        "+0+8",
    ];
    // The tool fills in what follows a percent sign.
    let words = words.replace('%', "%%");
    let written = Command::new("mogrify")
        .args(strip)
        .args(text)
        .arg(words)
        .arg(file)
        .status();
    if !written.await.is_ok_and(|status| status.success()) {
        println!("   (no words under {})", file.display());
    }
}
