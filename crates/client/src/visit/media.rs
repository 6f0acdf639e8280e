//! What a call is started with: relays, sources, and what tests ask for by the environment.

use std::net::SocketAddr;

use hms_media::{
    AudioSink, AudioSource, CallConfig, CallStats, PictureFormat, QualityRung, TurnServer, VideoSource, Voice,
};
use hms_model::wire::signal::WireTurn;

use crate::config::{MediaChoice, SyntheticSide};
use crate::sabotage::broken;

/// What tests and support may ask for: `HMS_CALL_RELAY_ONLY=1`, `HMS_CALL_TRANSPORT=udp|tcp|tls`,
/// `HMS_CALL_PICTURE=small|medium|large`; `HMS_MEDIA_PORTS=FIRST-LAST` is for firewalls that name ports (docs/network.md); `HMS_CALL_RELAY_AT=ADDRESS:PORT` reaches the relay there, where a test has
/// put a link that can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallOptions {
    relay_only: bool,
    transport: Option<&'static str>,
    picture: PictureFormat,
    relay_at: Option<SocketAddr>,
    ports: Option<(u16, u16)>,
}

impl CallOptions {
    /// Reads the environment.
    pub(crate) fn from_environment() -> Self {
        let word = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            relay_only: word("HMS_CALL_RELAY_ONLY") == "1",
            transport: match word("HMS_CALL_TRANSPORT").as_str() {
                "udp" => Some("udp"),
                "tcp" => Some("tcp"),
                "tls" => Some("tls"),
                _ => None,
            },
            picture: match word("HMS_CALL_PICTURE").as_str() {
                "small" => PictureFormat::SMALL,
                "large" => PictureFormat::LARGE,
                _ => PictureFormat::MEDIUM,
            },
            relay_at: word("HMS_CALL_RELAY_AT").parse().ok(),
            ports: ports(&word("HMS_MEDIA_PORTS")),
        }
    }

    /// The settings of one call.
    pub(crate) fn config(self, choice: &MediaChoice, turn: Vec<WireTurn>) -> CallConfig {
        let turn = turn
            .into_iter()
            .filter(|relay| {
                self.transport
                    .is_none_or(|wanted| transport(&relay.url) == wanted)
            })
            .filter(|_| !broken("relay"))
            .map(|relay| TurnServer {
                url: self.reached_at(relay.url),
                username: relay.username,
                credential: relay.credential,
            })
            .collect();
        let (video, audio, speaker) = match choice {
            MediaChoice::Synthetic { side } => {
                let voice = match side {
                    SyntheticSide::Carrier => Voice::Carrier,
                    SyntheticSide::Clinician => Voice::Clinician,
                };
                (
                    VideoSource::Synthetic(self.picture),
                    AudioSource::Synthetic(voice),
                    AudioSink::Off,
                )
            }
            MediaChoice::Devices => (
                VideoSource::Device {
                    name: None,
                    format: PictureFormat::LARGE,
                },
                AudioSource::Device(None),
                AudioSink::Device(None),
            ),
            MediaChoice::File(path) => (
                VideoSource::File(path.clone()),
                AudioSource::File(path.with_extension("wav")),
                AudioSink::Off,
            ),
        };
        CallConfig {
            turn,
            relay_only: self.relay_only,
            video,
            audio,
            speaker,
            tls: None,
            proxies: Default::default(),
            bind: None,
            ports: self.ports.map(|(first, last)| first..=last),
            rung: QualityRung::Full,
            engine: hms_media::EngineChoice::default(),
            code: None,
        }
    }
}

impl CallOptions {
    fn reached_at(self, url: String) -> String {
        match self.relay_at {
            Some(at) => match transport(&url) {
                "tls" => format!("turns:{at}?transport=tcp"),
                plain => format!("turn:{at}?transport={plain}"),
            },
            None => url,
        }
    }
}

/// `FIRST-LAST`; nothing where it is not one, and said: a call over any port is better than none.
fn ports(text: &str) -> Option<(u16, u16)> {
    if text.is_empty() {
        return None;
    }
    let range = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)))
        .filter(|(first, last)| *first > 0 && first <= last);
    if range.is_none() {
        tracing::warn!("HMS_MEDIA_PORTS is not FIRST-LAST, such as 50000-50099: any port is used");
    }
    range
}

fn transport(url: &str) -> &'static str {
    if url.starts_with("turns:") {
        "tls"
    } else if url.contains("transport=tcp") {
        "tcp"
    } else {
        "udp"
    }
}

/// The word for what the link is like, and what the call does with the picture for it; `sound_alone` where a person wants
/// no picture, so that none was paused.
pub(super) fn quality_word(stats: &CallStats, sound_alone: bool) -> &'static str {
    match stats.rung.unwrap_or(QualityRung::Full).word() {
        "good" => "good",
        _ if sound_alone => "weak",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_is_read_and_nonsense_is_none() {
        assert_eq!(ports("50000-50099"), Some((50_000, 50_099)));
        for bad in ["", "50000", "9-1", "0-5", "1-70000", "a-b"] {
            assert_eq!(ports(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_picture_that_nobody_wants_is_not_called_paused() {
        let on = |rung| CallStats {
            rung: Some(rung),
            ..CallStats::default()
        };

        assert_eq!(quality_word(&on(QualityRung::Stills), false), "picture_paused");
        assert_eq!(quality_word(&on(QualityRung::Stills), true), "weak");
        assert_eq!(quality_word(&on(QualityRung::Full), true), "good");
    }

    #[test]
    fn a_test_that_wants_tcp_gets_no_udp_relay() {
        let turn = |url: &str| WireTurn {
            url: url.into(),
            username: "u".into(),
            credential: "c".into(),
        };
        let options = CallOptions {
            relay_only: true,
            transport: Some("tcp"),
            picture: PictureFormat::SMALL,
            relay_at: Some(([127, 0, 0, 1], 9).into()),
            ports: Some((50_000, 50_099)),
        };
        let choice = MediaChoice::Synthetic {
            side: SyntheticSide::Carrier,
        };

        let config = options.config(
            &choice,
            vec![
                turn("turn:127.0.0.1:3478?transport=udp"),
                turn("turn:127.0.0.1:3478?transport=tcp"),
            ],
        );

        assert!(config.relay_only);
        assert_eq!(config.turn.len(), 1);
        assert_eq!(config.turn[0].url, "turn:127.0.0.1:9?transport=tcp");
        assert_eq!(config.audio, AudioSource::Synthetic(Voice::Carrier));
    }
}
