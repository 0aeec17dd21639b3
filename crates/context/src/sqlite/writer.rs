//! The one thread that writes. Writes that have come while the disk was busy share a transaction, and are
//! acknowledged once it is on the disk.
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{failure, unavailable};
use crate::Error;

/// Writes that may wait; more wait to be put there.
const WAITING: usize = 1_024;
/// Writes in one transaction.
const TOGETHER: usize = 128;

/// Does its part of the transaction, and answers what tells its caller how the transaction has ended.
type Job = Box<dyn FnOnce(&Connection) -> Ending + Send>;
type Ending = Box<dyn FnOnce(Result<(), &rusqlite::Error>) + Send>;

#[derive(Debug)]
pub(super) struct Writer {
    /// None once it ends.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("contexts".to_owned())
            .spawn(move || run(&connection, waiting))
            .map_err(Error::failed)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does the write, all of it or nothing, and answers once it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = whole(connection, write);
            Box::new(move |committed| {
                // A caller that has gone does not want to know.
                let _ = answer.send(match committed {
                    Ok(()) => outcome,
                    Err(error) => Err(failure(error)),
                });
            })
        });
        let gone = || unavailable("the thread that writes has ended");
        self.jobs.as_ref().ok_or_else(gone)?.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    /// What was begun is written to its end.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.blocking_recv() {
        let begun = connection.execute_batch("BEGIN IMMEDIATE");
        let mut endings = vec![first(connection)];
        while endings.len() < TOGETHER
            && begun.is_ok()
            && let Ok(job) = jobs.try_recv()
        {
            endings.push(job(connection));
        }
        let ended = begun.and_then(|()| connection.execute_batch("COMMIT"));
        if ended.is_err() && !connection.is_autocommit() {
            // It can't be committed, so nothing of it may stay for the next one.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for ending in endings {
            ending(ended.as_ref().copied());
        }
    }
}

/// A write that fails leaves nothing in the transaction that it shares.
fn whole<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    if connection.is_autocommit() {
        return Err(unavailable("no transaction could be begun"));
    }
    connection.execute_batch("SAVEPOINT one").map_err(|error| failure(&error))?;
    let outcome = write(connection);
    let end = if outcome.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    connection.execute_batch(end).map_err(|error| failure(&error))?;
    outcome
}
