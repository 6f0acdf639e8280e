//! Bytes to and from the server, as they are handed to the connection: for each day of the phone's calendar and each kind,
//! thirty days long. Counts only; what was asked for is not kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hms_model::view::{DataKind, DataUseView};
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::{Body, Request, Response};
use serde::{Deserialize, Serialize};

use crate::config::Clock;

const FILE: &str = "data-use.json";
const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Bytes of one kind on one day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Bytes {
    sent: u64,
    received: u64,
}

/// By the number of the day since 1970 on the phone's wall.
type ByDay = BTreeMap<i64, BTreeMap<DataKind, Bytes>>;

#[derive(Default)]
struct State {
    days: ByDay,
    dirty: bool,
}

/// Counts for one profile. Clones count into one.
#[derive(Clone)]
pub(crate) struct Meter {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

impl Meter {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Arc::default(),
            clock,
        }
    }

    /// Takes over what an earlier run counted.
    pub(crate) fn read(&self, dir: &Path) {
        let stored = std::fs::read(dir.join(FILE)).ok();
        if let Some(days) = stored.and_then(|bytes| serde_json::from_slice::<ByDay>(&bytes).ok()) {
            self.state().days = days;
        }
    }

    /// Writes what was counted since the last time. A full disk costs figures, nothing else.
    pub(crate) fn write(&self, dir: &Path) {
        let first = self.today() - DAYS + 1;
        let text = {
            let mut state = self.state();
            if !std::mem::take(&mut state.dirty) {
                return;
            }
            state.days.retain(|day, _| *day >= first);
            serde_json::to_vec(&state.days)
        };
        let written = text
            .map_err(std::io::Error::from)
            .and_then(|text| crate::vault::write_private(&dir.join(FILE), &text));
        if let Err(error) = written {
            tracing::debug!(%error, "The data use could not be kept");
        }
    }

    /// Forgets everything: the profile was emptied.
    pub(crate) fn clear(&self) {
        *self.state() = State::default();
    }

    /// Bytes of the newest `days` days, today included; kinds without any are left out.
    pub(crate) fn use_of(&self, days: i64) -> Vec<DataUseView> {
        let first = self.today() - days + 1;
        let mut sums: BTreeMap<DataKind, Bytes> = BTreeMap::new();
        for (kind, bytes) in self.state().days.range(first..).flat_map(|(_, kinds)| kinds) {
            let sum = sums.entry(*kind).or_default();
            sum.sent += bytes.sent;
            sum.received += bytes.received;
        }
        #[expect(clippy::cast_precision_loss, reason = "bytes of a month are far below 2^53")]
        let view = |(kind, bytes): (DataKind, Bytes)| DataUseView {
            kind,
            sent: bytes.sent as f64,
            received: bytes.received as f64,
        };
        sums.into_iter().map(view).collect()
    }

    /// Adds bytes of one kind to today.
    pub(crate) fn add(&self, kind: DataKind, sent: u64, received: u64) {
        let today = self.today();
        let mut state = self.state();
        let bytes = state.days.entry(today).or_default().entry(kind).or_default();
        bytes.sent = bytes.sent.saturating_add(sent);
        bytes.received = bytes.received.saturating_add(received);
        state.dirty = true;
    }

    /// Counts an answer: its head now, its body as it comes.
    pub(crate) fn counted(&self, kind: DataKind, response: Response) -> Response {
        let headers = response.headers();
        let lines = headers
            .iter()
            .map(|(name, value)| line(name.as_str(), value.len()));
        // "HTTP/1.1 200 OK" with its end, and the empty line.
        self.add(kind, 0, lines.sum::<u64>() + 19);
        let whole: http::Response<Body> = response.into();
        let (parts, inner) = whole.into_parts();
        let body = Body::wrap(Counted {
            inner,
            kind,
            meter: self.clone(),
        });
        Response::from(http::Response::from_parts(parts, body))
    }

    fn today(&self) -> i64 {
        let stamp = self.clock.stamp();
        (stamp.at.0 + i64::from(stamp.offset_minutes) * 60_000).div_euclid(DAY_MS)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request is for, by its path.
pub(crate) fn kind_of(request: &Request) -> DataKind {
    let path = request.url().path();
    let starts = |with: &str| path.starts_with(with);
    if starts("/api/uploads") || starts("/fhir/Binary") {
        DataKind::Photos
    } else if starts("/signal") {
        DataKind::Calls
    } else if starts("/fhir") || starts("/api/sealed") {
        DataKind::Words
    } else {
        DataKind::Other
    }
}

/// Bytes of a request: its head as it is written, and its body.
pub(crate) fn bytes_of(request: &Request) -> u64 {
    let url = request.url();
    let target = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    let first = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    let host = line("host", url.host_str().map_or(0, str::len) + 6);
    let headers = request.headers().iter();
    let lines: u64 = headers
        .map(|(name, value)| line(name.as_str(), value.len()))
        .sum();
    let body = request.body().and_then(Body::as_bytes).map_or(0, <[u8]>::len);
    number(first) + host + lines + 2 + number(body)
}

fn line(name: &str, value: usize) -> u64 {
    number(name.len() + value + 4)
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A body that is counted as it is read.
struct Counted {
    inner: Body,
    kind: DataKind,
    meter: Meter,
}

impl HttpBody for Counted {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, |data| data.len());
            self.meter.add(self.kind, 0, number(length));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use hms_model::time::Timestamp;

    use super::*;

    #[derive(Default)]
    struct Days(AtomicI64);

    impl Clock for Days {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed) * DAY_MS + DAY_MS / 2)
        }

        fn offset_minutes(&self, _at: Timestamp) -> i32 {
            -360
        }
    }

    #[test]
    fn days_are_the_phones_and_thirty_of_them_are_kept_over_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        let clock = Arc::new(Days(AtomicI64::new(20_000)));
        let meter = Meter::new(Arc::clone(&clock) as Arc<dyn Clock>);
        meter.add(DataKind::Words, 100, 1_000);
        clock.0.fetch_add(1, Ordering::Relaxed);
        meter.add(DataKind::Words, 1, 2);
        meter.add(DataKind::Photos, 3, 4);

        let sums = |days| {
            let all = meter.use_of(days).into_iter();
            all.map(|u| (u.kind, u.sent, u.received)).collect::<Vec<_>>()
        };
        assert_eq!(
            sums(1),
            [(DataKind::Words, 1.0, 2.0), (DataKind::Photos, 3.0, 4.0)]
        );
        assert_eq!(sums(30).first(), Some(&(DataKind::Words, 101.0, 1002.0)));

        clock.0.fetch_add(29, Ordering::Relaxed);
        meter.write(dir.path());
        let again = Meter::new(clock);
        again.read(dir.path());
        assert_eq!(again.use_of(30).len(), 2);
        assert!(
            (again.use_of(30)[0].sent - 1.0).abs() < f64::EPSILON,
            "the first day is over"
        );
    }
}
