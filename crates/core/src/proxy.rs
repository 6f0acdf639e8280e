//! HTTP proxies, sans-IO: which connection goes through one, how it is asked for a tunnel (CONNECT, RFC 9110 9.3.6), and
//! what its answer means.

use std::net::IpAddr;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::secret::Secret;

/// Bytes that the head of an answer may have.
pub const LONGEST_HEAD: usize = 8 * 1024;
/// Where no port is named.
const USUAL_PORT: u16 = 80;

/// One proxy. What it is told of its user is not printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    authorization: Option<Secret<String>>,
}

/// The address of a proxy that cannot be used. Says nothing of what stands in it: that may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// SOCKS, or a proxy that is itself spoken to in TLS.
    #[error("only proxies with an address like http://NAME:PORT are supported")]
    Scheme,
    /// Not an address.
    #[error("the proxy's address cannot be read")]
    Unreadable,
}

/// No tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 407.
    #[error("the proxy wants a name and a password, or other ones")]
    Credentials,
    /// Another status.
    #[error("the proxy refuses (status {0})")]
    Status(u16),
    /// More than [`LONGEST_HEAD`] bytes, or none at all.
    #[error("the proxy's answer does not end where it should")]
    Endless,
    /// Something that does not speak HTTP/1.
    #[error("what answers is not an HTTP proxy")]
    NotHttp,
    /// A name that cannot stand in a request.
    #[error("no tunnel can be asked for to such a name")]
    Name,
}

impl Proxy {
    /// Reads `[http://][USER[:PASSWORD]@]HOST[:PORT]`; user and password may have `%xx` in them.
    ///
    /// # Errors
    /// What it cannot be.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let rest = match text.trim().split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(BadAddress::Scheme),
            None => text.trim(),
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = host_and_port(place).ok_or(BadAddress::Unreadable)?;
        let authorization = match user {
            Some(user) => Some(basic(user).ok_or(BadAddress::Unreadable)?),
            None => None,
        };
        Ok(Self {
            host,
            port,
            authorization,
        })
    }

    /// Its name or address, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address as a URL, without user and password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", authority(&self.host, self.port))
    }

    /// What it is told of its user: the value of `Proxy-Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Option<&Secret<String>> {
        self.authorization.as_ref()
    }

    /// Asks for a tunnel to a host, which the proxy looks up.
    ///
    /// # Errors
    /// [`Refusal::Name`] where the host has in it what a request cannot.
    pub fn request(&self, host: &str, port: u16) -> Result<Vec<u8>, Refusal> {
        if !is_host(host) {
            return Err(Refusal::Name);
        }
        let to = authority(host, port);
        let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: HMS-ACH\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(authorization.expose());
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        Ok(request.into_bytes())
    }
}

/// Looks at an answer as far as it has come: how many bytes its head has, once it is whole. What is behind it comes from
/// the other end of the tunnel.
///
/// # Errors
/// Why there is no tunnel.
pub fn read_answer(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    const START: &[u8] = b"HTTP/1.";
    let begun = bytes.len().min(START.len());
    if bytes.get(..begun) != START.get(..begun) {
        return Err(Refusal::NotHttp);
    }
    let seen = bytes.get(..LONGEST_HEAD).unwrap_or(bytes);
    let Some(end) = seen.windows(4).position(|part| part == b"\r\n\r\n") else {
        return if bytes.len() >= LONGEST_HEAD {
            Err(Refusal::Endless)
        } else {
            Ok(None)
        };
    };
    // `HTTP/1.1 200 …`
    let status = match seen.get(START.len()..START.len() + 6) {
        Some([minor, b' ', digits @ .., after])
            if minor.is_ascii_digit()
                && digits.iter().all(u8::is_ascii_digit)
                && matches!(after, b' ' | b'\r') =>
        {
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
        }
        _ => return Err(Refusal::NotHttp),
    };
    match status {
        200..=299 => Ok(Some(end + 4)),
        407 => Err(Refusal::Credentials),
        other => Err(Refusal::Status(other)),
    }
}

