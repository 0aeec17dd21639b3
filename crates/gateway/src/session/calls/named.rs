//! Calls that their clients have named by a key: they stand in a journal of their own, go on when the connection is lost, and
//! are found by whoever sends them again, at whichever pod.

use super::Calls;
use super::work::Work;
use crate::kept::{self, Asked as Keep, Named};
use crate::mcp::Ends;
use crate::session::asker::Asker;
use crate::session::exchange::Exchange;
use crate::session::requests::Asked;
use crate::shard::Delivery;
use crate::trace::{self, CallSpan};
use auth::Identity;
use protocol::Message;
use router::{Event, Failure};
use std::rc::Rc;
use std::sync::Arc;

impl Calls {
    /// Makes the call for this caller under this name, or joins it if it was made before.
    ///
    /// # Errors
    /// It is refused; nothing was sent.
    pub(in crate::session) fn begin_named(
        &mut self,
        asker: Asker,
        request: &Message<'_>,
        asked: &Asked<'_>,
        (identity, named): (&Identity, &Named),
        exchange: &Exchange<'_>,
    ) -> Result<(), Failure> {
        let span = exchange.span.get().as_ref().map(CallSpan::of);
        let (traceparent, tracestate) = trace::carried(span.as_ref(), &request.meta);
        let trace = (traceparent.into_owned(), tracestate.to_owned());
        let work = kept::Work {
            handler: Arc::clone(asked.handler),
            method: asked.method.to_owned().into(),
            params: asked.params.as_bytes().into(),
            timeout: asked.timeout,
            session: None,
        };
        let place = self.insert(asker, Some(asked.handler), exchange.span.take(), exchange.now);
        self.running[place].spoken = asked.spoken();
        let (peer, tag) = (Rc::clone(exchange.peer), self.tag(place));
        let client = (Rc::clone(&peer), tag);
        let keep = Keep { identity, named, work, ends: Ends::of(asked), span, trace, client };
        let entered = match kept::start(exchange.shard, keep) {
            Ok((kept, entered)) => {
                self.running[place].work = Work::Named(kept);
                entered
            }
            Err(failure) => {
                // The message ends where it is refused.
                exchange.span.set(self.remove(place).span);
                return Err(failure);
            }
        };
        tokio::task::spawn_local(async move {
            let refused = entered.await.unwrap_or_else(|_| Err(kept::not_entered())).err();
            if let Some(failure) = refused {
                peer.deliver_to(Delivery::Event { tag, event: Event::Failed(failure) });
            }
        });
        Ok(())
    }
}
