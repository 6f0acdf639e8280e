//! The automatic lock: two minutes after the last touch, never in a call.

use hms_model::time::Timestamp;

/// Milliseconds without a touch after which an open app locks.
pub const IDLE_MS: i64 = 2 * 60 * 1000;

/// Whether the app is open, and since when nobody has touched it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AutoLock {
    open_since_touch: Option<Timestamp>,
    in_call: bool,
}

impl AutoLock {
    /// The app was unlocked.
    pub fn unlocked(&mut self, now: Timestamp) {
        self.open_since_touch = Some(now);
    }

    /// The app was locked, by whatever reason.
    pub fn locked(&mut self) {
        self.open_since_touch = None;
    }

    /// A key, a tap, a scroll.
    pub fn touched(&mut self, now: Timestamp) {
        if let Some(touch) = &mut self.open_since_touch {
            *touch = now;
        }
    }

    /// A call begins or ends. The two minutes begin again when it ends.
    pub fn call(&mut self, in_call: bool, now: Timestamp) {
        self.in_call = in_call;
        self.touched(now);
    }

    /// When it locks next; `None` while it is locked or in a call.
    #[must_use]
    pub fn locks_at(&self) -> Option<Timestamp> {
        self.open_since_touch
            .filter(|_| !self.in_call)
            .map(|touch| touch.plus_ms(IDLE_MS))
    }

    /// True where it has to lock now. A clock set back cannot hold it open: then the two minutes begin again.
    pub fn due(&mut self, now: Timestamp) -> bool {
        if let Some(touch) = &mut self.open_since_touch {
            *touch = (*touch).min(now);
        }
        self.locks_at().is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_locks_two_minutes_after_the_last_touch() {
        let mut lock = AutoLock::default();
        lock.unlocked(Timestamp(0));
        lock.touched(Timestamp(60_000));

        assert!(!lock.due(Timestamp(179_999)));
        assert!(lock.due(Timestamp(180_000)));
        lock.locked();
        assert_eq!(lock.locks_at(), None);
    }

    #[test]
    fn it_never_locks_in_a_call() {
        let mut lock = AutoLock::default();
        lock.unlocked(Timestamp(0));
        lock.call(true, Timestamp(1_000));

        assert!(!lock.due(Timestamp(3_600_000)));

        lock.call(false, Timestamp(3_600_000));
        assert_eq!(lock.locks_at(), Some(Timestamp(3_600_000 + IDLE_MS)));
    }
}
