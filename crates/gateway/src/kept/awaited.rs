//! Who waits in this shard for the end of a call that runs elsewhere.

use session_store::SessionId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often the journal is looked into without news: from the first pause to the longest, doubled each time.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// By the session of the call; several may wait for one.
#[derive(Debug, Default)]
pub(crate) struct Awaited(Rc<RefCell<HashMap<SessionId, Vec<Rc<Notify>>>>>);

/// Somebody who waits. Dropped, it is told no more.
#[derive(Debug)]
pub(crate) struct Waiting {
    all: Rc<RefCell<HashMap<SessionId, Vec<Rc<Notify>>>>>,
    session: SessionId,
    news: Rc<Notify>,
    pause: Duration,
}

impl Awaited {
    pub(crate) fn join(&self, session: SessionId) -> Waiting {
        let news = Rc::new(Notify::new());
        self.0.borrow_mut().entry(session).or_default().push(Rc::clone(&news));
        Waiting { all: Rc::clone(&self.0), session, news, pause: PAUSES.0 }
    }

    /// The session's call has ended: whoever waits looks into the journal now.
    pub(crate) fn ended(&self, session: SessionId) {
        for news in self.0.borrow().get(&session).into_iter().flatten() {
            news.notify_one();
        }
    }
}

impl Waiting {
    /// Waits until the journal is to be looked into again. Cancel safe.
    pub(crate) async fn pause(&mut self) {
        let _ = tokio::time::timeout(self.pause, self.news.notified()).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut all = self.all.borrow_mut();
        if let Some(waiting) = all.get_mut(&self.session) {
            waiting.retain(|news| !Rc::ptr_eq(news, &self.news));
            if waiting.is_empty() {
                all.remove(&self.session);
            }
        }
    }
}
