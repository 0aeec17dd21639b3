//! The task of one link: dial, serve until it is lost, wait, dial again.
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::Stream;
use protocol::pb;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};

use crate::codec::Calls;
use crate::core::Core;
use crate::dial::{Dialer, dial, ping_interval, status_text};
use crate::link::{Link, State};
use crate::loss::Loss;
use crate::outbox::Outgoing;
use crate::random::{Backoff, Random};
use crate::{Options, unary};

/// Events taken in a row before other tasks of the shard get their turn.
const BATCH: usize = 256;
/// A connection that held this long starts the backoff over.
const STEADY: Duration = Duration::from_secs(5);
/// What a message may have beside its result.
pub(crate) const ENVELOPE: usize = 64 << 10;

/// Keeps the link connected until it is closed.
pub(crate) async fn run(core: Weak<Core>, link: Rc<Link>, dialer: Dialer) {
    let options = &dialer.options;
    let mut random = Random::new();
    let mut backoff = Backoff::new(options.reconnect_ms, options.reconnect_max_ms);
    let pings = ping_interval(&link.replica.description, options);
    loop {
        let loss = match dial(&link.replica.address, &dialer, pings).await {
            Ok(channel) => {
                let since = tokio::time::Instant::now();
                let loss = serve(&core, &link, channel, options).await;
                if since.elapsed() >= STEADY {
                    backoff.reset();
                }
                tracing::info!(
                    backend = link.replica.backend(),
                    instance = link.replica.instance,
                    reason = loss.reason,
                    "connection to a replica lost"
                );
                loss
            }
            Err(error) => Loss::new(error.to_string()),
        };
        match core.upgrade() {
            Some(core) => core.lost(&link, &loss),
            None => return,
        }
        if link.retired.get() {
            return link.close();
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.pause(&mut random)) => {}
            () = link.hurry.notified() => backoff.reset(),
        }
    }
}

async fn serve(core: &Weak<Core>, link: &Rc<Link>, channel: Channel, options: &Options) -> Loss {
    link.epoch.set(link.epoch.get() + 1);
    if link.multiplexed.get() {
        multiplex(core, link, channel, options).await
    } else {
        one_by_one(core, link, channel).await
    }
}

async fn multiplex(core: &Weak<Core>, link: &Rc<Link>, channel: Channel, options: &Options) -> Loss {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(options.max_result_bytes + ENVELOPE);
    if let Err(error) = grpc.ready().await {
        return Loss::new(crate::dial::root_cause(&error));
    }
    let path = tonic::codegen::http::uri::PathAndQuery::from_static("/mcpw.v1.Backend/Calls");
    let requests = link.outbox.borrow().requests();
    link.state.set(State::Up);
    // Some servers send no headers before their first event: calls are sent while this waits.
    match grpc.streaming(Request::new(requests), path, Calls).await {
        Ok(answer) => read(core, link, answer.into_inner()).await,
        Err(status) => {
            if status.code() == Code::Unimplemented {
                link.multiplexed.set(false);
            }
            broken_by(&status)
        }
    }
}

/// Takes events as they come, in batches, until the stream ends.
async fn read(core: &Weak<Core>, link: &Rc<Link>, mut events: Streaming<pb::CallEvent>) -> Loss {
    std::future::poll_fn(|context| {
        let Some(core) = core.upgrade() else {
            return Poll::Ready(Loss::new("the router is gone"));
        };
        for _ in 0..BATCH {
            match Pin::new(&mut events).poll_next(context) {
                Poll::Ready(Some(Ok(event))) => {
                    core.arrive(link, event);
                }
                Poll::Ready(Some(Err(status))) => return Poll::Ready(broken_by(&status)),
                Poll::Ready(None) => return Poll::Ready(Loss::new("the backend ended the stream")),
                Poll::Pending => return Poll::Pending,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Serves a replica without Calls: hands over what waited, then holds the channel until a call finds
/// it broken.
async fn one_by_one(core: &Weak<Core>, link: &Rc<Link>, channel: Channel) -> Loss {
    *link.channel.borrow_mut() = Some(channel);
    link.state.set(State::Up);
    let waiting = link.outbox.replace(Default::default());
    for outgoing in waiting.close() {
        if let (Some(core), Outgoing::Call { call_id, deadline, body }) = (core.upgrade(), outgoing) {
            unary::spawn_waiting(&core, link, call_id, deadline, body);
        }
    }
    link.breaks.notified().await;
    Loss::new(link.broken.take().unwrap_or_else(|| "the connection broke".to_owned()))
}

fn broken_by(status: &tonic::Status) -> Loss {
    // Our own decoder says this of a message over the limit.
    Loss { reason: status_text(status), innocent: status.code() != Code::OutOfRange }
}
