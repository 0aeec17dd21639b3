//! The client port before it is known who speaks what: one request head. An upgrade is answered here; hyper reads it once
//! it is whole, so a client that dawdles holds a few bytes here and nothing of hyper's. REST has a room of its own.

mod answer;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod head;
mod rewind;
mod ticket;
pub(crate) mod token;
mod upgrade;

pub(crate) use rewind::Rewind;

use crate::audit::{Entry, Event};
use crate::config::{Demand, ms};
use crate::connection::Connection;
use crate::door::Source;
use crate::door::proxy::{self, Header};
use crate::limits::Pace;
use crate::pod::{NoPlace, Place};
use crate::rest;
use crate::session::Session;
use crate::shard::Shard;
use crate::stream::{self, Stream};
use crate::tls::{Failed, Failure};
use auth::Identity;
use head::Head;
use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::Refusal;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::net::TcpStream;
use upgrade::Admission;

/// Who has come to the port; `None`, and it is counted, if its socket is to be dropped without a word.
pub(crate) fn look(address: IpAddr, shard: &Shard) -> Option<Source> {
    paced(shard.terms().door.addresses.of_socket(address), address, shard)
}

/// The same, with how fast connections come from there. A proxy's requests are looked at one by one.
fn paced(source: Option<Source>, address: IpAddr, shard: &Shard) -> Option<Source> {
    let pace = match source {
        Some(source) if !source.is_proxy => shard.terms().limits.knock(source.address),
        _ => Pace::Calm,
    };
    let reason = match (source, pace) {
        (None, _) => Refusal::Address,
        (_, Pace::Flooding) => Refusal::Flood,
        (Some(source), pace) => return Some(Source { is_hasty: pace == Pace::Hasty, ..source }),
    };
    drop_silently(address, reason, shard);
    None
}

/// Counts and tells a connection that is dropped without an answer.
fn drop_silently(address: IpAddr, reason: Refusal, shard: &Shard) {
    shard.counters.refused(reason);
    let entry = || Entry::new(Event::Refuse).address(Some(address.to_canonical())).reason(reason.name());
    shard.pod.audit.tell(entry);
    tracing::debug!(%address, ?reason, "dropped without an answer");
}

/// What a connection of the REST API is admitted with. One of a trusted proxy counts for nobody: its requests do.
fn place(visit: &Visit, shard: &Shard) -> Result<Place, NoPlace> {
    let Source { address, is_proxy, is_hasty } = visit.source;
    let place =
        if is_hasty { Err(NoPlace::Hasty) } else { shard.pod.admit((!is_proxy).then_some(address), None) };
    place.inspect_err(|why| {
        if let Some(judged) = why.judged() {
            shard.counters.refused(Refusal::RateLimited);
            shard.pod.audit.tell(|| Entry::new(Event::Refuse).address(Some(address)).reason(judged));
        }
    })
}

/// Serves one socket until it is upgraded, answered, or out of time.
pub(crate) async fn serve(socket: TcpStream, source: Source, shard: &Rc<Shard>) {
    let (limit, accepted) = (ms(shard.terms().config.websocket.handshake_timeout_ms), Instant::now());
    match tokio::time::timeout(limit, handshake(socket, source, shard)).await {
        Ok(Some(Came::Rest(stream, visit))) => {
            let place = place(&visit, shard);
            tokio::task::spawn_local(rest::serve(stream, visit, place, Rc::clone(shard)));
        }
        Ok(Some(Came::WebSocket(stream, early, admission))) => {
            let Admission { identity, address, wire, place, is_private, upgrade } = admission;
            shard.pod.audit.tell(|| {
                Entry::new(Event::Connect).connection(place.id).address(Some(address)).holder(&identity)
            });
            let session = Session::new(identity, address, is_private, upgrade, shard);
            let connection = Connection::new(stream, &early, shard, place, session, wire, address);
            shard.counters.handshakes.observe(accepted.elapsed(), 1);
            tokio::task::spawn_local(connection);
        }
        Ok(None) => {}
        Err(_) => {
            shard.counters.refused(Refusal::Timeout);
            tracing::debug!(address = %source.address, "the request did not come whole in time");
        }
    }
}

/// Who has come.
enum Came {
    /// The bare stream of an upgraded connection, what came behind the request, and who it is.
    WebSocket(Stream, Vec<u8>, Admission),
    /// A stream with a request that nobody has looked at.
    Rest(Rewind, Visit),
}

