//! How bodies of the exchange travel from here: packed with the dictionary as long as that works, and plain where
//! something on the way does not let it through.

use std::sync::Mutex;
use std::sync::PoisonError;

use hms_model::time::Timestamp;
use hms_model::wire::sync::MEDIA_TYPE;
use hms_wire::dictionary::{self, AVAILABLE_DICTIONARY};
use hms_wire::{pack, Coding, Unpacker};
use reqwest::header::{HeaderMap, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response};

use crate::net::Fault;

/// What answers may be packed with.
const TAKEN: &str = "dcz, zstd, gzip";
/// How long nothing is packed after something on the way spoiled it: a phone moves on to another network.
const PLAIN_FOR_MS: i64 = 60 * 60 * 1000;
/// How long nothing is packed after a refusal that was the same without: what is refused is looked for in smaller and
/// smaller parts then, and each is not to be tried twice.
const DOUBT_FOR_MS: i64 = 10 * 60 * 1000;
/// Faults of the server in a row, with packed bodies, after which it is asked without.
const FAULTS: u32 = 2;
/// A packed body has a header more.
const WORTH_IT: usize = 24;
/// The most that one answer may unpack to: what stands before the last cursor is kept, and the rest is asked for again.
const MOST: u64 = 1 << 30;

/// What is known of the way to the server.
#[derive(Debug, Default)]
pub(crate) struct Packing(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The server named our dictionary.
    server_has_it: bool,
    plain_until: Option<Timestamp>,
    faults: u32,
}

/// How one request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// Whether the answer may be packed.
    down: bool,
    /// Whether the request may be.
    up: bool,
}

impl Way {
    /// Nothing packed.
    pub(crate) const PLAIN: Self = Self {
        down: false,
        up: false,
    };

    /// Sets body and headers of a request.
    pub(crate) fn send(self, request: RequestBuilder, body: Vec<u8>) -> RequestBuilder {
        let mut request = request.header(CONTENT_TYPE, MEDIA_TYPE);
        if self.down {
            request = request
                .header(ACCEPT_ENCODING, TAKEN)
                // Not `Dictionary-ID` as well: this dictionary came with the app, not by `Use-As-Dictionary`.
                .header(AVAILABLE_DICTIONARY, dictionary::available());
        }
        let packed = self
            .up
            .then(|| pack(Coding::Dcz, &body).ok())
            .flatten()
            .filter(|packed| packed.len() + WORTH_IT < body.len());
        match packed {
            Some(packed) => request.header(CONTENT_ENCODING, Coding::Dcz.name()).body(packed),
            None => request.body(body),
        }
    }

    /// Whether a failure may be one of packing, so that the same is tried once without. No refusal of a packed body is
    /// taken as a word on what is in it.
    pub(crate) fn may_have_spoiled(self, fault: Fault) -> bool {
        let unread = fault == Fault::Unreadable;
        let refused = matches!(fault, Fault::Refused(status) if !matches!(status, 408 | 429));
        (unread && self.down) || (refused && (self.up || self.down))
    }
}

impl Packing {
    /// How the next request travels.
    pub(crate) fn way(&self, now: Timestamp) -> Way {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not make it longer.
        let plain = known.plain_until.is_some_and(|until| {
            let left = until.since_ms(now);
            left > 0 && left <= PLAIN_FOR_MS
        });
        if !plain {
            known.plain_until = None;
        }
        Way {
            down: !plain,
            up: !plain && known.server_has_it,
        }
    }

    /// It went without packing where it did not with it.
    pub(crate) fn spoiled(&self, now: Timestamp) {
        tracing::warn!("Something on the way does not let packed bodies through: plain ones for an hour");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.plain_until = Some(now.plus_ms(PLAIN_FOR_MS));
        known.faults = 0;
    }

    /// It was refused without packing as it was with it.
    pub(crate) fn doubted(&self, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.plain_until = Some(now.plus_ms(DOUBT_FOR_MS));
    }

    /// Notes how a request ended. A gateway that fails on packed bodies looks like a server that fails.
    pub(crate) fn ended(&self, way: Way, fault: Option<Fault>, now: Timestamp) {
        if way == Way::PLAIN {
            return;
        }
        let faults = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.faults = match fault {
                Some(Fault::Server(_)) => known.faults + 1,
                Some(_) => known.faults,
                None => 0,
            };
            known.faults
        };
        if faults >= FAULTS {
            self.spoiled(now);
        }
    }

    /// What an answer says of the dictionary.
    pub(crate) fn answered(&self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = text(AVAILABLE_DICTIONARY).map(dictionary::is_ours);
        // It packs with it only what was asked for with our dictionary.
        let used = text(CONTENT_ENCODING.as_str()).is_some_and(|coding| coding == Coding::Dcz.name());
        if let Some(has_it) = named.or(used.then_some(true)) {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.server_has_it = has_it;
        }
    }
}

