//! A session's way through its tenant's log: a cursor, what it wants, and a page of the store where the shard's part of
//! the log does not reach back to it.

use super::Outbox;
use crate::fanout::{Entry, Filter, Log, Step};
use crate::shard::{Peer, Shard};
use protocol::{Method, Outgoing};
use session_store::{EventLog as _, Page, Position, ReadLimit};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// How much a session that lags behind reads of the store at a time.
const PAGE: ReadLimit = ReadLimit { events: 128, bytes: 16 << 10 };
/// How long it waits after a read that failed.
const RETRY: Duration = Duration::from_millis(500);

type Read = Pin<Box<dyn Future<Output = Page>>>;

/// The cursor of a session with subscriptions. Dropped, it reads no more.
pub(crate) struct Feed {
    pub(super) filter: Filter,
    pub(super) cursor: Position,
    log: Rc<Log>,
    place: usize,
    shard: Rc<Shard>,
    reading: Option<Read>,
}

impl Feed {
    /// A feed that goes on behind this position.
    pub(super) fn new(
        filter: Filter,
        cursor: Position,
        log: Rc<Log>,
        peer: &Rc<Peer>,
        shard: &Rc<Shard>,
    ) -> Self {
        let place = log.join(peer);
        Self { filter, cursor, log, place, shard: Rc::clone(shard), reading: None }
    }

    /// Writes events until there are no more, or the client has enough to read. `Ready` if all there is was written.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) -> Poll<()> {
        let most = outbox.shard.config.events.max_unsent;
        while outbox.out.len() - outbox.sent <= most {
            if self.reading.is_some() {
                if self.poll_page(cx, outbox).is_pending() {
                    return Poll::Pending;
                }
                continue;
            }
            match self.log.step(self.cursor) {
                Step::End => return Poll::Ready(()),
                Step::Entry(entry) => {
                    self.write(&entry, outbox);
                    self.cursor.offset.0 = entry.offset;
                }
                Step::Behind => self.read(),
                Step::Gap(position) => self.tell_gap(position, outbox),
            }
        }
        Poll::Pending
    }

    fn write(&self, entry: &Entry, outbox: &mut Outbox<'_>) {
        if !self.filter.wants(&entry.name) {
            return;
        }
        outbox.shard.counters.events_delivered.increment();
        if outbox.deflates(entry.size()) {
            return outbox.send(&entry.message());
        }
        outbox.shard.counters.sent(protocol::Kind::Notification);
        outbox.out.extend_from_slice(entry.frame(outbox.wire));
    }

    fn tell_gap(&mut self, position: Position, outbox: &mut Outbox<'_>) {
        outbox.shard.counters.event_gaps.increment();
        let params =
            format!("{{\"log_epoch\":\"{}\",\"last_offset\":{}}}", position.epoch, position.offset.0);
        outbox.send(&Outgoing::notification(Method::EventGap, params.as_bytes(), None));
        self.cursor = position;
    }

    fn read(&mut self) {
        self.shard.counters.event_pages.increment();
        let (store, tenant, cursor) = (self.shard.store.clone(), self.log.tenant.clone(), self.cursor);
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

    /// Takes in the page that is being read. A page is written whole: it is small.
    fn poll_page(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) -> Poll<()> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(()) };
        let Poll::Ready(page) = reading.as_mut().poll(cx) else { return Poll::Pending };
        self.reading = None;
        match page {
            Page::Events { events, end } => {
                if events.is_empty() {
                    self.cursor = end;
                }
                for event in events {
                    self.cursor.offset = event.offset;
                    self.write(&Entry::new(event), outbox);
                }
            }
            Page::Gap { resume, .. } if self.log.is_of(resume.epoch) => self.tell_gap(resume, outbox),
            // The shard's part of the log is older than that: once it has been read anew, it tells of the gap.
            Page::Gap { .. } => {
                self.shard.logs.check(&self.log);
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.log.leave(self.place);
        self.shard.logs.close(&self.log);
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
