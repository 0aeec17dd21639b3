//! What a session wants of its tenant's log, and how it is written to the client.

use super::Outbox;
use crate::fanout::{Entry, Filter, Log, News, Reader};
use crate::shard::{Peer, Shard};
use protocol::{Method, Outgoing};
use session_store::Position;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The cursor of a session with subscriptions. Dropped, it reads no more.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(super) filter: Filter,
    reader: Reader,
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
        Self { filter, reader: Reader::new(cursor, log, peer, shard) }
    }

    pub(super) fn cursor(&self) -> Position {
        self.reader.cursor()
    }

    /// Writes events until there are no more, or the client has enough to read. `Ready` if all there is was written.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) -> Poll<()> {
        let most = outbox.shard.config.events.max_unsent;
        while outbox.out.len() - outbox.sent <= most {
            match self.reader.poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Ready(Some(News::Event(entry))) => self.write(&entry, outbox),
                Poll::Ready(Some(News::Gap(position))) => tell_gap(position, outbox),
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
}

fn tell_gap(position: Position, outbox: &mut Outbox<'_>) {
    let params = format!("{{\"log_epoch\":\"{}\",\"last_offset\":{}}}", position.epoch, position.offset.0);
    outbox.send(&Outgoing::notification(Method::EventGap, params.as_bytes(), None));
}
