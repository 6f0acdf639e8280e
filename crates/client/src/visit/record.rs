//! How a visit went: counted while it lasts, kept in the store when it is over, and told to the server as soon as there is
//! one. Figures alone.

use std::sync::Arc;

use hms_core::call::record::{Look, Record};
use hms_core::call::visit::Side;
use hms_media::{CallStats, EngineChoice, PathKind, QualityRung, RelayProtocol};
use hms_model::time::Timestamp;
use hms_model::view::VisitState;
use hms_model::wire::quality::{QualityEngine, QualityPath, QualitySide, WireQuality};
use reqwest::header::CONTENT_TYPE;
use reqwest::Method;

use crate::client::Shared;
use crate::engine::Engine;
use crate::net::{Fault, Tries};

/// Settings of the store with this name hold a record each; then the visit's id.
const KEPT: &str = "visit-quality/";
/// Told at one time: more wait for the next exchange.
const AT_ONCE: usize = 50;

/// What is counted of the visit that is under way, and what is over and not in the store yet.
#[derive(Default)]
pub(crate) struct Counted {
    rang: Option<Timestamp>,
    record: Option<(String, Record)>,
    over: Vec<(String, WireQuality)>,
}

impl Counted {
    /// The engine has its devices and paths.
    pub(super) fn ready(&mut self, now: Timestamp) {
        self.with(|record| record.ready(now));
    }

    /// A secured path works.
    pub(super) fn connected(&mut self, now: Timestamp) {
        self.with(|record| record.connected(now));
    }

    /// The first picture is there.
    pub(super) fn first_frame(&mut self, now: Timestamp) {
        self.with(|record| record.first_frame(now));
    }

    /// Nothing comes any more.
    pub(super) fn lost(&mut self, now: Timestamp) {
        self.with(|record| record.lost(now));
    }

    /// It comes again.
    pub(super) fn back(&mut self, now: Timestamp) {
        self.with(|record| record.back(now));
    }

    /// What the call tells of itself.
    pub(super) fn look(&mut self, now: Timestamp, stats: &CallStats) {
        self.with(|record| record.look(now, look(stats)));
    }

    fn with(&mut self, count: impl FnOnce(&mut Record)) {
        if let Some((_, record)) = &mut self.record {
            count(record);
        }
    }

    /// Where the visit is now. A ring that nobody answers is no visit that went well or badly.
    fn course(&mut self, now: Timestamp, state: VisitState, id: Option<&str>, side: Side) {
        match state {
            VisitState::RingingIn | VisitState::RingingOut | VisitState::NotConnected => {
                self.rang.get_or_insert(now);
            }
            VisitState::Connecting | VisitState::InCall | VisitState::Reconnecting => {
                if let (None, Some(id)) = (&self.record, id) {
                    let side = match side {
                        Side::Caller => QualitySide::Caller,
                        Side::Called => QualitySide::Called,
                    };
                    let engine = if EngineChoice::default() == EngineChoice::Str0m {
                        QualityEngine::Str0m
                    } else {
                        QualityEngine::Webrtc
                    };
                    let rang = self.rang.unwrap_or(now);
                    self.record = Some((id.to_owned(), Record::joined(side, engine, rang, now)));
                }
            }
            VisitState::None | VisitState::Ended => {
                self.rang = None;
                if let Some((id, record)) = self.record.take() {
                    self.over.push((id, record.finish(now)));
                }
            }
        }
    }
}

fn look(stats: &CallStats) -> Look {
    Look {
        rung: stats.rung.unwrap_or(QualityRung::None),
        rtt_ms: stats.rtt_ms,
        loss: stats.loss,
        buffer_ms: stats.jitter_buffer_ms,
        concealed_ppm: stats.audio_concealed_ppm,
        longest_gap_ms: stats.longest_gap_ms,
        longest_freeze_ms: stats.longest_freeze_ms,
        path: match (stats.path, stats.relay) {
            (None, _) => QualityPath::None,
            (Some(PathKind::Direct), _) => QualityPath::Host,
            (Some(PathKind::Relay), Some(RelayProtocol::Tcp | RelayProtocol::Tls)) => QualityPath::RelayTcp,
            (Some(PathKind::Relay), Some(RelayProtocol::Udp) | None) => QualityPath::RelayUdp,
        },
        bytes_in: stats.bytes_in,
        bytes_out: stats.bytes_out,
    }
}

