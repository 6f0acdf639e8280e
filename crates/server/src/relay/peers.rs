//! Whom the relay sends to: callers, and not the services of the machine and the network that it stands in.

use std::net::{IpAddr, SocketAddr};

/// Ports below this belong to services; a caller's socket has one above.
const FIRST_CALLER_PORT: u16 = 1024;

/// May a client send to this peer through a relay that listens on `listen` and calls itself `advertised`?
///
/// Never to a group, to nobody or to the local link. To this machine only where `allocated` knows the address as another
/// caller's at this relay, or where the relay serves this machine alone.
pub(super) fn allowed(
    peer: SocketAddr,
    listen: IpAddr,
    advertised: Option<IpAddr>,
    allocated: impl Fn(&SocketAddr) -> bool,
) -> bool {
    if peer.port() < FIRST_CALLER_PORT {
        return false;
    }
    let ip = peer.ip().to_canonical();
    let own = [Some(listen), advertised];
    if !listen.is_loopback() && own.into_iter().flatten().any(|own| own.to_canonical() == ip) {
        return allocated(&peer);
    }
    // An IPv4 address in IPv6 clothes is judged as what it is.
    match ip {
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
                allowed(peer.parse().unwrap(), listen.parse().unwrap(), None, |_| false),
                wished,
                "{peer}"
            );
        }
    }

    #[test]
    fn the_services_of_this_machine_are_not_reached_by_its_own_address() {
        let other: SocketAddr = "203.0.113.1:50001".parse().unwrap();
        for (peer, listen, wished) in [
            // The other caller's address at this relay: both sides come through it.
            ("203.0.113.1:50001", "0.0.0.0", true),
            // A database or a name server of this machine.
            ("203.0.113.1:5353", "0.0.0.0", false),
            ("10.0.0.5:8443", "10.0.0.5", false),
            ("[::ffff:10.0.0.5]:8443", "10.0.0.5", false),
            ("10.0.0.6:40000", "10.0.0.5", true),
        ] {
            let allowed = allowed(
                peer.parse().unwrap(),
                listen.parse().unwrap(),
                Some("203.0.113.1".parse().unwrap()),
                |peer| *peer == other,
            );
            assert_eq!(allowed, wished, "{peer} at {listen}");
        }
    }
}