/// The body of an answer, as it was before it was packed, piece by piece.
pub(crate) struct Unpacked {
    response: Response,
    reader: Unpacker,
    ended: bool,
}

impl Unpacked {
    /// Begins to read an answer.
    ///
    /// # Errors
    /// It is not NDJSON in UTF-8, or packed in a way that was not asked for.
    pub(crate) fn new(response: Response) -> Result<Self, Fault> {
        let text = |name| {
            response
                .headers()
                .get(name)
                .map(|value: &reqwest::header::HeaderValue| value.to_str().unwrap_or("?"))
        };
        let media = text(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        let mut parts = media.split(';').map(str::trim);
        let named = parts.next() == Some(MEDIA_TYPE);
        let unicode = parts
            .filter_map(|part| part.strip_prefix("charset="))
            .all(|set| matches!(set.trim_matches('"'), "utf-8" | "us-ascii"));
        if !named || !unicode {
            tracing::warn!("An answer is of another media type than was asked for");
            return Err(Fault::Unreadable);
        }
        let coding = Coding::of_body(text(CONTENT_ENCODING)).ok_or(Fault::Unreadable)?;
        let reader = Unpacker::new(coding, MOST).map_err(|_| Fault::Unreadable)?;
        Ok(Self {
            response,
            reader,
            ended: false,
        })
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The answer broke off, or is not what its headers say.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            let piece = self.reader.pull().map_err(|error| {
                tracing::warn!(%error, "An answer cannot be unpacked");
                Fault::Unreadable
            })?;
            if piece.is_some() {
                return Ok(piece);
            }
            if self.ended {
                return Ok(None);
            }
            let part = self.response.chunk().await.map_err(|error| {
                tracing::debug!(?error, "A sync was cut");
                Fault::of(&error)
            })?;
            match part {
                Some(bytes) => self.reader.feed(&bytes),
                None => self.ended = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_spoils_packed_bodies_is_gone_plain_for_an_hour() {
        let (packing, at) = (Packing::default(), Timestamp(1_000_000));
        let named = |name: &str| {
            HeaderMap::from_iter([(
                AVAILABLE_DICTIONARY.parse().expect("a name"),
                name.parse().expect("a value"),
            )])
        };
        assert_eq!(
            packing.way(at),
            Way {
                down: true,
                up: false
            }
        );
        packing.answered(&named(":AAAA:"));
        assert_eq!(
            packing.way(at),
            Way {
                down: true,
                up: false
            }
        );
        packing.answered(&named(dictionary::available()));
        packing.answered(&HeaderMap::new());
        let packed = packing.way(at);
        assert_eq!(packed, Way { down: true, up: true });

        packing.spoiled(at);
        assert_eq!(packing.way(at.plus_ms(PLAIN_FOR_MS - 1)), Way::PLAIN);
        assert_eq!(packing.way(at.plus_ms(PLAIN_FOR_MS)), packed);

        packing.spoiled(at);
        assert_eq!(packing.way(Timestamp(0)), packed, "a clock set back");
        for (fault, plain) in [
            (Some(Fault::Server(502)), false),
            (Some(Fault::Cut), false),
            (Some(Fault::Server(502)), true),
        ] {
            packing.ended(packed, fault, at);
            assert_eq!(packing.way(at) == Way::PLAIN, plain, "{fault:?}");
        }

        let later = at.plus_ms(PLAIN_FOR_MS);
        for fault in [Some(Fault::Server(502)), None, Some(Fault::Server(502))] {
            packing.ended(packed, fault, later);
            assert_eq!(packing.way(later), packed, "not in a row");
        }
        packing.doubted(later);
        assert_eq!(packing.way(later.plus_ms(DOUBT_FOR_MS - 1)), Way::PLAIN);
        assert_eq!(packing.way(later.plus_ms(DOUBT_FOR_MS)), packed);
    }

    #[test]
    fn a_refusal_is_no_word_on_what_was_packed() {
        let packed = Way { down: true, up: true };
        for (fault, may) in [
            (Fault::Unreadable, true),
            (Fault::Refused(400), true),
            (Fault::Refused(403), true),
            (Fault::Refused(415), true),
            (Fault::Refused(429), false),
            (Fault::Server(500), false),
            (Fault::Cut, false),
        ] {
            assert_eq!(packed.may_have_spoiled(fault), may, "{fault}");
            assert!(!Way::PLAIN.may_have_spoiled(fault));
        }
    }
}
