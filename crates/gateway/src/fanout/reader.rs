//! A way through a tenant's log: a cursor, and a page of the store where the shard's part of the log does not reach back
//! to it. It chooses no event and writes none.

use super::{Entry, Log, Step};
use crate::shard::{Peer, Shard};
use session_store::{Event, EventLog as _, Offset, Page, Position, ReadLimit};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How much a reader that lags behind reads of the store at a time.
const PAGE: ReadLimit = ReadLimit { events: 128, bytes: 16 << 10 };
/// How long it waits after a read that failed.
const RETRY: Duration = Duration::from_millis(500);

type Read = Pin<Box<dyn Future<Output = Page>>>;

/// What comes next.
#[derive(Debug)]
pub(crate) enum News {
    /// This event; the cursor stands behind it.
    Event(Rc<Entry>),
    /// Events are missing: the cursor stands here now.
    Gap(Position),
}

/// The cursor of somebody who reads a log. Dropped, it reads no more.
pub(crate) struct Reader {
    /// The log knows it too.
    cursor: Rc<Cell<Position>>,
    log: Rc<Log>,
    place: usize,
    shard: Rc<Shard>,
    reading: Option<Read>,
    /// Events of the store that were not taken yet.
    page: VecDeque<Event>,
}

impl Reader {
    /// Goes on behind this position. `peer` is woken when there is more.
    pub(crate) fn new(cursor: Position, log: Rc<Log>, peer: &Rc<Peer>, shard: &Rc<Shard>) -> Self {
        let cursor = Rc::new(Cell::new(cursor));
        let place = log.join(peer, &cursor);
        Self { cursor, log, place, shard: Rc::clone(shard), reading: None, page: VecDeque::new() }
    }

    /// Behind which event it stands.
    pub(crate) fn cursor(&self) -> Position {
        self.cursor.get()
    }

    /// `None`: nothing more for now, and the peer is woken when there is. Pending: the store is being read.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<News>> {
        loop {
            if let Some(event) = self.page.pop_front() {
                self.pass(event.offset);
                return Poll::Ready(Some(News::Event(Rc::new(Entry::new(event)))));
            }
            if self.reading.is_some() {
                if let Some(gap) = ready!(self.poll_page(cx)) {
                    return Poll::Ready(Some(gap));
                }
                continue;
            }
            match self.log.step(self.cursor.get()) {
                Step::End => return Poll::Ready(None),
                Step::Entry(entry) => {
                    self.pass(Offset(entry.offset));
                    return Poll::Ready(Some(News::Event(entry)));
                }
                Step::Behind => self.read(),
                Step::Gap(position) => return Poll::Ready(Some(self.skip(position))),
            }
        }
    }

    /// It stands behind this event now.
    fn pass(&self, offset: Offset) {
        self.cursor.set(Position { offset, ..self.cursor.get() });
    }

    fn skip(&self, position: Position) -> News {
        self.shard.counters.event_gaps.increment();
        self.cursor.set(position);
        News::Gap(position)
    }

    fn read(&mut self) {
        self.shard.counters.event_pages.increment();
        let (store, tenant, cursor) = (self.shard.store.clone(), self.log.tenant.clone(), self.cursor.get());
        self.reading = Some(Box::pin(async move {
            loop {
                match store.read(&tenant, cursor, PAGE).await {
                    Ok(page) => return page,
                    Err(error) => {
                        tracing::debug!(tenant = &*tenant, %error, "a page of a log could not be read");
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        }));
    }

    /// Takes in the page that is being read.
    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<News>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let page = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        match page {
            Page::Events { events, end } => {
                if events.is_empty() {
                    self.cursor.set(end);
                }
                self.page = events.into();
            }
            Page::Gap { resume, .. } if self.log.is_of(resume.epoch) => {
                return Poll::Ready(Some(self.skip(resume)));
            }
            // The shard's part of the log is older than that: once it has been read anew, it tells of the gap.
            Page::Gap { .. } => {
                self.shard.logs.check(&self.log);
                return Poll::Pending;
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.log.leave(self.place);
        self.shard.logs.close(&self.log);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
