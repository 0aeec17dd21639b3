//! A call on a stream of its own, for backends without Calls. Aborting the task cancels the call.
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::Bytes;
use protocol::pb;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use crate::codec::{Calls, left_ms};
use crate::connection::ENVELOPE;
use crate::core::Core;
use crate::dial::{root_cause, status_text};
use crate::link::Link;
use crate::loss::Loss;
use crate::outbox::Outgoing;
use crate::{Event, Failure, answer};

/// How long a backend may take to end its stream after the call's end, before it is cut.
const LINGER: Duration = Duration::from_secs(1);
/// The wheel ends a call within this time of its deadline; the wire's own timeout only backs it up.
const GRACE: Duration = Duration::from_millis(50);

/// Starts a task for a call on a link that is up. `None` if its connection has just been lost: the
/// call then waits in the outbox for what the link's task makes of it.
pub(crate) fn spawn(
    core: &Rc<Core>,
    link: &Rc<Link>,
    wire_id: u64,
    deadline: Instant,
    body: Bytes,
) -> Option<AbortHandle> {
    let Some(channel) = link.channel.borrow().clone() else {
        link.outbox.borrow().call(wire_id, deadline, body);
        return None;
    };
    let one = One { core: Rc::downgrade(core), link: Rc::clone(link), epoch: link.epoch.get(), wire_id };
    let limit = core.dialer.options.max_result_bytes + ENVELOPE;
    let task = tokio::task::spawn_local(one.run(channel, limit, deadline, body));
    Some(task.abort_handle())
}

/// Starts a task for a call that waited for the connection.
pub(crate) fn spawn_waiting(core: &Rc<Core>, link: &Rc<Link>, wire_id: u64, deadline: Instant, body: Bytes) {
    let task = spawn(core, link, wire_id, deadline, body);
    if let Some((_, call)) = core.calls.borrow_mut().by_wire(wire_id) {
        call.task = task;
    }
}

struct One {
    core: Weak<Core>,
    link: Rc<Link>,
    epoch: u64,
    wire_id: u64,
}

impl One {
    async fn run(self, channel: Channel, limit: usize, deadline: Instant, body: Bytes) {
        let mut grpc = Grpc::new(channel).max_decoding_message_size(limit);
        if let Err(error) = grpc.ready().await {
            return self.unsent(&root_cause(&error), body);
        }
        let outgoing = Outgoing::Call { call_id: self.wire_id, deadline, body: body.clone() };
        let mut request = Request::new(outgoing);
        request.set_timeout(Duration::from_millis(u64::from(left_ms(deadline))) + GRACE);
        let path = tonic::codegen::http::uri::PathAndQuery::from_static("/mcpw.v1.Backend/Call");
        match grpc.server_streaming(request, path, Calls).await {
            Ok(answer) => self.read(answer.into_inner()).await,
            Err(status) if never_connected(&status) => self.unsent(&status_text(&status), body),
            Err(status) => self.failed(&status),
        }
    }

    async fn read(self, mut events: Streaming<pb::CallEvent>) {
        loop {
            match events.message().await {
                Ok(Some(event)) => {
                    let event = pb::CallEvent { call_id: self.wire_id, ..event };
                    let Some(core) = self.core.upgrade() else { return };
                    if !core.arrive(&self.link, event) {
                        break;
                    }
                }
                Ok(None) => {
                    let message = "ended the call without a result or an error";
                    return self.failed(&Status::internal(message));
                }
                Err(status) => return self.failed(&status),
            }
        }
        // Cutting the stream before its end would look like a cancel to the backend.
        let _ = tokio::time::timeout(LINGER, async {
            while let Ok(Some(_)) = events.message().await {
                if let Some(core) = self.core.upgrade() {
                    core.count(|stats| stats.stray_events += 1);
                }
            }
        })
        .await;
    }

    /// Nothing was sent: any other replica can have it.
    fn unsent(self, reason: &str, body: Bytes) {
        self.link.broke(self.epoch, reason);
        if let Some(core) = self.core.upgrade() {
            core.reroute(&self.link, self.wire_id, body);
        }
    }

    fn failed(self, status: &Status) {
        use std::error::Error as _;
        let Some(core) = self.core.upgrade() else { return };
        let mut calls = core.calls.borrow_mut();
        let Some((place, call)) = calls.by_wire(self.wire_id) else { return };
        let (key, backend) = (call.key, call.handler.backend.clone());
        drop(calls);
        // A status with a source is of our own transport; one that the backend sent has none.
        if status.code() == Code::OutOfRange && status.source().is_none() && is_ours(status) {
            let failure = Failure::too_large(&backend, "a message", core.dialer.options.max_result_bytes);
            return core.end(place, Event::Failed(failure), answer::Verdict::Neutral);
        }
        if status.source().is_some() && !timed_out(status) {
            let reason = status_text(status);
            self.link.broke(self.epoch, &reason);
            return core.lost_call(key, &Loss::new(reason));
        }
        let (failure, verdict) = answer::status(status.code(), status.message(), &backend);
        core.end(place, Event::Failed(failure), verdict);
    }
}

/// tonic's words for a message over our limit.
fn is_ours(status: &Status) -> bool {
    status.message().contains("decoded message length too large")
}

fn timed_out(status: &Status) -> bool {
    causes(status).any(|cause| cause.is::<tonic::TimeoutExpired>())
}

fn never_connected(status: &Status) -> bool {
    causes(status).any(|cause| cause.is::<tonic::ConnectError>())
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(status), |cause| cause.source())
}
