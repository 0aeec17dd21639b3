//! Where the stream of a legacy session stands in the shard, so that it hears when the session changes.

use super::session::Session;
use crate::rest::woken;
use crate::shard::{Held, Peer, Shard, Signals};
use session_store::SessionId;
use std::rc::Rc;
use std::task::Poll;

/// The place. Dropped, it is free.
pub(super) struct Place {
    shard: Rc<Shard>,
    peer: Rc<Peer>,
    session: SessionId,
}

impl Place {
    /// A place for this session's stream; whoever had it in this shard is told.
    pub(super) fn enter(shard: &Rc<Shard>, session: &Session) -> Self {
        let peer = {
            let mut peers = shard.peers.borrow_mut();
            let entry = peers.vacant_entry();
            let peer = Rc::new(Peer::new(0, entry.key()));
            entry.insert(Rc::clone(&peer));
            peer
        };
        let place = Self { shard: Rc::clone(shard), peer, session: session.id };
        place.hold(session);
        place
    }

    /// The session was seen like this.
    pub(super) fn hold(&self, session: &Session) {
        self.shard.hold(self.session, Held { peer: self.peer.key(), epoch: session.epoch() });
    }

    /// Waits until the session may have changed. Cancel safe.
    pub(super) async fn changed(&self) {
        woken(&self.peer, |_| {
            let signals = self.peer.take_signals();
            if signals.has(Signals::TASK) {
                // An operator's; all that can be done here is to see whether the session was ended.
                self.shard.forget_tasks(self.peer.key());
            }
            let told = [Signals::TAKEN, Signals::VERIFY, Signals::TASK];
            if told.into_iter().any(|signal| signals.has(signal)) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shard.let_go(self.session, self.peer.key());
        self.shard.forget_tasks(self.peer.key());
        self.shard.peers.borrow_mut().try_remove(self.peer.key());
    }
}
