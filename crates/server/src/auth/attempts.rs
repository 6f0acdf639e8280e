//! Slows down guessing: after five failures a name, or an address, waits longer each time.

use std::collections::HashMap;
use std::sync::Mutex;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The longest wait.
const MAX_WAIT_MS: i64 = 15 * 60 * 1000;
/// Failures are forgotten after this long.
const FORGET_MS: i64 = 60 * 60 * 1000;
/// At most this many names are kept; when full, the oldest failure is forgotten.
const KEEP: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: i64,
}

/// Failed sign-ins by name and by address.
#[derive(Debug)]
pub struct Attempts {
    free: u32,
    failures: Mutex<HashMap<String, Failures>>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::with_free(FREE)
    }
}

impl Attempts {
    /// Counts failures, of which the first `free` cost nothing.
    #[must_use]
    pub fn with_free(free: u32) -> Self {
        Self {
            free,
            failures: Mutex::default(),
        }
    }

    /// Milliseconds to wait before `key` may try again; 0 when it may now.
    #[must_use]
    pub fn wait_ms(&self, key: &str, now_ms: i64) -> i64 {
        let Ok(failures) = self.failures.lock() else {
            return MAX_WAIT_MS;
        };
        failures
            .get(key)
            .map_or(0, |f| (f.last_ms + self.delay(f.count) - now_ms).max(0))
    }

    /// Notes a failure.
    pub fn failed(&self, key: &str, now_ms: i64) {
        let Ok(mut failures) = self.failures.lock() else {
            return;
        };
        failures.retain(|_, f| now_ms - f.last_ms < FORGET_MS);
        if failures.len() >= KEEP {
            let oldest = failures
                .iter()
                .min_by_key(|(_, f)| f.last_ms)
                .map(|(k, _)| k.clone());
            oldest.and_then(|k| failures.remove(&k));
        }
        let entry = failures.entry(key.to_owned()).or_insert(Failures {
            count: 0,
            last_ms: now_ms,
        });
        entry.count = entry.count.saturating_add(1);
        entry.last_ms = now_ms;
    }

    /// Notes a success.
    pub fn succeeded(&self, key: &str) {
        if let Ok(mut failures) = self.failures.lock() {
            failures.remove(key);
        }
    }

    fn delay(&self, count: u32) -> i64 {
        match count.checked_sub(self.free) {
            None => 0,
            Some(over) => (2_000_i64 << over.min(16)).min(MAX_WAIT_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_are_free_and_then_each_doubles_the_wait() {
        let attempts = Attempts::default();
        for _ in 0..4 {
            attempts.failed("dana", 0);
            assert_eq!(attempts.wait_ms("dana", 0), 0);
        }
        attempts.failed("dana", 0);
        assert_eq!(attempts.wait_ms("dana", 0), 2_000);
        attempts.failed("dana", 0);
        assert_eq!(attempts.wait_ms("dana", 1_000), 3_000);
        assert_eq!(attempts.wait_ms("ada", 0), 0);
        attempts.succeeded("dana");
        assert_eq!(attempts.wait_ms("dana", 0), 0);
    }
}
