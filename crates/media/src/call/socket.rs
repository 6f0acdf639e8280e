//! The sockets of a call: from a range of ports, so that a firewall can name them, and each packet marked for routers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::UNIX_EPOCH;

use tokio::net::UdpSocket;

use crate::rate::Kind;

/// A socket at this address, on a free port of the range, or on any.
///
/// # Errors
/// Where no port of the range is free.
pub(crate) async fn open(ip: IpAddr, ports: Option<RangeInclusive<u16>>) -> io::Result<UdpSocket> {
    let Some(ports) = ports else {
        return UdpSocket::bind((ip, 0)).await;
    };
    let count = usize::from(ports.end().saturating_sub(*ports.start())) + 1;
    // Two calls that begin one after the other do not share a port: a router may still know the first one's.
    let begin = UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.subsec_nanos() as usize)
        % count;
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for port in ports.clone().cycle_from(begin, count) {
        match UdpSocket::bind(SocketAddr::new(ip, port)).await {
            Ok(socket) => return Ok(socket),
            Err(why) => refused = why,
        }
    }
    Err(refused)
}

trait CycleFrom {
    fn cycle_from(self, begin: usize, count: usize) -> impl Iterator<Item = u16>;
}

impl CycleFrom for RangeInclusive<u16> {
    fn cycle_from(self, begin: usize, count: usize) -> impl Iterator<Item = u16> {
        let first = *self.start();
        (0..count).map(move |n| first.saturating_add(((begin + n) % count) as u16))
    }
}

/// Marks what leaves a socket: sound, and what it cannot go without, as EF, pictures as AF42 (RFC 8837, table 1: interactive
/// video of medium priority, sound of high). Where the system does not let a program mark packets (Windows without a policy),
/// they go unmarked.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    last: Option<u32>,
}

impl Marks {
    /// Marks the packets that leave from now on.
    pub(crate) fn set(&mut self, socket: &UdpSocket, kind: Kind) {
        let class = match kind {
            Kind::Control | Kind::Sound => 46 << 2,
            Kind::Picture => 36 << 2,
        };
        if self.last.replace(class) == Some(class) {
            return;
        }
        let v4 = socket.local_addr().is_ok_and(|at| at.is_ipv4());
        mark(&socket2::SockRef::from(socket), v4, class);
    }
}

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios"
))]
fn mark(socket: &socket2::SockRef<'_>, v4: bool, class: u32) {
    // A network that refuses marks carries the packets all the same.
    let _ = if v4 {
        socket.set_tos_v4(class)
    } else {
        socket.set_tclass_v6(class)
    };
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios"
)))]
fn mark(_: &socket2::SockRef<'_>, _: bool, _: u32) {}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[tokio::test]
    async fn ports_are_of_the_range_and_end_with_it() {
        let ip = Ipv4Addr::LOCALHOST.into();
        let free = open(ip, None).await.unwrap().local_addr().unwrap().port();
        let ports = free.min(65_000)..=free.min(65_000) + 1;
        let mut open_now = Vec::new();
        while let Ok(socket) = open(ip, Some(ports.clone())).await {
            assert!(ports.contains(&socket.local_addr().unwrap().port()));
            open_now.push(socket);
            assert!(open_now.len() <= 2);
        }
        assert!(!open_now.is_empty());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn sound_and_pictures_are_marked_apart() {
        let (v4, mut marks) = (
            open(Ipv4Addr::LOCALHOST.into(), None).await.unwrap(),
            Marks::default(),
        );
        let is = |socket: &UdpSocket| socket2::SockRef::from(socket).tos_v4().unwrap();
        marks.set(&v4, Kind::Sound);
        assert_eq!(is(&v4), 0xb8);
        marks.set(&v4, Kind::Picture);
        assert_eq!(is(&v4), 0x90);
        marks.set(&v4, Kind::Control);
        assert_eq!(is(&v4), 0xb8);
        // A machine may have no IPv6.
        if let Ok(v6) = open(Ipv6Addr::LOCALHOST.into(), None).await {
            Marks::default().set(&v6, Kind::Picture);
            assert_eq!(socket2::SockRef::from(&v6).tclass_v6().unwrap(), 0x90);
        }
    }
}
