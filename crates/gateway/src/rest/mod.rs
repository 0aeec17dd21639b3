//! REST on the client port: HTTP/1.1 for those who can't hold a socket. One request at a time on a connection; the same
//! router, tokens, limits, journal and events as a WebSocket has.

mod answer;
mod ask;
mod body;
mod calls;
mod contexts;
mod events;
mod execute;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod kept;
mod lasting;
mod limited;
mod openapi;
mod patient;
mod plain;
mod problem;
mod query;
mod route;
mod running;
mod schema;
mod sse;
pub(crate) mod streamable;
mod tickets;
mod tools;

pub(crate) use plain::Plain;
pub(crate) use sse::{KEEP_ALIVE, write as event};
pub(crate) use streamable::Rounds;

use crate::audit::{Entry, Event};
use crate::config::ms;
use crate::door::Shut;
use crate::http::{Rewind, Visit};
use crate::limits::Bucket;
use crate::pod::{NoPlace, Place};
use crate::shard::{Peer, Shard, Signals};
use crate::sizes;
use crate::trace;
use answer::Answer;
use ask::Ask;
use auth::Identity;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::trace::Open;
use patient::Patient;
use problem::Problem;
use protocol::{ErrorCode, Method};
use route::Target;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::sync::watch;

/// What all paths of the API begin with.
pub(crate) const ROOT: &str = "/api/v1";

/// Whether a request with this head is one for REST.
pub(crate) fn is_meant(head: &[u8]) -> bool {
    let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    // A WebSocket may be opened there too.
    is_own(path) && !(path == streamable::PATH.as_bytes() && is_upgrade(head))
}

/// Whether a head has a header that asks for another protocol. Behind it may come a body.
fn is_upgrade(head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    lines.take_while(|line| !line.trim_ascii().is_empty()).any(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"upgrade")
    })
}

