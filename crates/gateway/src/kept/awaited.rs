//! Who waits in this shard for the end of a call that runs elsewhere.

use session_store::SessionId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// By the session of the call; several may wait for one.
#[derive(Debug, Default)]
pub(crate) struct Awaited(Rc<RefCell<HashMap<SessionId, Vec<Rc<Notify>>>>>);

/// Somebody who waits. Dropped, it is told no more.
#[derive(Debug)]
pub(crate) struct Waiting {
    all: Rc<RefCell<HashMap<SessionId, Vec<Rc<Notify>>>>>,
    session: SessionId,
    pub(crate) news: Rc<Notify>,
}

impl Awaited {
    pub(crate) fn join(&self, session: SessionId) -> Waiting {
        let news = Rc::new(Notify::new());
        self.0.borrow_mut().entry(session).or_default().push(Rc::clone(&news));
        Waiting { all: Rc::clone(&self.0), session, news }
    }

    /// The session's call has ended: whoever waits looks into the journal now.
    pub(crate) fn ended(&self, session: SessionId) {
        for news in self.0.borrow().get(&session).into_iter().flatten() {
            news.notify_one();
        }
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
