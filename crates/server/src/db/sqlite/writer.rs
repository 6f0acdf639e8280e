//! The one writer. Jobs that wait at the same time are committed together: one fsync for all of them.

use super::{table, Hooks};
use crate::clock::Clock;
use crate::db::tx::Batch;
use crate::db::{Changed, DbError, SqlResult, Tx};
use rusqlite::Connection;
use std::panic::{catch_unwind, AssertUnwindSafe};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Jobs that may wait; when full, callers wait to hand theirs in.
const QUEUE: usize = 1024;
/// Jobs in one commit: bounds how long the first of them waits.
const GROUP: usize = 256;

/// What remains of a job once it ran: tells its caller how the commit went.
type Finish = Box<dyn FnOnce(Result<(), DbError>) + Send>;
/// A job: runs within its savepoint, says whether to keep it, and leaves its [`Finish`].
pub(super) type Job = Box<dyn FnOnce(&mut Tx<'_>) -> (bool, Finish) + Send>;

pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        conn: Connection,
        clock: Clock,
        hooks: Hooks,
        events: broadcast::Sender<Changed>,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("ach-writer".to_owned())
            .spawn(move || run(&conn, &clock, &hooks, &events, waiting))
            .ok();
        Self {
            jobs: Some(jobs),
            thread,
        }
    }

    /// Where jobs are handed in. When the queue is full, the caller waits.
    pub(super) fn queue(&self) -> Result<&mpsc::Sender<Job>, DbError> {
        self.jobs.as_ref().ok_or(DbError::Closed)
    }
}

/// Wraps a change as a job, with the channel on which its answer comes after the commit.
pub(super) fn job<T, E, F>(change: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (send, receive) = oneshot::channel();
    let job: Job = Box::new(move |tx| {
        // A panic in one job must not take the writer, and the other jobs of the group, with it.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let value = change(tx)?;
            tx.finish()?;
            Ok(value)
        }))
        .unwrap_or_else(|_| Err(E::from(DbError::Panicked)));
        let keep = outcome.is_ok();
        let finish: Finish = Box::new(move |committed| {
            let answer = outcome.and_then(|value| committed.map(|()| value).map_err(E::from));
            // The caller may have gone away; the change stands.
            let _ = send.send(answer);
        });
        (keep, finish)
    });
    (job, receive)
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // What was handed in is committed before the file closes.
            let _ = thread.join();
        }
    }
}

fn run(
    conn: &Connection,
    clock: &Clock,
    hooks: &Hooks,
    events: &broadcast::Sender<Changed>,
    mut waiting: mpsc::Receiver<Job>,
) {
    while let Some(first) = waiting.blocking_recv() {
        let jobs = std::iter::once(first)
            .chain(std::iter::from_fn(|| waiting.try_recv().ok()))
            .take(GROUP);
        let (finishes, result) = commit_group(conn, clock, hooks, jobs);
        match result {
            Ok(changed) => {
                for finish in finishes {
                    finish(Ok(()));
                }
                for change in changed {
                    // Nobody listening is fine.
                    let _ = events.send(change);
                }
            }
            Err(error) => {
                tracing::error!(%error, jobs = finishes.len(), "A group of changes was not committed");
                let full = error.is_disk_full();
                for finish in finishes {
                    finish(Err(DbError::Sql {
                        what: "commit",
                        source: rusqlite::Error::SqliteFailure(
                            rusqlite::ffi::Error::new(if full {
                                rusqlite::ffi::SQLITE_FULL
                            } else {
                                rusqlite::ffi::SQLITE_IOERR
                            }),
                            None,
                        ),
                    }));
                }
            }
        }
    }
}

fn commit_group(
    conn: &Connection,
    clock: &Clock,
    hooks: &Hooks,
    jobs: impl Iterator<Item = Job>,
) -> (Vec<Finish>, Result<Vec<Changed>, DbError>) {
    let mut finishes = Vec::new();
    let mut batch = match begin(conn, clock) {
        Ok(batch) => batch,
        Err(error) => {
            // Without a transaction no job may run; each is told through a refusing finish.
            finishes.extend(jobs.map(refuse));
            return (finishes, Err(error));
        }
    };
    let hooks = hooks.read().map(|h| h.clone()).unwrap_or_default();
    let mut failed = None;
    for job in jobs {
        if failed.is_some() {
            finishes.push(refuse(job));
            continue;
        }
        let before = batch.mark();
        if let Err(error) = table::transaction::savepoint(conn) {
            failed = Some(error);
            finishes.push(refuse(job));
            continue;
        }
        let (keep, finish) = job(&mut Tx::new(conn, &hooks, &mut batch));
        let ended = if keep {
            table::transaction::release(conn)
        } else {
            batch.reset(before);
            table::transaction::undo(conn)
        };
        finishes.push(finish);
        failed = ended.err();
    }
    let result = match failed {
        Some(error) => {
            let _ = table::transaction::rollback(conn);
            Err(error)
        }
        None => end(conn, &batch).map(|()| batch.into_changed()),
    };
    (finishes, result)
}

/// A job that did not run still has a caller who waits: dropping it closes the channel, which says "closed".
fn refuse(job: Job) -> Finish {
    drop(job);
    Box::new(|_| ())
}

fn begin(conn: &Connection, clock: &Clock) -> Result<Batch, DbError> {
    table::transaction::begin(conn)?;
    // Read again each time: the command line may have written between two groups.
    let state = (|| Ok((table::version::last_seq(conn)?, table::audit::head(conn)?)))();
    match state {
        Ok((seq, head)) => Ok(Batch::new(clock.now_ms(), seq, head)),
        Err(error) => {
            let _ = table::transaction::rollback(conn);
            Err(error)
        }
    }
}

fn end(conn: &Connection, batch: &Batch) -> Result<(), DbError> {
    let stored = batch
        .audit_head_if_moved()
        .map_or(Ok(()), |head| table::audit::set_head(conn, head));
    let committed = stored.and_then(|()| conn.execute_batch("COMMIT").doing("commit"));
    if committed.is_err() {
        let _ = table::transaction::rollback(conn);
    }
    committed
}