/// Whether a path is the API's, or one of Model Context Protocol.
pub(crate) fn is_own(path: &[u8]) -> bool {
    let is_below = |root: &str| {
        path.strip_prefix(root.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    is_below(ROOT) || path == streamable::PATH.as_bytes() || is_below(streamable::metadata::WELL_KNOWN)
}

/// A connection, as its requests see it.
pub(crate) struct Link {
    shard: Rc<Shard>,
    visit: Visit,
    /// The connection's number.
    id: u64,
    /// What was asked on it.
    bucket: Arc<Bucket>,
    /// Whether the connection was told to go: it takes no more calls, and answers that would last end.
    leaving: watch::Sender<bool>,
    /// Told when a holder is perhaps not recognised any more.
    holders: watch::Sender<()>,
}

/// Serves one connection from its first request to its end. `place` is what it was admitted with; without one each request is
/// answered with why.
pub(crate) async fn serve(stream: Rewind, visit: Visit, place: Result<Place, NoPlace>, shard: Rc<Shard>) {
    let peer = {
        let mut peers = shard.peers.borrow_mut();
        let entry = peers.vacant_entry();
        let peer = Rc::new(Peer::new(place.as_ref().map_or(0, |place| place.id), entry.key()));
        entry.insert(Rc::clone(&peer));
        peer
    };
    shard.counters.http_opened.increment();
    let terms = shard.terms();
    let websocket = &terms.config.websocket;
    let link = Rc::new(Link {
        shard: Rc::clone(&shard),
        visit,
        id: peer.id(),
        bucket: Arc::default(),
        leaving: watch::Sender::new(false),
        holders: watch::Sender::new(()),
    });
    let refused = place.as_ref().err().copied();
    let service = service_fn(|request| {
        let link = Rc::clone(&link);
        async move { Ok::<_, Infallible>(link.answer(request, refused).await) }
    });
    let stream = Patient::new(stream, ms(websocket.write_timeout_ms));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ms(websocket.handshake_timeout_ms))
        .max_headers(websocket.max_headers)
        .max_buf_size(websocket.max_header_bytes.max(8_192))
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let served = std::future::poll_fn(|cx| {
        peer.watch(cx.waker());
        let signals = peer.take_signals();
        if signals.has(Signals::HOLDER) {
            link.holders.send_replace(());
        }
        if signals.has(Signals::DRAIN) {
            link.leaving.send_replace(true);
            serving.as_mut().graceful_shutdown();
        }
        serving.as_mut().poll(cx)
    });
    if let Err(error) = served.await {
        tracing::debug!(connection = peer.id(), %error, "a connection of the REST API broke");
    }
    shard.peers.borrow_mut().try_remove(peer.key());
    shard.counters.http_closed.increment();
}

// A request, until it is answered.
const _: () = assert!(sizes::future(Link::answer) <= 16_384, "a REST request takes more than 16,384 bytes");

impl Link {
    async fn answer(self: Rc<Self>, request: Request<Incoming>, refused: Option<NoPlace>) -> Answer {
        let started = Instant::now();
        let target = Target::of(request.uri().path());
        let route = target.as_ref().map_or(metrics::Route::Unknown, Target::route);
        let template = target.as_ref().map_or(ROOT, Target::template);
        let method = request.method().clone();
        let tracer = &self.shard.pod.tracer;
        let span = trace::request(tracer, request.headers());
        let is_mcp = target == Some(Target::Mcp);
        let answer = match self.respond(request, target, refused, span).await {
            Ok(answer) => answer,
            Err(problem) if is_mcp => self.refuse_word(problem),
            Err(problem) => problem.answer(),
        };
        let status = answer.status().as_u16();
        self.shard.counters.requests.answered(route, status);
        if let Some(open) = span {
            trace::tell_request(tracer, open, &method, template, status);
        }
        let (address, elapsed_us) = (self.visit.source.address, started.elapsed().as_micros() as u64);
        let connection = self.id;
        tracing::debug!(connection, %address, %method, ?route, status, elapsed_us, "a REST request");
        answer
    }

    async fn respond(
        self: &Rc<Self>,
        request: Request<Incoming>,
        target: Option<Target>,
        refused: Option<NoPlace>,
        span: Option<Open>,
    ) -> Result<Answer, Problem> {
        if let Some(refused) = refused {
            return Err(Problem::no_place(refused).closing());
        }
        let address = self.look(request.headers())?;
        let Some(target) = target else {
            let detail = format!("nothing is at this path; what there is stands in {ROOT}/openapi.json");
            return Err(Problem::new(ErrorCode::MethodNotFound, detail));
        };
        if target == Target::Metadata {
            return streamable::metadata::found(&self.shard.terms().config, &request);
        }
        let ask = Ask::new(self, request, address, target.methods(), span).await?;
        if target == Target::Mcp {
            // It is counted once it is known what is asked.
            return streamable::answer(ask).await;
        }
        let method = target.asked(&ask.head.method);
        let seats = self.count(&ask, method.map_or("", Method::name)).await?;
        if let Some(method) = method.filter(|_| target.is_of_gateway()) {
            ask.may_ask(method.name())?;
        }
        let mut answer = Self::handle(ask, target).await?;
        answer.body_mut().hold(seats);
        Ok(answer)
    }

    async fn handle(ask: Ask, target: Target) -> Result<Answer, Problem> {
        match target {
            Target::OpenApi => Ok(openapi::answer(ask.shard())),
            Target::Tools => tools::list(&ask),
            Target::Tool(name) => tools::show(&ask, &name),
            Target::Execute(name) => execute::answer(ask, &name).await,
            Target::Call(id) => calls::answer(&ask, &id).await,
            Target::Contexts => contexts::all(ask).await,
            Target::ContextSearch => contexts::search(ask).await,
            Target::Context(id) => contexts::one(ask, &id).await,
            Target::Events => events::answer(ask).await,
            Target::Tickets => tickets::give(&ask).await,
            // Both are answered before.
            Target::Mcp | Target::Metadata => {
                Err(Problem::new(ErrorCode::MethodNotFound, "nothing is at this path"))
            }
        }
    }

    /// From where a request comes.
    fn look(&self, headers: &HeaderMap) -> Result<IpAddr, Problem> {
        let terms = self.shard.terms();
        let door = &terms.door;
        let client = door.addresses.client(self.visit.source, headers);
        let address = self.visit.source.client(&client);
        client.and_then(|_| door.check(headers)).map(|()| address).map_err(|shut| {
            if let Some(judged) = shut.judged() {
                self.shard.pod.audit.tell(|| self.decision(Event::Refuse, address).reason(judged));
            }
            match shut {
                Shut::Malformed(_) => Problem::new(ErrorCode::InvalidMessage, shut.to_string()),
                Shut::Address(_) | Shut::Host | Shut::Origin => {
                    Problem::new(ErrorCode::Forbidden, shut.to_string())
                }
            }
        })
    }

    /// What the audit log is told of somebody on this connection.
    fn decision(&self, event: Event, address: IpAddr) -> Entry {
        Entry::new(event).connection(self.id).address(Some(address))
    }

    /// Whether the connection was told to go.
    fn is_leaving(&self) -> bool {
        *self.leaving.borrow()
    }

    /// Waits until this holder is not recognised any more, and says why. Cancel safe.
    async fn disowned(&self, identity: &Identity) -> &'static str {
        let mut reason = "the token was revoked";
        let is_over = |_: &()| self.shard.disowned(identity).map(|why| reason = why).is_some();
        // The sender lives as long as the link.
        let _ = self.holders.subscribe().wait_for(is_over).await;
        reason
    }

    /// Waits until the connection is told to go. Cancel safe.
    async fn left(&self) {
        // The sender lives as long as the link.
        let _ = self.leaving.subscribe().wait_for(|leaving| *leaving).await;
    }
}

/// Waits for `answer` and looks at it again whenever this peer is woken.
pub(crate) async fn woken<T>(peer: &Peer, mut ask: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>) -> T {
    std::future::poll_fn(|cx| {
        peer.watch(cx.waker());
        ask(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn an_upgrade_is_none_of_rests_requests() {
        for (head, expected) in [
            ("GET /api/v1/tools HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ("GET /api/v1/tools HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true),
            ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", false),
            ("GET /mcp?a=b HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ("GET /mcp HTTP/1.1\r\nHost: a\r\nupgrade: websocket\r\n\r\n", false),
            ("POST /mcp HTTP/1.1\r\nHost: a\r\n\r\n\nUpgrade: websocket\r\n", true),
            ("GET /mcp/x HTTP/1.1\r\nHost: a\r\n\r\n", false),
            ("GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\n\r\n", true),
        ] {
            assert_eq!(is_meant(head.as_bytes()), expected, "{head:?}");
        }
    }
}