/// Which hosts are reached through a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    proxy: Option<Proxy>,
    except: Vec<Except>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Except {
    Everything,
    /// This name and all below it.
    Name(String),
    Net(IpAddr, u8),
}

impl Proxies {
    /// A proxy for all but what `except` names, as `NO_PROXY` does: names (with all below them), addresses, networks
    /// (`10.0.0.0/8`), or `*`, with commas or blanks between them. An entry that is none of these names a host that does not exist.
    #[must_use]
    pub fn new(proxy: Proxy, except: &str) -> Self {
        let entries = except.split([',', ' ', '\t']).map(str::trim);
        Self {
            proxy: Some(proxy),
            except: entries
                .filter(|entry| !entry.is_empty())
                .map(Except::read)
                .collect(),
        }
    }

    /// The proxy, whomever it is for.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The proxy to this host. None where it is reached directly: it is this machine, or excepted, or there is no proxy.
    #[must_use]
    pub fn to(&self, host: &str) -> Option<&Proxy> {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let host = host.to_ascii_lowercase();
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        let here = match ip {
            Some(ip) => ip.is_loopback(),
            None => is_or_below(&host, "localhost"),
        };
        let excepted = here || self.except.iter().any(|except| except.holds(&host, ip));
        self.proxy.as_ref().filter(|_| !excepted)
    }
}

impl Except {
    fn read(entry: &str) -> Self {
        if entry == "*" {
            return Self::Everything;
        }
        let (place, bits) = match entry.split_once('/') {
            Some((place, bits)) => (place, bits.parse().ok()),
            None => (entry, Some(u8::MAX)),
        };
        match (place.trim_matches(['[', ']']).parse::<IpAddr>(), bits) {
            (Ok(ip), Some(bits)) => Self::Net(ip.to_canonical(), bits),
            _ => {
                let name = entry.trim_start_matches("*.").trim_matches('.');
                Self::Name(name.to_ascii_lowercase())
            }
        }
    }

    fn holds(&self, host: &str, ip: Option<IpAddr>) -> bool {
        match (self, ip) {
            (Self::Everything, _) => true,
            (Self::Name(name), None) => is_or_below(host, name),
            (Self::Net(net, bits), Some(ip)) => same_net(*net, ip, *bits),
            (Self::Name(_), Some(_)) | (Self::Net(..), None) => false,
        }
    }
}

fn is_or_below(host: &str, name: &str) -> bool {
    let above = host.strip_suffix(name);
    !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

fn same_net(net: IpAddr, ip: IpAddr, bits: u8) -> bool {
    let (net, ip, width) = match (net, ip) {
        (IpAddr::V4(net), IpAddr::V4(ip)) => (u128::from(net.to_bits()), u128::from(ip.to_bits()), 32),
        (IpAddr::V6(net), IpAddr::V6(ip)) => (net.to_bits(), ip.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let rest = width - u32::from(bits).min(width);
    (net ^ ip).checked_shr(rest).unwrap_or(0) == 0
}

fn host_and_port(place: &str) -> Option<(String, u16)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    let port = match port {
        "" => USUAL_PORT,
        port => port.parse().ok().filter(|port| *port > 0)?,
    };
    let plain = !host.contains(':') || place.starts_with('[');
    (plain && is_host(host)).then(|| (host.to_owned(), port))
}

fn is_host(host: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (1..=255).contains(&host.len()) && host.chars().all(fits)
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// `Basic …` of a URL's user and password.
fn basic(user: &str) -> Option<Secret<String>> {
    let (name, word) = user.split_once(':').unwrap_or((user, ""));
    let (name, word) = (Secret::new(plain(name)?), Secret::new(plain(word)?));
    let both = Secret::new([name.expose().as_slice(), b":", word.expose().as_slice()].concat());
    Some(Secret::new(format!("Basic {}", STANDARD.encode(both.expose()))))
}

/// Without `%xx`.
fn plain(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        out.push(u8::from_str_radix(digits, 16).ok()?);
        out.extend_from_slice(rest.as_bytes());
    }
    Some(out)
}

#[cfg(test)]
mod tests;
