//! What a shard is told by the control plane and by other shards, and the sessions that it is about.

use super::{Delivery, Shard, Signals};
use crate::inquiry::{Ask, Errand, Whom};
use crate::mail::{Letter, Memo};
use session_store::{Epoch, SessionId};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How many sessions ask at a time whether they are still held here, and the pause between: a store that has just
/// come back is not met by all at once.
const VERIFIED: (usize, Duration) = (200, Duration::from_millis(20));

/// How many connections look at a time whether their holder is still recognised, and the pause between: those that have
/// something to do are not held up.
const LOOKED: (usize, Duration) = (2_000, Duration::from_millis(10));

/// By which connection a session is held, and under which epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) peer: usize,
    pub(crate) epoch: Epoch,
}

impl Shard {
    /// Reads memos for as long as the shard lives.
    pub(super) async fn read_memos(self: Rc<Self>, mut memos: mpsc::Receiver<Memo>) {
        while let Some(memo) = memos.recv().await {
            self.heed(memo);
            // Readers are woken once for all that is there.
            while let Ok(memo) = memos.try_recv() {
                self.heed(memo);
            }
            self.logs.wake();
        }
    }

    fn heed(self: &Rc<Self>, memo: Memo) {
        match memo {
            Memo::Log(notice) => self.logs.notice(notice),
            Memo::Verify => {
                let peers = self.sessions.borrow().values().map(|held| held.peer).collect();
                let shard = Rc::clone(self);
                tokio::task::spawn_local(async move { shard.signal(peers, Signals::VERIFY, VERIFIED).await });
            }
            // Whoever handed them out waits until the other end is dropped.
            Memo::Terms(terms, _taken_up) => self.take_up(*terms),
            Memo::Holders => {
                let peers = self.peers.borrow().iter().map(|(key, _)| key).collect();
                let shard = Rc::clone(self);
                tokio::task::spawn_local(async move { shard.signal(peers, Signals::HOLDER, LOOKED).await });
            }
            Memo::Survey(seen) => {
                // Who asked may have gone.
                let _ = seen.try_send(self.look_round());
            }
            Memo::Letter(Letter::Taken { session, epoch }) => {
                self.taken(SessionId(session), Epoch(epoch));
            }
            Memo::Letter(Letter::Ended { session, request }) => {
                self.awaited.ended(SessionId(session));
                let held = self.sessions.borrow().get(&SessionId(session)).copied();
                if let Some(peer) = held.and_then(|held| self.peers.borrow().get(held.peer).cloned()) {
                    peer.deliver_to(Delivery::Ended(request));
                }
            }
            Memo::Ask(ask) => self.asked(ask),
            Memo::Letter(Letter::Over { session }) => {
                let (answer, _) = mpsc::channel(1);
                self.asked(Ask::One(Whom::Session(SessionId(session)), Errand::End(answer)));
            }
            Memo::Letter(Letter::Answer { session, question, message }) => {
                self.rounds.answered(SessionId(session), &question, &message);
            }
            Memo::Letter(Letter::Cancel { session, request }) => {
                self.cancel_for(SessionId(session), &request);
            }
        }
    }

    /// The session is held here from now on, by this connection. Another one that had it here is closed.
    pub(crate) fn hold(&self, session: SessionId, held: Held) {
        let before = self.sessions.borrow().get(&session).copied();
        // A session that was put back under another epoch is still its own.
        if let Some(before) = before.filter(|before| before.peer != held.peer) {
            if before.epoch > held.epoch {
                // A resume that took long, and was made again since.
                if let Some(peer) = self.peers.borrow().get(held.peer) {
                    peer.signal(Signals::TAKEN);
                }
                return;
            }
            self.taken(session, held.epoch);
        }
        self.sessions.borrow_mut().insert(session, held);
    }

    /// The connection holds the session no longer; whether it still did.
    pub(crate) fn let_go(&self, session: SessionId, peer: usize) -> bool {
        let mut sessions = self.sessions.borrow_mut();
        let was_held = sessions.get(&session).is_some_and(|held| held.peer == peer);
        if was_held {
            sessions.remove(&session);
        }
        was_held
    }

    fn taken(&self, session: SessionId, epoch: Epoch) {
        let held = self.sessions.borrow().get(&session).copied();
        if let Some(held) = held.filter(|held| held.epoch < epoch)
            && let Some(peer) = self.peers.borrow().get(held.peer)
        {
            peer.signal(Signals::TAKEN);
        }
    }

    /// Raises a signal at these connections, so many at a time with a pause between.
    async fn signal(&self, peers: Vec<usize>, signal: Signals, (most, pause): (usize, Duration)) {
        for some in peers.chunks(most) {
            for peer in some {
                if let Some(peer) = self.peers.borrow().get(*peer) {
                    peer.signal(signal);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }
}
