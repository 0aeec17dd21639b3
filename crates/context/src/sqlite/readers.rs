//! Connections that only read, each for one caller at a time.
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::writer::Writer;
use super::{file, unavailable};
use crate::Error;

#[derive(Clone)]
pub(super) struct Readers(Arc<Inner>);

struct Inner {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// Closed after the readers, since only who writes can clear away what is beside the file.
    _writer: Arc<Writer>,
}

impl Readers {
    pub(super) fn open(path: &Path, count: usize, writer: Arc<Writer>) -> Result<Self, Error> {
        let idle = (0..count).map(|_| file::open_to_read(path)).collect::<Result<_, _>>()?;
        let permits = Arc::new(Semaphore::new(count));
        Ok(Self(Arc::new(Inner { idle: Mutex::new(idle), permits, _writer: writer })))
    }

    /// Reads on a thread where it may block. What is dropped meanwhile is read to its end.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let gone = |_| unavailable("the service ends");
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(gone)?;
        let readers = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let Some(connection) = readers.idle().pop() else {
                return Err(unavailable("no connection is left"));
            };
            let outcome = read(&connection);
            readers.idle().push(connection);
            drop(permit);
            outcome
        });
        reading.await.map_err(Error::failed)?
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("idle", &self.idle().len()).finish_non_exhaustive()
    }
}
