//! Opening a profile.

use crate::args::Args;
use crate::failure::Failure;
use hms_client::{
    Client, MediaChoice, PositionSource, ProfileConfig, Provisioning, SyntheticSide, SystemClock, VaultChoice,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Starts the client of the profile named on the command line.
pub async fn start(args: &Args) -> Result<Client, Failure> {
    let kept = args.profile.join("server.json");
    let server = match &args.server_json {
        Some(file) if !kept.exists() => {
            let server = Provisioning::read(file)?;
            server.write(&args.profile)?;
            server
        }
        _ => Provisioning::read(&kept)?,
    };
    let client = Client::start(ProfileConfig {
        dir: args.profile.clone(),
        server,
        // Scripts have several profiles on one machine; the keychain would hold only one of each name.
        vault: VaultChoice::SealedFile,
        clock: Arc::new(SystemClock),
        opener: Box::new(open),
        position: PositionSource::default(),
        media: media(args),
        staff: false,
        locale: "en".to_owned(),
        downloads: args.profile.join("downloads"),
    })
    .await?;
    Ok(client)
}

fn media(args: &Args) -> MediaChoice {
    match args.task.call().map(|call| call.media.as_str()) {
        Some("devices") => MediaChoice::Devices,
        Some("synthetic") | None => MediaChoice::Synthetic {
            side: if args.task.calls() {
                SyntheticSide::Clinician
            } else {
                SyntheticSide::Carrier
            },
        },
        Some(file) => MediaChoice::File(PathBuf::from(file)),
    }
}

/// Opens an address with the system's own program for it.
fn open(address: &str) -> bool {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let quiet = std::process::Stdio::null;
    let started = std::process::Command::new(program)
        .arg(address)
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
    started.is_ok()
}