impl Engine {
    /// Follows the visit; one that is over goes into the store, and from there to the server.
    pub(super) fn count_course(&mut self) {
        let now = self.now();
        let (state, side) = (self.visit.machine.view().state, self.visit.machine.side());
        let id = self.visit.machine.id().map(str::to_owned);
        self.visit.counted.course(now, state, id.as_deref(), side);
        if !self.visit.counted.over.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.shared.spawn(async move {
                shared
                    .tell(async |engine: &mut Engine| engine.keep_records().await)
                    .await;
                tell_records(shared).await;
            });
        }
    }

    /// Puts what is over into the store.
    pub(crate) async fn keep_records(&mut self) {
        let Some(store) = self.store.clone() else { return };
        for (visit, told) in std::mem::take(&mut self.visit.counted.over) {
            let Ok(body) = serde_json::to_string(&told) else {
                continue;
            };
            if let Err(error) = store.meta_put(&format!("{KEPT}{visit}"), Some(body)).await {
                tracing::warn!(%error, "How a visit went could not be kept");
            }
        }
    }

    /// Tells the server what it has not been told yet, beside everything else.
    pub(crate) fn tell_records(&self) {
        self.shared.spawn(tell_records(Arc::clone(&self.shared)));
    }
}

/// Tells the server of each visit, and lets go of what it has, or does not take. Twice is as good as once there.
async fn tell_records(shared: Arc<Shared>) {
    if crate::sync::is_service(&shared.http) {
        return;
    }
    let waiting = shared
        .ask(async |engine: &mut Engine| match &engine.store {
            Some(store) => Ok(store.meta_named(KEPT).await?),
            None => Ok(Vec::new()),
        })
        .await;
    for (name, body) in waiting.unwrap_or_default().into_iter().take(AT_ONCE) {
        let path = format!("/api/visits/{}/quality", name.trim_start_matches(KEPT));
        let make = |token: &_| {
            let request = shared.http.request(Method::POST, &path, Some(token));
            request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())
        };
        match shared.authorized(make, Tries::Quick).await {
            Ok(_) => {}
            // An older server, or one that was put back to before the visit: these figures are not worth a second try.
            Err(Fault::Refused(status)) if status != 408 && status != 429 => {
                tracing::info!(status, "How a visit went was not taken");
            }
            Err(_) => return,
        }
        shared
            .tell(async move |engine: &mut Engine| {
                if let Some(store) = &engine.store {
                    // Told again another time, where this fails.
                    let _ = store.meta_put(&name, None).await;
                }
            })
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_counted_from_its_ring_to_its_end_and_a_ring_alone_is_not() {
        let at = |ms: i64| Timestamp(1_795_000_000_000 + ms);
        let mut counted = Counted::default();
        counted.course(at(0), VisitState::RingingIn, Some("a"), Side::Called);
        counted.course(at(9_000), VisitState::Ended, Some("a"), Side::Called);
        assert!(counted.over.is_empty(), "nobody answered");

        counted.course(at(10_000), VisitState::RingingOut, Some("b"), Side::Caller);
        counted.course(at(13_000), VisitState::Connecting, Some("b"), Side::Caller);
        counted.ready(at(13_100));
        counted.connected(at(13_900));
        let mut stats = CallStats {
            path: Some(PathKind::Relay),
            relay: Some(RelayProtocol::Tcp),
            rung: Some(QualityRung::Full),
            bytes_in: 77,
            ..CallStats::default()
        };
        counted.look(at(14_000), &stats);
        counted.course(at(14_100), VisitState::InCall, Some("b"), Side::Caller);
        counted.lost(at(20_000));
        counted.course(at(20_000), VisitState::Reconnecting, Some("b"), Side::Caller);
        counted.back(at(22_000));
        stats.bytes_in = 99;
        counted.look(at(23_000), &stats);
        counted.course(at(73_000), VisitState::Ended, Some("b"), Side::Caller);
        counted.course(at(73_001), VisitState::Ended, Some("b"), Side::Caller);

        let [(id, told)] = counted.over.as_slice() else {
            panic!("told once: {:?}", counted.over);
        };
        assert_eq!(id, "b");
        assert!(told.is_possible(), "{told:?}");
        assert_eq!(
            (told.rang_ms, told.connected_ms, told.lasted_s),
            (3_000, Some(900), 60)
        );
        assert_eq!(
            (told.side, told.path),
            (QualitySide::Caller, QualityPath::RelayTcp)
        );
        assert_eq!((told.drops, told.recovery_ms, told.bytes_in), (1, 2_000, 99));
    }
}
