//! What the journal says of the conversation's calls: those that run elsewhere, those that ended before it began, and
//! those that wait for the journal.

use super::Calls;
use super::rounds::Spoken;
use super::work::{Watch, Work};
use crate::mcp::Shape;
use crate::outcome;
use crate::session::asker::Asker;
use crate::session::exchange::Exchange;
use crate::session::round;
use crate::session::standing::Standing;
use crate::shard::{Delivery, KeptOrder, Word};
use auth::Identity;
use router::Event;
use session_store::{Entry, Epoch};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// So long a client that is back has to send a call again that its backend may still have.
const ORDER: Duration = Duration::from_secs(1);

/// The attempt by which a call is ours that was taken over.
const INHERITED: u64 = 0;

/// What a word of the journal means for the session.
pub(in crate::session) enum Heeded {
    Nothing,
    /// A call was answered that the journal has an answer of, too.
    Answered(Arc<str>),
    /// The store is out of reach.
    Unasked,
    /// The session is held elsewhere.
    Stale,
}

impl Calls {
    /// The session stands differently with the store from now on. What was held for that is run.
    pub(in crate::session) fn stand(&mut self, epoch: Epoch, standing: Standing, exchange: &Exchange<'_>) {
        self.standing = Some((epoch, standing));
        if let Standing::Doubted { .. } = standing {
            return;
        }
        let held: Vec<usize> =
            self.running.iter().filter(|(_, r)| r.work.is_held()).map(|(at, _)| at).collect();
        for place in held {
            if let Work::Held(order) = self.running[place].work.take() {
                self.dispatch(place, *order, exchange);
            }
        }
    }

    /// The conversation goes on as this session's.
    pub(in crate::session) fn adopt(
        &mut self,
        identity: &Identity,
        session: uuid::Uuid,
        standing: (Epoch, Standing),
    ) {
        let adopted = Self::new(identity, session, Some(standing));
        (self.caller, self.holder, self.session, self.standing) =
            (adopted.caller, adopted.holder, adopted.session, adopted.standing);
    }

    /// What the journal says of a call. Returns the id of a call that is answered by it, if it is.
    pub(in crate::session) fn heed(
        &mut self,
        tag: u64,
        word: Word,
        exchange: &mut Exchange<'_>,
        now: Instant,
    ) -> Heeded {
        let Some(place) = self.place_of(tag) else { return Heeded::Nothing };
        let shard = exchange.shard;
        let client = || (Rc::clone(exchange.peer), tag);
        let end = match word {
            Word::Ended(end) => end,
            Word::Running(order) => {
                self.running[place].work = match shard.rejoin(self.session, &order.request, client()) {
                    Some(key) => Work::AtDesk(key),
                    None => self.watch(tag, Some(order), exchange),
                };
                return Heeded::Nothing;
            }
            Word::Inherited => match self.running[place].work.take() {
                Work::Elsewhere { order: Some(order), .. } => {
                    self.running[place].work = Work::AtDesk(shard.run(&order, client()));
                    return Heeded::Nothing;
                }
                _ => {
                    let request = self.running[place].name().unwrap_or_default();
                    shard.withdraw_attempt(self.session, request, INHERITED);
                    Event::Failed(outcome::repeatable("the pod that ran it died"))
                }
            },
            Word::Orphaned => match self.running[place].work.take() {
                Work::Elsewhere { order: Some(order), .. } => match order.joining() {
                    Some(order) => {
                        self.running[place].work = Work::AtDesk(shard.run(&order, client()));
                        return Heeded::Nothing;
                    }
                    None => self.bury(place, exchange),
                },
                // Its client may just be about to send it again, which brings what it takes to ask the backend.
                Work::Elsewhere { order: None, watch } if !watch.is_last => {
                    self.running[place].work = Self::await_order(tag, exchange);
                    return Heeded::Nothing;
                }
                _ => self.bury(place, exchange),
            },
            Word::Missing => match self.running[place].work.take() {
                Work::Elsewhere { order: Some(mut order), .. } => {
                    (order.resent, order.attempt) = (true, shard.next_attempt());
                    self.dispatch(place, *order, exchange);
                    return Heeded::Nothing;
                }
                _ => Event::Failed(outcome::unknown("the journal has lost it")),
            },
            Word::Unasked(order) => {
                if order.may_repeat() || matches!(self.standing, Some((_, Standing::Alone))) {
                    self.running[place].work = Work::AtDesk(shard.run(&order, client()));
                } else {
                    self.running[place].work = Work::Held(order);
                }
                return Heeded::Unasked;
            }
            Word::Stale(epoch, order) => {
                match self.standing {
                    Some((now, _)) if now > epoch => {}
                    None | Some((_, Standing::Journalled)) => return Heeded::Stale,
                    // Perhaps the session was put back under another epoch of its own, and the answer is awaited.
                    Some(_) => {
                        self.running[place].work = match (order, self.running[place].work.take()) {
                            (Some(order), _) => Work::Held(order),
                            (None, Work::Elsewhere { order, .. }) => self.watch(tag, order, exchange),
                            (None, other) => other,
                        };
                        return Heeded::Nothing;
                    }
                }
                // It was asked under an epoch of this session's own that has passed.
                match (order, self.running[place].work.take()) {
                    (Some(order), _) | (None, Work::Elsewhere { order: Some(order), .. }) => {
                        self.dispatch(place, *order, exchange);
                    }
                    (None, _) => self.running[place].work = self.watch(tag, None, exchange),
                }
                return Heeded::Nothing;
            }
        };
        if self.ask_client(place, &end, exchange) {
            return Heeded::Nothing;
        }
        match self.finish(place, &end, exchange, now) {
            Some(request) => Heeded::Answered(request),
            None => Heeded::Nothing,
        }
    }

