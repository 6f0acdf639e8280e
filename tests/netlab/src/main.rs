//! `netlab`: two network namespaces with a bad link between them, for real programs.
//!
//! `netlab [--name NAME] [--plan PLAN] [--seed N]`, as root on Linux. In NAME-1 the machine is 10.77.0.1 and fd77::1, in
//! NAME-2 10.77.0.2 and fd77::2; all that each sends goes through a [`hms_netlab::PacketLink`] to the other. Programs are
//! run inside by `ip netns exec NAME-1 …`. The first line on the standard output says that all is ready; each line on the
//! standard input is a command and is answered with a line: `{"do":"plan","name":"b","seed":11}` (a new link from time
//! zero), `{"do":"outage","on":true}`, `{"do":"stats"}`, `{"do":"quit"}`. At the end of the input or SIGTERM both
//! namespaces are removed.

#[cfg(target_os = "linux")]
mod program;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match program::run(std::env::args().skip(1)) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("netlab: {why}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("netlab: network namespaces are Linux's alone");
    std::process::ExitCode::FAILURE
}
