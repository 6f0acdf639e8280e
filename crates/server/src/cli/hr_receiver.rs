//! `ach-server hr-receiver`.

use super::parse_listen;
use crate::hr::receiver::Receiver;
use crate::hr::sign::SigningSecret;
use anyhow::{bail, Context};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// Options of `hr-receiver`.
#[derive(Debug, Clone, Args)]
pub struct ReceiverOptions {
    /// Address and port for HTTP; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8471", value_parser = parse_listen)]
    pub listen: SocketAddr,
    /// Folder for the messages, one file each.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// File with the secret shared with the server (`whsec_…`); without it, signatures are not checked.
    #[arg(long, value_name = "FILE")]
    pub secret: Option<PathBuf>,
}

/// Receives until the process is told to stop.
pub(super) fn run(options: ReceiverOptions) -> anyhow::Result<()> {
    let secret = match &options.secret {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Some(
                SigningSecret::parse(&text)
                    .with_context(|| format!("{} holds no secret (whsec_…)", file.display()))?,
            )
        }
        None => None,
    };
    if options.dir.exists() && !options.dir.is_dir() {
        bail!(
            "{} is a file; --dir takes the folder for the messages",
            options.dir.display()
        );
    }
    std::fs::create_dir_all(&options.dir).with_context(|| {
        format!(
            "cannot make the folder {}; give another --dir",
            options.dir.display()
        )
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen at {}; give another --listen", options.listen))?;
        let address = listener.local_addr().context("cannot use the listening socket")?;
        println!("HR receiver at http://{address}, writing to {}", options.dir.display());
        tokio::select! {
            served = Receiver::new(&options.dir, secret).serve(listener) => served.context("the receiver ended"),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}
