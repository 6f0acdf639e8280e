//! The link simulator between two real programs: builds it and hands over.

use crate::run::{program, root, target, Done};
use std::process::Stdio;

/// `cargo xtask link --listen ADDRESS --to ADDRESS --plan NAME|FILE [--udp] [--seed N]`: until Ctrl-C.
pub fn link(args: &[String]) -> Done {
    let built = program("cargo", &["build", "--quiet", "-p", "hms-link"])
        .stdout(Stdio::null())
        .status()
        .map_err(|e| format!("cargo could not be started: {e}"))?;
    if !built.success() {
        return Err("the link could not be built; the words above say why.".to_owned());
    }
    let target = target();
    let folder = if target.is_absolute() {
        target
    } else {
        root().join(target)
    };
    let mut link = std::process::Command::new(folder.join("debug/hms-link"));
    link.args(args);
    replaced(&mut link)
}

/// The link takes this program's place, so that Ctrl-C and `kill` reach it.
#[cfg(unix)]
fn replaced(link: &mut std::process::Command) -> Done {
    use std::os::unix::process::CommandExt;
    Err(format!("the link could not be started: {}", link.exec()))
}

#[cfg(not(unix))]
fn replaced(link: &mut std::process::Command) -> Done {
    match link.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the link ended with {status}")),
        Err(error) => Err(format!("the link could not be started: {error}")),
    }
}
