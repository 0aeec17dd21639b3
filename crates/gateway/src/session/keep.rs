//! How a session is kept in the store for as long as its client may want it back: prolonged, verified after a loss,
//! detached at the end; and what the client is told when it can't be kept.

use super::asker::Asker;
use super::standing::{Opened, Standing};
use super::state::State;
use super::{Close, Exchange, Session, round, taken_over};
use crate::patience::Patience;
use crate::shard::{Delivery, Held, Peer, Shard, Signals, Verified};
use crate::wheel::Tick;
use protocol::{Method, Outgoing};
use session_store::{
    Availability, Epoch, Error, Journal as _, NewSession, ResumeToken, SessionId, Sessions as _, TokenHash,
};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Drain;

/// A session as its holder knows it.
struct Known {
    id: SessionId,
    epoch: Epoch,
    /// None if the client has to be given another token.
    token: Option<TokenHash>,
    /// That other token, the same for every attempt: one may take effect though its answer is lost.
    next: Option<ResumeToken>,
    tenant: String,
    agent: String,
    state: Vec<u8>,
}

impl Session {
    pub(super) fn standing(&self) -> Option<(Epoch, Standing)> {
        self.opened.as_ref().map(|opened| (opened.epoch, opened.standing))
    }

    /// The session as the store has it; none before it is opened.
    pub(super) fn stored(&self) -> Option<SessionId> {
        self.opened.as_ref().map(|_| SessionId(self.id))
    }

    /// The latest round of a request that the client has named as unanswered when the session was opened; none of any other.
    pub(super) fn sent_before(&self, asker: &Asker) -> Option<u32> {
        let unanswered = self.opened.as_ref()?.unanswered.as_ref()?;
        unanswered.get(asker.request.as_deref()?).copied()
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.is_doubtful)
    }

    /// A call was answered of which the journal has the answer too, under the name of its last round.
    pub(super) fn answered(&mut self, request: Option<Arc<str>>, exchange: &Exchange<'_>) {
        if let (Some(opened), Some(request)) = (&mut self.opened, request) {
            let (id, last) = round::read(&request);
            // Mostly none are left.
            if let Some(unanswered) = &mut opened.unanswered {
                unanswered.remove(id);
            }
            for earlier in 0..last {
                opened.answered(round::name(id, earlier), exchange.shard);
            }
            opened.answered(request, exchange.shard);
        }
    }

    /// The tick at which a clock of the session is due.
    pub(crate) fn due(&self) -> Tick {
        self.opened.as_ref().map_or(Tick::NEVER, |opened| opened.due())
    }

    /// Whether the client is to be asked now, by a ping, how far it has read.
    pub(crate) fn wants_ping(&self, now: Tick) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.wants_ping(now))
    }

    /// A ping of this number was written.
    pub(crate) fn pinged(&mut self, number: u32) {
        if let Some(opened) = &mut self.opened {
            opened.pinged(number);
        }
    }

    /// The client has read up to the ping of this number.
    pub(crate) fn ponged(&mut self, number: u32, exchange: &Exchange<'_>) {
        let Some(opened) = &mut self.opened else { return };
        let (epoch, standing) = (opened.epoch, opened.standing);
        acknowledge(SessionId(self.id), epoch, opened.ponged(number, exchange.shard), exchange);
        if let Standing::Doubted { ping } = standing
            && ping <= number
        {
            self.stand(Standing::Alone, exchange);
        }
    }

    fn stand(&mut self, standing: Standing, exchange: &Exchange<'_>) {
        let Some(opened) = &mut self.opened else { return };
        opened.standing = standing;
        if let Some(calls) = &mut self.calls {
            calls.stand(opened.epoch, standing, exchange);
        }
    }

    /// The journal could not be asked. From the next pong on the client knows that it can't resume.
    pub(super) fn doubt(&mut self, exchange: &mut Exchange<'_>) {
        let Some(Opened { standing: Standing::Journalled, .. }) = self.opened.as_deref() else { return };
        let params = format!(
            "{{\"session_id\":\"{}\",\"resumable\":false,\"reason\":\"the store is out of reach; calls are no longer journalled\"}}",
            self.id
        );
        exchange.send(&Outgoing::notification(Method::SessionChanged, params.as_bytes(), None));
        let ping = exchange.ping();
        self.stand(Standing::Doubted { ping }, exchange);
        tracing::info!(connection = exchange.peer.id(), session = %self.id, "the session is not resumable any more");
        Self::verify_when_up(exchange);
    }

    /// The store is asked about the session as soon as it is in reach; it may be so already, but not have got the session,
    /// or refuse it.
    pub(super) fn verify_when_up(exchange: &Exchange<'_>) {
        let (mut availability, peer) = (exchange.shard.store.availability(), Rc::downgrade(exchange.peer));
        tokio::task::spawn_local(async move {
            if availability.wait_for(Availability::is_up).await.is_ok()
                && let Some(peer) = peer.upgrade()
            {
                peer.signal(Signals::VERIFY);
            }
        });
    }

    /// Asks the store to keep the session on, if it is time.
    pub(crate) fn prolong(&mut self, peer: &Rc<Peer>, shard: &Rc<Shard>) {
        if self.opened.as_mut().is_some_and(|opened| opened.wants_prolongation(shard)) {
            self.verify(peer, shard);
        }
    }

    /// Asks the store whether the session is still held here, and puts it back if the store has lost it.
    pub(crate) fn verify(&mut self, peer: &Rc<Peer>, shard: &Rc<Shard>) {
        let feed = self.feed.as_ref();
        let Some(opened) = self.opened.as_mut().filter(|opened| !opened.verifying) else { return };
        opened.verifying = true;
        let state = feed.map(|feed| State { filter: feed.filter.clone(), position: feed.cursor() }.write());
        let token = opened.token.filter(|_| opened.is_resumable());
        let known = Known {
            id: SessionId(self.id),
            epoch: opened.epoch,
            token,
            next: if token.is_none() { ResumeToken::fresh().ok() } else { None },
            tenant: self.identity.tenant().to_owned(),
            agent: self.identity.agent().to_owned(),
            state: state.unwrap_or_default(),
        };
        let (shard, peer) = (Rc::clone(shard), Rc::clone(peer));
        tokio::task::spawn_local(async move {
            let mut patience = Patience::new();
            loop {
                if let Some(verified) = known.verify(&shard).await {
                    return peer.deliver_to(Delivery::Verified(verified));
                }
                if !patience.wait(&shard.store).await || Rc::strong_count(&peer) == 1 {
                    return;
                }
            }
        });
    }

    pub(super) fn verified(&mut self, verified: Verified, exchange: &mut Exchange<'_>) -> Result<(), Close> {
        let Some(opened) = &mut self.opened else { return Ok(()) };
        opened.verifying = false;
        match verified {
            Verified::Held => {}
            Verified::Taken => return Err(taken_over()),
            Verified::Restored(epoch, token) => {
                let id = SessionId(self.id);
                (opened.epoch, opened.token) = (epoch, Some(token.hash(id)));
                let params = format!(
                    "{{\"session_id\":\"{id}\",\"resumable\":true,\"resume_token\":\"{}\",\"resume_window_ms\":{}}}",
                    token.reveal(),
                    exchange.shard.terms().config.session.resume_window_ms
                );
                exchange.send(&Outgoing::notification(Method::SessionChanged, params.as_bytes(), None));
                exchange.shard.hold(id, Held { peer: exchange.peer.key(), epoch });
                self.stand(Standing::Journalled, exchange);
                tracing::info!(connection = exchange.peer.id(), session = %id, "the session is resumable again");
            }
        }
        Ok(())
    }

    /// The connection is over: the store is told that the session waits for its client, or that it is over too.
    pub(super) fn part(&mut self, peer: usize, shard: &Rc<Shard>) {
        let Some(opened) = self.opened.take() else { return };
        let (id, epoch) = (SessionId(self.id), opened.epoch);
        let was_held = shard.let_go(id, peer);
        if !was_held || (!opened.is_resumable() && !self.is_over) {
            return;
        }
        let window = Duration::from_millis(shard.terms().config.session.resume_window_ms);
        let (store, is_over) = (shard.store.clone(), self.is_over);
        shard.work(async move {
            let parted =
                if is_over { store.end(id, epoch).await } else { store.detach(id, epoch, window).await };
            if let Err(error) = parted {
                tracing::debug!(session = %id, %error, "the end of a connection was not noted");
            }
        });
    }
}

