//! A server as the bridge knows it: one instance for all, or one for each session.
use crate::conversation::Conversation;
use crate::instance::{Instance, Start, State};
use crate::settings::{Per, Server as Settings};
use crate::tasks::Owned;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The most children of one server.
const MOST: usize = 1_000;
/// How often it is looked for children without calls, of the time that they may have none.
const LOOKS: u32 = 10;

pub(crate) struct Server {
    start: Arc<Start>,
    /// For all; with a child for each session, for what is no session's: lists.
    common: Arc<Instance>,
    sessions: Arc<Mutex<HashMap<String, Session>>>,
    _sweeping: Option<Owned>,
}

struct Session {
    instance: Arc<Instance>,
    used: Instant,
}

impl Server {
    pub(crate) fn new(settings: Settings, supervisor: PathBuf, patience: Duration, longest: usize) -> Self {
        let start = Arc::new(Start { server: settings, supervisor, patience, longest });
        let sessions = Arc::default();
        let idle = Duration::from_millis(start.server.idle_timeout_ms);
        let sweeping =
            (start.server.per == Per::Session).then(|| Owned::spawn(sweep(Arc::clone(&sessions), idle)));
        Self { common: Arc::new(Instance::new(Arc::clone(&start))), start, sessions, _sweeping: sweeping }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.start.server
    }

    pub(crate) fn name(&self) -> &str {
        &self.start.server.name
    }

    /// What becomes of the instance that is asked for lists.
    pub(crate) fn states(&self) -> watch::Receiver<State> {
        self.common.states()
    }

    /// The conversation for a call of this session; `session` tells it from all others.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn conversation(&self, session: &str) -> Result<Arc<Conversation>, String> {
        let conversation = self.instance(session)?.conversation(self.start.patience).await;
        // How long its start took is no time without a call.
        if let Some(known) = lock(&self.sessions).get_mut(session) {
            known.used = Instant::now();
        }
        conversation
    }

    /// Who answers the calls of this session. As long as it is held it is not taken for one that nobody calls.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn instance(&self, session: &str) -> Result<Arc<Instance>, String> {
        if self.start.server.per == Per::Bridge {
            return Ok(Arc::clone(&self.common));
        }
        let mut sessions = lock(&self.sessions);
        if let Some(known) = sessions.get_mut(session) {
            known.used = Instant::now();
            return Ok(Arc::clone(&known.instance));
        }
        if sessions.len() == MOST {
            return Err(format!("{MOST} sessions have a child of it, which is the most"));
        }
        let instance = Arc::new(Instance::new(Arc::clone(&self.start)));
        sessions
            .insert(session.to_owned(), Session { instance: Arc::clone(&instance), used: Instant::now() });
        Ok(instance)
    }

    /// The sessions that have a child of it.
    pub(crate) fn sessions(&self) -> Vec<String> {
        lock(&self.sessions).keys().cloned().collect()
    }

    /// Ends the child of a session, if it has one.
    pub(crate) fn end(&self, session: &str) {
        let ended = lock(&self.sessions).remove(session);
        if let Some(ended) = ended {
            ended.instance.end();
            tracing::debug!(server = self.name(), "a session has ended, and its child with it");
        }
    }
}

/// Ends children that nobody has called for long.
async fn sweep(sessions: Arc<Mutex<HashMap<String, Session>>>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / LOOKS).await;
        // One that a call still holds is left.
        lock(&sessions).retain(|_, session| session.used.elapsed() < idle || session.is_busy());
    }
}

impl Session {
    /// Whether a call waits for its start, or runs.
    fn is_busy(&self) -> bool {
        if Arc::strong_count(&self.instance) > 1 {
            return true;
        }
        match &*self.instance.states().borrow() {
            State::Up(conversation) => conversation.desk.has_calls(),
            State::Starting | State::Down(_) => false,
        }
    }
}

fn lock(sessions: &Mutex<HashMap<String, Session>>) -> MutexGuard<'_, HashMap<String, Session>> {
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}
