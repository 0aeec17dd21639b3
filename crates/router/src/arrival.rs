//! What comes from a backend, on its way to the sink of the call that it is for.
use std::rc::Rc;

use protocol::pb;

use crate::answer::{self, Answer, Verdict};
use crate::core::Core;
use crate::link::Link;
use crate::{Event, Failure};

impl Core {
    /// Takes one event from a link. False if its call is over or never was this link's.
    pub(crate) fn arrive(&self, link: &Rc<Link>, event: pb::CallEvent) -> bool {
        let limit = self.dialer.options.max_result_bytes;
        let mut calls = self.calls.borrow_mut();
        let found = calls
            .by_wire(event.call_id)
            .filter(|(_, call)| call.link.as_ref().is_some_and(|its| Rc::ptr_eq(its, link)));
        let Some((place, call)) = found else {
            drop(calls);
            self.stray(link);
            return false;
        };
        let is_last =
            matches!(event.event, Some(pb::call_event::Event::Result(_) | pb::call_event::Event::Error(_)));
        match answer::judge(event.event, &call.handler.backend, limit) {
            Answer::Nothing => true,
            Answer::Goes(event, size) => {
                call.streamed = call.streamed.saturating_add(size);
                if call.streamed > limit {
                    let failure =
                        Failure::too_large(&call.handler.backend, "partial results and progress", limit);
                    drop(calls);
                    self.stop(place, Event::Failed(failure), Verdict::Neutral);
                    return false;
                }
                call.partial |= matches!(event, Event::Partial(_));
                let (sink, tag) = (Rc::clone(&call.sink), call.tag);
                drop(calls);
                sink.deliver(tag, event);
                true
            }
            Answer::Ends(event, verdict) => {
                drop(calls);
                if is_last {
                    self.end(place, event, verdict);
                } else {
                    self.stop(place, event, verdict);
                }
                false
            }
        }
    }

    /// Ends a call that the backend thinks is still running.
    fn stop(&self, place: usize, event: Event, verdict: Verdict) {
        let call = self.calls.borrow_mut().remove(place);
        self.withdraw(&call);
        self.release(&call, verdict);
        call.sink.deliver(call.tag, event);
    }

    fn stray(&self, link: &Link) {
        self.count(|stats| stats.stray_events += 1);
        let strays = self.stats.get().stray_events;
        // Late answers to cancelled calls are normal; a flood must not fill the log.
        if strays.is_power_of_two() {
            tracing::debug!(
                backend = link.replica.backend(),
                instance = link.replica.instance,
                strays,
                "event for no call in flight"
            );
        }
    }
}
