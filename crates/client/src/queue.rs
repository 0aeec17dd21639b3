//! Where the events of one subscription wait to be read. Drops nothing: whoever fills it looks whether it is full.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};

use crate::event::covers;
use crate::waiting::{Waiting, lock};
use crate::{Error, Event};

pub(crate) struct Queue {
    /// Names and prefixes.
    pub(crate) names: Vec<String>,
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: VecDeque<Result<Event, Error>>,
    bytes: usize,
    /// Where the subscription begins; unknown until the gateway has confirmed it.
    from: Option<u64>,
    ended: bool,
    reader: Waiting,
}

impl Queue {
    /// An empty queue that is full at `limit` bytes.
    pub(crate) fn new(names: Vec<String>, limit: usize) -> Self {
        Self { names, limit, state: Mutex::default() }
    }

    /// The gateway has confirmed the subscription; events up to this offset are from before it.
    pub(crate) fn begin(&self, after: u64) {
        let mut state = self.lock();
        if state.from.replace(after).is_none() {
            state.items.retain(|item| item.as_ref().is_ok_and(|event| event.offset > after));
            state.bytes = state.items.iter().map(weight).sum();
        }
    }

    /// Another log begins.
    pub(crate) fn begin_anew(&self) {
        if let Some(from) = &mut self.lock().from {
            *from = 0;
        }
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.lock().from.is_some()
    }

    pub(crate) fn wants(&self, name: &str, offset: Option<u64>) -> bool {
        let from = self.lock().from;
        from.zip(offset).is_none_or(|(from, offset)| offset > from)
            && self.names.iter().any(|pattern| covers(pattern, name))
    }

    pub(crate) fn push(&self, item: Result<Event, Error>) {
        let mut state = self.lock();
        if !state.ended {
            state.bytes += weight(&item);
            state.items.push_back(item);
            state.reader.wake();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().bytes >= self.limit
    }

    /// Nothing follows what is there but the reason, if there is one to tell.
    pub(crate) fn end(&self, reason: Option<Error>) {
        let mut state = self.lock();
        if !state.ended {
            state.items.extend(reason.map(Err));
            state.ended = true;
            state.reader.wake();
        }
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            state.bytes = state.bytes.saturating_sub(weight(&item));
            return Poll::Ready(Some(item));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader.watch(context);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn weight(item: &Result<Event, Error>) -> usize {
    let text = item.as_ref().map_or(0, |it| it.log_epoch.len() + it.name.len() + it.data.get().len());
    size_of::<Result<Event, Error>>() + text
}
