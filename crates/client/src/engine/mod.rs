//! The loop: one thread that owns the state of the profile and its store. Everything else sends it jobs.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::client::Shared;
use crate::event::{ClientEvent, Tag};

/// Something to do with the state.
pub(crate) type Job = Box<dyn FnOnce(&mut Engine) + Send>;

/// The state of a profile. Lives on its own thread, because the store blocks.
pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    changed: Vec<Tag>,
    stopped: bool,
}

/// Starts the loop.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    mut inbox: mpsc::Receiver<Job>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("hms-client".into())
        .spawn(move || {
            let mut engine = Engine {
                shared,
                changed: Vec::new(),
                stopped: false,
            };
            while let Some(job) = inbox.blocking_recv() {
                job(&mut engine);
                engine.tell();
                if engine.stopped {
                    break;
                }
            }
        })
}

impl Engine {
    /// Ends the loop after this job.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Notes that values behind a tag changed; windows are told once the job is done.
    pub(crate) fn changed(&mut self, tag: Tag) {
        if !self.changed.contains(&tag) {
            self.changed.push(tag);
        }
    }

    fn tell(&mut self) {
        if !self.changed.is_empty() {
            let tags = self
                .changed
                .drain(..)
                .map(|tag| tag.as_str().to_owned())
                .collect();
            let _ = self.shared.events.send(ClientEvent::Changed { tags });
        }
    }
}
