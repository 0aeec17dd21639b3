//! Connections to the server, each for one caller at a time, made when they are needed and again when they were lost.
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Statement};

use super::failure;
use super::tls::Tls;
use crate::{Error, tasks};

const CONNECT: Duration = Duration::from_secs(5);
/// How long a caller waits for the server.
const PATIENCE: Duration = Duration::from_secs(15);
/// What the server keeps to. Nothing runs on for callers that have gone. Every plan is made for its own values, since
/// a tenant may have one context or all of them; and always along an index, since the planner takes words that are kept
/// apart from their rows for cheap to read.
const SESSION: &str = "SET statement_timeout = '15s'; SET idle_in_transaction_session_timeout = '15s'; \
                       SET plan_cache_mode = force_custom_plan; SET enable_seqscan = off";
/// Statements that a connection keeps prepared.
const PREPARED: usize = 64;

pub(super) struct Pool {
    config: Config,
    tls: Tls,
    idle: Mutex<Vec<Link>>,
    permits: Semaphore,
}

/// A connection.
pub(super) struct Link {
    pub(super) client: Client,
    prepared: HashMap<String, Statement>,
}

/// A connection of the pool that is in use. Dropped, it is closed: nobody knows what is still under way on it.
pub(super) struct Lent<'a> {
    pub(super) link: Link,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(mut config: Config, count: usize) -> Result<Self, Error> {
        config.connect_timeout(CONNECT);
        if config.get_application_name().is_none() {
            config.application_name("mcpw context");
        }
        let tls = Tls::new().map_err(Error::failed)?;
        Ok(Self { config, tls, idle: Mutex::default(), permits: Semaphore::new(count) })
    }

    /// A connection of its own, which the pool does not count.
    pub(super) async fn connect(&self) -> Result<Link, Error> {
        patient(async {
            let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(failure)?;
            // It ends with the client. What breaks it, the next statement says.
            tasks::spawn(async move {
                let _ = connection.await;
            });
            client.batch_execute(SESSION).await.map_err(failure)?;
            Ok(Link { client, prepared: HashMap::new() })
        })
        .await
    }

    pub(super) async fn link(&self) -> Result<Lent<'_>, Error> {
        let permit = patient(async { self.permits.acquire().await.map_err(Error::failed) }).await?;
        let idle = loop {
            // One that the server has closed meanwhile is of no use.
            match self.idle().pop() {
                Some(link) if link.client.is_closed() => {}
                found => break found,
            }
        };
        let link = match idle {
            Some(link) => link,
            None => self.connect().await?,
        };
        Ok(Lent { link, pool: self, _permit: permit })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    pub(super) async fn prepared(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await.map_err(failure)?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Lent<'_> {
    /// Gives the connection back, unless something was wrong with it.
    pub(super) fn ended<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        if !matches!(outcome, Err(Error::Unavailable { .. } | Error::Failed { .. })) {
            self.pool.idle().push(self.link);
        }
        outcome
    }
}

/// The outcome, if it comes in time.
pub(super) async fn patient<T>(outcome: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::Unavailable { reason: "the server did not answer in time".to_owned() };
    timeout(PATIENCE, outcome).await.map_err(late)?
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration holds a password.
        f.debug_struct("Pool").field("idle", &self.idle().len()).finish_non_exhaustive()
    }
}
