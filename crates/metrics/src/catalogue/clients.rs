//! What clients do: connections, messages, requests.

use super::instrument::one_of;
use super::{Label, instruments};
use crate::shard::{CLOSES, ERRORS, KINDS, METHOD_NAMES};
use crate::{Limit, Refusal, Requests, Route, Unsigned};

const TYPE: Label = one_of("type", &KINDS);

instruments! {
    CLIENTS:
    WEBSOCKET_CONNECTIONS_ACTIVE = Gauge(
        "websocket_connections_active",
        "Connections that are open",
        &[],
        |pod, out| {
            let opened = pod.sum(|shard| shard.connections_opened.value());
            out.number(&[], opened.saturating_sub(pod.sum(|shard| shard.connections_closed.value())));
        },
    );
    WEBSOCKET_CONNECTIONS = Counter(
        "websocket_connections_total",
        "Connections that were upgraded",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.connections_opened.value())),
    );
    WEBSOCKET_CONNECTIONS_CLOSED = Counter(
        "websocket_connections_closed_total",
        "Connections that ended, by close code",
        &[one_of("code", &CLOSES)],
        |pod, out| out.each(CLOSES, |place| pod.sum(|shard| shard.closes[place].value())),
    );
    WEBSOCKET_HANDSHAKES_REFUSED = Counter(
        "websocket_handshakes_refused_total",
        "Upgrades that were refused, by reason",
        &[one_of("reason", &Refusal::NAMES)],
        |pod, out| out.each(Refusal::NAMES, |place| pod.sum(|shard| shard.refusals[place].value())),
    );
    WEBSOCKET_HANDSHAKE_DURATION = Histogram(
        "websocket_handshake_duration_seconds",
        "From the accepted socket to the upgraded connection",
        &[],
        |pod, out| out.histogram(&[], pod.shards().iter().map(|shard| &shard.handshakes)),
    );
    WEBSOCKET_MESSAGES_RECEIVED = Counter(
        "websocket_messages_received_total",
        "Messages from clients, by type and method",
        &[TYPE, one_of("method", &METHOD_NAMES)],
        |pod, out| {
            for (kind, type_) in KINDS.into_iter().enumerate() {
                for (place, method) in METHOD_NAMES.into_iter().enumerate() {
                    out.seen(&[type_, method], pod.sum(|shard| shard.received[kind][place].value()));
                }
            }
        },
    );
    WEBSOCKET_MESSAGES_SENT = Counter(
        "websocket_messages_sent_total",
        "Messages to clients, by type",
        &[TYPE],
        |pod, out| out.each(KINDS, |place| pod.sum(|shard| shard.sent[place].value())),
    );
    WEBSOCKET_ERRORS = Counter(
        "websocket_errors_total",
        "Requests answered with an error, by code",
        &[one_of("type", &ERRORS)],
        |pod, out| out.each(ERRORS, |place| pod.sum(|shard| shard.errors[place].value())),
    );
    WEBSOCKET_MESSAGE_LATENCY = Histogram(
        "websocket_message_latency_seconds",
        "From the read that brought a message to its answer's write",
        &[],
        |pod, out| out.histogram(&[], pod.shards().iter().map(|shard| &shard.latency)),
    );
    WEBSOCKET_BYTES_RECEIVED = Counter(
        "websocket_bytes_received_total",
        "Bytes read from WebSockets",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.bytes_received.value())),
    );
    WEBSOCKET_BYTES_SENT = Counter(
        "websocket_bytes_sent_total",
        "Bytes written to WebSockets",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.bytes_sent.value())),
    );
    WEBSOCKET_SIGNATURES_REFUSED = Counter(
        "websocket_signatures_refused_total",
        "Messages that were not taken for their sender's, by reason",
        &[one_of("reason", &Unsigned::NAMES)],
        |pod, out| out.each(Unsigned::NAMES, |place| pod.sum(|shard| shard.unsigned[place].value())),
    );
    REQUESTS_RATE_LIMITED = Counter(
        "requests_rate_limited_total",
        "Requests and notifications that were over a rate, by whose",
        &[one_of("limit", &Limit::NAMES)],
        |pod, out| out.each(Limit::NAMES, |place| pod.sum(|shard| shard.limited[place].value())),
    );
    LIMITS_SHARED = Gauge(
        "limits_shared",
        "1 while rates of users and tenants hold over all pods",
        &[],
        |pod, out| out.number(&[], pod.limits_shared.value()),
    );
    HTTP_CONNECTIONS_ACTIVE = Gauge(
        "http_connections_active",
        "Connections of the REST API that are open",
        &[],
        |pod, out| {
            let opened = pod.sum(|shard| shard.http_opened.value());
            out.number(&[], opened.saturating_sub(pod.sum(|shard| shard.http_closed.value())));
        },
    );
    HTTP_CONNECTIONS = Counter(
        "http_connections_total",
        "Connections that came to speak HTTP",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.http_opened.value())),
    );
    HTTP_REQUESTS = Counter(
        "http_requests_total",
        "Requests of the REST API, by route and class of the status",
        &[one_of("route", &Route::NAMES), one_of("status", &Requests::CLASSES)],
        |pod, out| {
            for (place, route) in Route::NAMES.into_iter().enumerate() {
                for (class, status) in Requests::CLASSES.into_iter().enumerate() {
                    out.seen(&[route, status], pod.sum(|shard| shard.requests.count(place, class)));
                }
            }
        },
    );
}