/// What is known of whoever has come before a request was looked at.
pub(crate) struct Visit {
    pub(crate) source: Source,
    /// Whose certificate was shown.
    pub(crate) holder: Option<Identity>,
    /// The port speaks TLS.
    pub(crate) is_tls: bool,
}

async fn handshake(mut socket: TcpStream, source: Source, shard: &Rc<Shard>) -> Option<Came> {
    let source = announced(&mut socket, source, shard).await?;
    let (mut stream, holder) = open(socket, source.address, shard).await?;
    let visit = Visit { source, holder, is_tls: matches!(stream, Stream::Tls(_)) };
    let terms = shard.terms();
    let websocket = &terms.config.websocket;
    let limits = head::Limits { bytes: websocket.max_header_bytes, headers: websocket.max_headers };
    let head = match head::read(&mut stream, limits).await {
        Ok(Head::Whole(head)) => head,
        Ok(Head::Refused(status, reason)) => {
            shard.counters.refused(Refusal::BadRequest);
            answer::write_bare(stream, status, reason).await;
            return None;
        }
        Ok(Head::Ended) | Err(_) => return None,
    };
    if rest::is_meant(&head) {
        return Some(Came::Rest(Rewind::new(head, stream), visit));
    }
    let admitted: RefCell<Option<(hyper::upgrade::OnUpgrade, Admission)>> = RefCell::new(None);
    let service = service_fn(async |mut request| {
        upgrade::answer(&request, &visit, shard).await.map(|(response, admission)| {
            admitted.replace(admission.map(|admission| (hyper::upgrade::on(&mut request), admission)));
            response
        })
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ms(websocket.handshake_timeout_ms))
        .max_headers(websocket.max_headers)
        .max_buf_size(websocket.max_header_bytes.max(8_192))
        .serve_connection(TokioIo::new(Rewind::new(head, stream)), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        shard.counters.refused(Refusal::BadRequest);
        tracing::debug!(%error, "not a request");
        return None;
    }
    let (upgrade, admission) = admitted.take()?;
    let parts = upgrade.await.ok().and_then(raw)?;
    let (unread, stream) = parts.0.into_inner().into_parts();
    Some(Came::WebSocket(stream, [&*parts.1, &*unread].concat(), admission))
}

/// For whom a trusted proxy has come, where it says so before anything else.
async fn announced(socket: &mut TcpStream, source: Source, shard: &Shard) -> Option<Source> {
    let terms = shard.terms();
    let addresses = &terms.door.addresses;
    let demand = addresses.announcement(source);
    if demand == Demand::Off {
        return Some(source);
    }
    match proxy::read(socket).await.ok()? {
        Header::For(address) => paced(addresses.source(address), address, shard),
        Header::Own => Some(source),
        Header::None if demand == Demand::Optional => Some(source),
        Header::None | Header::Garbage => {
            drop_silently(source.address, Refusal::ProxyProtocol, shard);
            None
        }
    }
}

/// The stream on which requests come: the socket, or where the port speaks TLS a session over it. And whose certificate
/// was shown there.
async fn open(socket: TcpStream, address: IpAddr, shard: &Shard) -> Option<(Stream, Option<Identity>)> {
    let Some(port) = &shard.tls else { return Some((Stream::Plain(socket), None)) };
    match port.accept(socket).await {
        Ok(session) => {
            let holder = port.holder(&session);
            Some((Stream::Tls(session), holder))
        }
        Err(Failed { reason, socket }) => {
            tracing::debug!(error = %reason, "no TLS handshake");
            if let Some(refusal) = reason.refusal() {
                shard.counters.refused(refusal);
                if refusal != Refusal::Tls {
                    let entry = || Entry::new(Event::Refuse).address(Some(address)).reason(refusal.name());
                    shard.pod.audit.tell(entry);
                }
            }
            let socket = Stream::Plain(socket?);
            if let Failure::Plain = reason {
                let reason = "this port speaks TLS: ask with https:// or wss://";
                answer::write_bare(socket, StatusCode::BAD_REQUEST, reason).await;
            } else {
                stream::part(socket).await;
            }
            None
        }
    }
}

/// Takes hyper off the stream, so that its buffers go too.
fn raw(upgraded: Upgraded) -> Option<(TokioIo<Rewind>, bytes::Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Rewind>>().ok()?;
    Some((parts.io, parts.read_buf))
}
