//! The embedded relay, as `serve` starts it.

use crate::jobs::RelayAccess;
use crate::random;
use crate::relay::{Relay, RelayUser};
use crate::settings::Settings;
use crate::signal::run::RelayDoor;
use crate::signal::turn::TurnIssuer;
use anyhow::Context;
use hms_model::secret::Secret;
use hms_model::wire::signal::WireTurn;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// Starts the relay where one is configured.
pub(super) async fn start(
    settings: &Settings,
    mut tls: rustls::ServerConfig,
) -> anyhow::Result<Option<Arc<Relay>>> {
    let Some(listen) = settings.relay_listen.as_deref().filter(|l| !l.is_empty()) else {
        return Ok(None);
    };
    let listen: SocketAddr = listen
        .parse()
        .context("relay_listen is not ADDRESS:PORT, such as 0.0.0.0:3478")?;
    let advertised = advertised(settings)?;
    // TURN has no protocol of the web's to agree on.
    tls.alpn_protocols = Vec::new();
    let relay = Relay::start(listen, advertised, ports(settings)?, Some(Arc::new(tls)), [])
        .await
        .with_context(|| format!("cannot open the relay at {listen}; give another --relay"))?;
    tracing::info!(address = %relay.addr(), "The relay listens");
    Ok(Some(Arc::new(relay)))
}

fn advertised(settings: &Settings) -> anyhow::Result<Option<IpAddr>> {
    let Some(address) = settings.relay_address.as_deref() else {
        return Ok(None);
    };
    address
        .parse()
        .map(Some)
        .context("relay_address is not an IP address")
}

fn ports(settings: &Settings) -> anyhow::Result<Option<RangeInclusive<u16>>> {
    let Some(text) = settings.relay_ports.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let range = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)))
        .filter(|(first, last)| *first > 0 && first <= last)
        .with_context(|| format!("relay_ports is {text:?}, not FIRST-LAST, such as 49160-49959"))?;
    Ok(Some(range.0..=range.1))
}

/// What signalling needs of it. The secret behind the credentials lives as long as the process: nobody else needs it.
pub(super) fn access(relay: &Arc<Relay>, settings: &Settings) -> RelayAccess {
    let ip = advertised(settings)
        .ok()
        .flatten()
        .unwrap_or_else(|| relay.addr().ip());
    let address = SocketAddr::new(ip, relay.addr().port());
    let mut urls = ["udp", "tcp"]
        .map(|transport| format!("turn:{address}?transport={transport}"))
        .to_vec();
    // The certificate is for the server's name: the relay in TLS is named as the server is.
    let base = settings.base_url.parse::<axum::http::Uri>().ok();
    if let Some(host) = base.as_ref().and_then(axum::http::Uri::host) {
        let port = settings.relay_tls_port.unwrap_or(address.port());
        urls.push(format!("turns:{host}:{port}?transport=tcp"));
    }
    let secret = Secret::new(random::bytes::<32>().to_vec());
    let (relay, counted) = (Arc::clone(relay), Arc::clone(relay));
    RelayAccess {
        counters: Arc::new(move || counted.counters()),
        turn: TurnIssuer::new(urls, secret),
        admit: Arc::new(Door {
            relay,
            inside: Mutex::default(),
        }),
    }
}

/// Lets those in who have a call, as long as they have it.
struct Door {
    relay: Arc<Relay>,
    /// User names that are good now.
    inside: Mutex<Vec<String>>,
}

impl RelayDoor for Door {
    fn admit(&self, turn: &WireTurn) {
        self.relay.add_user(RelayUser {
            username: turn.username.clone(),
            password: turn.credential.clone(),
        });
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.push(turn.username.clone());
    }

    fn ended(&self, visit: &str) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.retain(|username| {
            let over = username.rsplit(':').next() == Some(visit);
            if over {
                // The protocol knows no farewell; a password that nobody knows is one.
                self.relay.add_user(RelayUser {
                    username: username.clone(),
                    password: random::token(""),
                });
            }
            !over
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_model::time::Timestamp;

    #[test]
    fn a_range_of_ports_is_read_and_nonsense_says_so() {
        let with = |text: &str| {
            ports(&Settings {
                relay_ports: Some(text.to_owned()),
                ..Settings::default()
            })
        };
        assert_eq!(with("49160-49959").expect("a range"), Some(49_160..=49_959));
        assert_eq!(with("").expect("none"), None);
        for bad in ["49160", "5-4", "0-9", "a-b", "1-70000"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_credential_ends_with_its_call() {
        let relay = Relay::start(SocketAddr::from(([127, 0, 0, 1], 0)), None, None, None, [])
            .await
            .expect("a relay");
        let issuer = TurnIssuer::new(vec!["turn:relay".to_owned()], Secret::new(b"secret".to_vec()));
        let door = Door {
            relay: Arc::new(relay),
            inside: Mutex::default(),
        };
        for (account, visit) in [("ada", "v1"), ("dana", "v1"), ("ada", "v2")] {
            for turn in issuer.issue(account, visit, Timestamp(0)) {
                door.admit(&turn);
            }
        }

        door.ended("v1");

        let inside = door.inside.lock().expect("lock").clone();
        assert_eq!(inside, [format!("{}:ada:v2", crate::signal::turn::VALID_FOR_S)]);
    }
}
