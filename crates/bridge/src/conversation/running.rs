//! One request at a server. Dropped before its end, it is cancelled there.
use crate::conversation::Conversation;
use crate::conversation::desk::Receivers;
use crate::conversation::event::{Ending, Event, Lost};
use crate::tasks::Owned;
use std::sync::Arc;

pub(crate) struct Running {
    pub(crate) conversation: Arc<Conversation>,
    receivers: Receivers,
    /// Once it is sent: what reads the answer where it has a stream of its own, and ends with the request.
    sent: Option<Option<Owned>>,
    /// It was told by the server, but not yet by [`Self::next`].
    ending: Option<Ending>,
}

/// What a request has to say next.
pub(crate) enum Said {
    Event(Event),
    Ended(Ending),
}

impl Running {
    pub(crate) fn new(conversation: Arc<Conversation>, receivers: Receivers) -> Self {
        Self { conversation, receivers, sent: None, ending: None }
    }

    pub(crate) fn id(&self) -> u64 {
        self.receivers.id
    }

    /// The server has it now.
    pub(crate) fn sent(&mut self, reading: Option<Owned>) {
        self.sent = Some(reading);
    }

    /// The next thing that happens; all events before the end. Never again after the end.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Said {
        if self.ending.is_none() {
            let ending = tokio::select! {
                biased;
                Some(event) = self.receivers.events.recv() => return Said::Event(event),
                ending = &mut self.receivers.end => ending,
            };
            let lost = |_| Ending::Lost(Lost("the request was given up".to_owned()));
            self.ending = Some(ending.unwrap_or_else(lost));
        }
        // What is there now was there before the end.
        match (self.receivers.events.try_recv(), self.ending.take()) {
            (Ok(event), ending) => {
                self.ending = ending;
                Said::Event(event)
            }
            (Err(_), ending) => Said::Ended(ending.unwrap_or(Ending::Lost(Lost(String::new())))),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.conversation.desk.leave(self.receivers.id) && self.sent.is_some() {
            self.conversation.cancel(self.receivers.id);
        }
    }
}
