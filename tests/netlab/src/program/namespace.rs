//! A network namespace with a TUN device in it.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;

use super::sys;

/// Removed when dropped.
pub(super) struct Namespace {
    name: String,
    tun: Arc<File>,
}

impl Namespace {
    /// Makes `NAME-number`; one of that name that was left behind is removed first.
    pub(super) fn make(name: &str, number: u8) -> Result<Self, String> {
        let name = format!("{name}-{number}");
        let _ = ip(&["netns", "del", &name]);
        ip(&["netns", "add", &name])?;
        Self::furnish(name.clone(), number).inspect_err(|_| {
            let _ = ip(&["netns", "del", &name]);
        })
    }

    fn furnish(name: String, number: u8) -> Result<Self, String> {
        // A thread of its own moves in: the device stays where it was made, its file works from everywhere.
        let place = format!("/var/run/netns/{name}");
        let tun = std::thread::spawn(move || -> Result<File, String> {
            let fail = |what: &str, e: std::io::Error| format!("{what}: {e}");
            let space = File::open(&place).map_err(|e| fail(&place, e))?;
            sys::enter(&space).map_err(|e| fail("enter the namespace", e))?;
            sys::open_tun("tun0").map_err(|e| fail("make a TUN device", e))
        })
        .join()
        .map_err(|_| "the thread that makes a TUN device panicked".to_owned())??;
        let inside = |arguments: &[&str]| ip(&[&["-n", &name], arguments].concat());
        // No link-local address: no packets of its own that would move the count of packets.
        inside(&["link", "set", "tun0", "addrgenmode", "none"])?;
        inside(&[
            "link",
            "set",
            "tun0",
            "mtu",
            "1500",
            "multicast",
            "off",
            "txqueuelen",
            "2000",
        ])?;
        inside(&["link", "set", "lo", "up"])?;
        inside(&["addr", "add", &format!("10.77.0.{number}/24"), "dev", "tun0"])?;
        inside(&["link", "set", "tun0", "up"])?;
        // A machine may have no IPv6 at all.
        let _ = inside(&[
            "-6",
            "addr",
            "add",
            &format!("fd77::{number}/64"),
            "dev",
            "tun0",
            "nodad",
        ]);
        let _ = inside(&["-6", "route", "add", "default", "dev", "tun0"]);
        // Who looks for the way to the world finds this address.
        inside(&["route", "add", "default", "dev", "tun0"])?;
        Ok(Self {
            name,
            tun: Arc::new(tun),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The device: what is read was sent inside, what is written arrives inside.
    pub(super) fn tun(&self) -> Arc<File> {
        Arc::clone(&self.tun)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(why) = ip(&["netns", "del", &self.name]) {
            eprintln!("netlab: {why}");
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let done = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|e| format!("ip could not be started: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), said.trim()))
}
