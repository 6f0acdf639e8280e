//! The client's decisions over time in one place: when to sync, and when to lock.

use crate::lock::AutoLock;
use crate::sync::driver::{SyncDriver, SyncEffect, SyncEnd, SyncInput};
use hms_model::time::Timestamp;
use std::collections::VecDeque;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The app was opened by PIN, or after sign-in; its store is open.
    AppOpened,
    /// The app was locked by hand, or its store closed.
    AppLocked,
    /// A key, a tap, a scroll.
    Touched,
    /// A call begins or ends.
    Call {
        /// True where it begins.
        begins: bool,
    },
    /// There is a way to the network.
    NetworkUp,
    /// There is none.
    NetworkDown,
    /// The server says that something changed.
    Changed,
    /// The person asked for a sync.
    SyncAsked,
    /// A change was saved and queued.
    SaveDone,
    /// An online sign-in is done.
    SignedIn,
    /// The running sync ended.
    SyncFinished(SyncEnd),
    /// The moment of [`Core::poll_timeout`] has come.
    Timer,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Run one exchange with at most so many changes; then [`Input::SyncFinished`].
    StartSync {
        /// Changes at most.
        max_ops: usize,
    },
    /// Give the running exchange up.
    AbortSync,
    /// Ask the person to sign in; what is unsent waits unharmed.
    AskSignIn,
    /// Lock the app.
    Lock,
}

/// Why [`Core::poll_timeout`] names a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WakeReason {
    /// A sync starts, or hangs for too long.
    Sync,
    /// The automatic lock.
    Lock,
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Core {
    sync: SyncDriver,
    lock: AutoLock,
    effects: VecDeque<Effect>,
}

impl Core {
    /// A core of a locked app. `seed` spreads the waits of many phones.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            sync: SyncDriver::new(seed),
            lock: AutoLock::default(),
            effects: VecDeque::new(),
        }
    }

    /// Takes an input in. Drain [`Core::poll_effect`] afterwards.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        let sync = match input {
            Input::AppOpened => {
                self.lock.unlocked(now);
                SyncInput::Opened
            }
            Input::AppLocked => {
                self.lock.locked();
                SyncInput::Closed
            }
            Input::Touched => {
                self.lock.touched(now);
                SyncInput::Tick
            }
            Input::Call { begins } => {
                self.lock.call(begins, now);
                SyncInput::Tick
            }
            Input::NetworkUp => SyncInput::NetworkUp,
            Input::NetworkDown => SyncInput::NetworkDown,
            Input::Changed => SyncInput::Hint,
            Input::SyncAsked => SyncInput::Asked,
            Input::SaveDone => SyncInput::Saved,
            Input::SignedIn => SyncInput::SignedIn,
            Input::SyncFinished(end) => SyncInput::Ended(end),
            Input::Timer => SyncInput::Tick,
        };
        for effect in self.sync.handle(now, sync) {
            self.effects.push_back(match effect {
                SyncEffect::Start { max_ops } => Effect::StartSync { max_ops },
                SyncEffect::Abort => Effect::AbortSync,
                SyncEffect::AskSignIn => Effect::AskSignIn,
            });
        }
        if self.lock.due(now) {
            self.lock.locked();
            self.effects.push_back(Effect::Lock);
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Timer`] is wanted, and what for.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Timestamp, WakeReason)> {
        let sync = self.sync.timeout().map(|at| (at, WakeReason::Sync));
        let lock = self.lock.locks_at().map(|at| (at, WakeReason::Lock));
        sync.into_iter().chain(lock).min()
    }

    /// True while an exchange runs.
    #[must_use]
    pub fn is_syncing(&self) -> bool {
        self.sync.is_running()
    }

    /// True while everything waits for a sign-in.
    #[must_use]
    pub fn needs_sign_in(&self) -> bool {
        self.sync.needs_sign_in()
    }

    /// When the next exchange starts by itself.
    #[must_use]
    pub fn next_sync_at(&self) -> Option<Timestamp> {
        self.sync.next_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::IDLE_MS;

    fn effects(core: &mut Core) -> Vec<Effect> {
        std::iter::from_fn(|| core.poll_effect()).collect()
    }

    #[test]
    fn it_syncs_on_opening_and_locks_when_nobody_touches_it() {
        let mut core = Core::new(1);
        core.handle(Timestamp(0), Input::AppOpened);
        assert_eq!(effects(&mut core), [Effect::StartSync { max_ops: 50 }]);
        core.handle(
            Timestamp(5),
            Input::SyncFinished(SyncEnd::Done { next_due: None }),
        );
        assert_eq!(core.poll_timeout(), Some((Timestamp(IDLE_MS), WakeReason::Lock)));

        core.handle(Timestamp(IDLE_MS), Input::Timer);

        assert_eq!(effects(&mut core), [Effect::Lock]);
    }

    #[test]
    fn a_lock_by_the_clock_leaves_the_sync_going_until_the_store_is_closed() {
        let mut core = Core::new(1);
        core.handle(Timestamp(0), Input::AppOpened);
        core.handle(Timestamp(IDLE_MS), Input::Timer);
        assert!(core.is_syncing());
        effects(&mut core);

        core.handle(Timestamp(IDLE_MS), Input::AppLocked);

        assert_eq!(effects(&mut core), [Effect::AbortSync]);
        assert_eq!(core.poll_timeout(), None);
    }
}