/// The client has these answers: the journal need not keep them.
fn acknowledge(id: SessionId, epoch: Epoch, acknowledged: Drain<'_, Arc<str>>, exchange: &Exchange<'_>) {
    if acknowledged.len() == 0 {
        return;
    }
    let told = move |done: Result<(), Error>| {
        if let Err(error) = done {
            tracing::debug!(session = %id, %error, "answers were not acknowledged");
        }
    };
    let shard = exchange.shard;
    if let Some(store) = shard.store.at_once() {
        return told(store.acknowledge_at(id, epoch, acknowledged, exchange.now.into()));
    }
    let (store, acknowledged) = (shard.store.clone(), acknowledged.collect::<Vec<_>>());
    shard.work(async move {
        let requests: Vec<&str> = acknowledged.iter().map(|request| &**request).collect();
        told(store.acknowledge(id, epoch, &requests).await);
    });
}

impl Known {
    /// `None` if the store did not say.
    async fn verify(&self, shard: &Shard) -> Option<Verified> {
        if let Some(token) = self.token {
            let error = match shard.store.prolong(self.id, self.epoch).await {
                Ok(()) => return Some(Verified::Held),
                Err(error) => error,
            };
            return match error {
                Error::Stale => Some(Verified::Taken),
                // The client's token is good again once the store has it back.
                Error::Unknown { .. } | Error::Corrupt { .. } => {
                    match self.restore(shard, token, self.epoch).await {
                        Ok(()) => Some(Verified::Held),
                        Err(verified) => verified,
                    }
                }
                _ => None,
            };
        }
        let token = self.next.clone()?;
        // Another epoch, since calls were made that the journal does not know.
        let epoch = Epoch(self.epoch.0 + 1);
        match self.restore(shard, token.hash(self.id), epoch).await {
            Ok(()) => Some(Verified::Restored(epoch, token)),
            Err(verified) => verified,
        }
    }

    async fn restore(&self, shard: &Shard, token: TokenHash, epoch: Epoch) -> Result<(), Option<Verified>> {
        let session = NewSession {
            id: self.id,
            tenant: &self.tenant,
            agent: &self.agent,
            token,
            pod: &shard.pod.id,
            state: &self.state,
        };
        shard.store.restore(session, epoch).await.map_err(|error| match error {
            Error::Stale | Error::Exists { .. } => Some(Verified::Taken),
            error => {
                tracing::debug!(session = %self.id, %error, "a session was not restored");
                None
            }
        })
    }
}