    /// Answers, or waits for the answer of, a request that was named unanswered.
    pub(in crate::session) fn recall(
        &mut self,
        request: &str,
        entry: Entry,
        shape: Option<Shape>,
        exchange: &mut Exchange<'_>,
    ) -> Option<Arc<str>> {
        let place = self.insert(Asker::named(request), None, None, exchange.now);
        self.running[place].spoken = shape.map(|shape| Box::new(Spoken::bare(shape)));
        let end = match entry {
            Entry::Done(ended) => outcome::decode(&ended),
            Entry::Forgotten => Event::Failed(outcome::forgotten()),
            Entry::Running { .. } => {
                let client = (Rc::clone(exchange.peer), self.tag(place));
                self.running[place].work = match exchange.shard.rejoin(self.session, request, client) {
                    Some(key) => Work::AtDesk(key),
                    None => self.watch(self.tag(place), None, exchange),
                };
                return None;
            }
        };
        self.finish(place, &end, exchange, exchange.now)
    }

    /// Asks the journal how a call ends that runs elsewhere.
    fn watch(&self, tag: u64, order: Option<KeptOrder>, exchange: &Exchange<'_>) -> Work {
        let news = Rc::new(Notify::new());
        let place = (tag & u64::from(u32::MAX)) as usize;
        let epoch = self.standing.map_or(Epoch(0), |(epoch, _)| epoch);
        let asking = Rc::clone(exchange.shard).await_end(
            self.session,
            epoch,
            self.running[place].name().as_deref().unwrap_or_default().into(),
            Rc::clone(&news),
        );
        let peer = Rc::clone(exchange.peer);
        let task = tokio::task::spawn_local(async move {
            let word = asking.await;
            peer.deliver_to(Delivery::Word { tag, word });
        });
        Work::Elsewhere { order, watch: Watch { task: task.abort_handle(), news, is_last: false } }
    }

    /// Waits a moment for the order of a call that is ours and may not be begun.
    fn await_order(tag: u64, exchange: &Exchange<'_>) -> Work {
        let peer = Rc::clone(exchange.peer);
        let task = tokio::task::spawn_local(async move {
            tokio::time::sleep(ORDER).await;
            peer.deliver_to(Delivery::Word { tag, word: Word::Orphaned });
        });
        let watch = Watch { task: task.abort_handle(), news: Rc::default(), is_last: true };
        Work::Elsewhere { order: None, watch }
    }

    /// Nobody knows how the call ended.
    fn bury(&self, place: usize, exchange: &Exchange<'_>) -> Event {
        let name = self.running[place].name().unwrap_or_default();
        exchange.shard.bury(self.session, &name)
    }

    /// A call of the session has ended somewhere: whoever waits for it asks the journal now.
    pub(in crate::session) fn ended(&self, request: &str) {
        if let Some(&place) = self.by_id.get(round::read(request).0)
            && let Work::Elsewhere { watch, .. } = &self.running[place].work
        {
            watch.news.notify_one();
        }
    }
}
