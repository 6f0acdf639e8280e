//! coturn, the peer of our relay: Debian's package, run by hand with a file of our own.

use super::line::Pass;
use crate::stage::process::{free_port, Process};
use anyhow::{ensure, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "visit";
const WORD: &str = "a-word-for-a-bench";

/// A running coturn.
pub(super) struct Coturn {
    process: Process,
    address: SocketAddr,
}

impl Coturn {
    /// Starts it; the reason where it cannot be had.
    pub(super) async fn start(folder: &Path) -> Result<Self> {
        let program = ["/usr/bin/turnserver", "/usr/local/bin/turnserver"]
            .map(PathBuf::from)
            .into_iter()
            .find(|path| path.exists());
        ensure!(program.is_some(), "there is no turnserver (Debian: coturn)");
        let address: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        let file = folder.join("turnserver.conf");
        // No TLS and no logs on the disk: neither has our relay.
        let text = format!(
            "listening-ip=127.0.0.1\nlistening-port={}\nrelay-ip=127.0.0.1\nrealm=hms-ach\nlt-cred-mech\nuser={NAME}:{WORD}\n\
             allow-loopback-peers\nno-tls\nno-dtls\nno-cli\nlog-file=stdout\nsimple-log\nno-software-attribute\n\
             pidfile={}\nuserdb={}\n",
            address.port(),
            folder.join("turnserver.pid").display(),
            folder.join("turnserver.db").display(),
        );
        std::fs::write(&file, text)?;
        let args = ["-c".to_owned(), file.to_string_lossy().into_owned()];
        let process = Process::start("coturn", &program.unwrap_or_default(), &args, &[], folder)?;
        // It says nothing that could be waited for; a client asks again.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Self { process, address })
    }

    pub(super) fn pass(&self) -> Pass {
        Pass {
            relay: self.address,
            username: NAME.to_owned(),
            credential: WORD.to_owned(),
        }
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    pub(super) async fn stop(self) {
        self.process.stop().await;
    }
}
