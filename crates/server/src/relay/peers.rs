//! Whom the relay sends to: callers, and not the services of the machine and the network that it stands in.

use std::net::{IpAddr, SocketAddr};

/// Ports below this belong to services; a caller's socket has one above.
const FIRST_CALLER_PORT: u16 = 1024;

/// May a client send to this peer through a relay that listens on `listen`?
///
/// Never to a group, to nobody or to the local link; to this machine only if the relay serves this machine alone.
pub(super) fn allowed(peer: SocketAddr, listen: IpAddr) -> bool {
    if peer.port() < FIRST_CALLER_PORT {
        return false;
    }
    // An IPv4 address in IPv6 clothes is judged as what it is.
    match peer.ip().to_canonical() {
        ip if ip.is_unspecified() || ip.is_multicast() => false,
        ip if ip.is_loopback() => listen.is_loopback(),
        IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_reached_and_services_are_not() {
        let cases = [
            ("10.1.2.3:40000", "0.0.0.0", true),
            ("203.0.113.9:5000", "0.0.0.0", true),
            ("[2001:db8::1]:5000", "::", true),
            ("10.1.2.3:53", "0.0.0.0", false),
            ("127.0.0.1:40000", "0.0.0.0", false),
            ("127.0.0.1:40000", "127.0.0.1", true),
            ("[::ffff:127.0.0.1]:40000", "::", false),
            ("169.254.169.254:8000", "0.0.0.0", false),
            ("[fe80::1]:8000", "::", false),
            ("224.0.0.1:8000", "0.0.0.0", false),
            ("255.255.255.255:8000", "0.0.0.0", false),
            ("0.0.0.0:8000", "0.0.0.0", false),
        ];
        for (peer, listen, wished) in cases {
            assert_eq!(
                allowed(peer.parse().unwrap(), listen.parse().unwrap()),
                wished,
                "{peer}"
            );
        }
    }
}
