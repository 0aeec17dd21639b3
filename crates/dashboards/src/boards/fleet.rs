//! All pods together: is it well, and if not, where to look.

use super::{WINDOW, pod};
use crate::rules::{failures, requests};
use crate::{Board, Expr, Panel, Row, Scope, Unit};
use metrics::catalogue as instrument;

const UID: &str = "mcpw-fleet";

/// As the gauge has them.
pub(super) const DRAIN: [(&str, &str); 5] =
    [("0", "serves"), ("1", "waits"), ("2", "moves clients"), ("3", "closes"), ("4", "over")];

pub(super) fn board() -> Board {
    Board {
        uid: UID,
        title: "mcpw: fleet",
        description: "All pods together: traffic, errors, latency, refusals, saturation, the store, and rollouts.",
        choices: Vec::new(),
        rows: vec![
            Row::new("At a glance", glance()),
            Row::new("Traffic", traffic()),
            Row::new("Refusals", refusals()),
            Row::new("Saturation", saturation()),
            Row::new("Store", store()),
            Row::new("Rollout", rollout()),
        ],
    }
}

fn glance() -> Vec<Panel> {
    let scope = Scope::Board;
    let latency = scope.of(&instrument::WEBSOCKET_MESSAGE_LATENCY);
    vec![
        Panel::number("Pods ready", "Pods that take new connections.")
            .ask(scope.of(&instrument::GATEWAY_READY).now().sum(&[]), "ready")
            .bounds(1.0, 0.5),
        Panel::number("Alerts", "Alerts of ours that fire.").ask(Expr::firing(), "firing").bounds(1.0, 2.0),
        Panel::number("Connections", "WebSockets that are open.")
            .ask(scope.of(&instrument::WEBSOCKET_CONNECTIONS_ACTIVE).now().sum(&[]), "open"),
        Panel::number("Requests", "Requests a second, of WebSocket and REST.")
            .unit(Unit::PerSecond)
            .ask(requests(scope, WINDOW).sum(&[]), "requests"),
        Panel::number(
            "Failed",
            "The part of the requests that failed for no fault of the client; one in a thousand may.",
        )
        .unit(Unit::Share)
        .ask(failures(scope, WINDOW).sum(&[]).divided_by(&requests(scope, WINDOW).sum(&[])), "failed")
        .bounds(0.001, 0.0144),
        Panel::number("p99", "99 of 100 answers take no longer, calls to backends among them.")
            .unit(Unit::Seconds)
            .ask(latency.quantile(0.99, WINDOW, &[]), "p99")
            .bounds(1.0, 2.621_44),
    ]
}

fn traffic() -> Vec<Panel> {
    let scope = Scope::Board;
    let latency = || scope.of(&instrument::WEBSOCKET_MESSAGE_LATENCY);
    vec![
        Panel::stack("Connections", "WebSockets that are open, by pod.")
            .ask(scope.of(&instrument::WEBSOCKET_CONNECTIONS_ACTIVE).now().sum(&["pod"]), "{{pod}}")
            .leads_to(pod::UID, "pod"),
        Panel::stack("Messages from clients", "By type, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::WEBSOCKET_MESSAGES_RECEIVED).rate(WINDOW).sum(&["type"]), "{{type}}"),
        Panel::stack("REST", "Requests a second, by class of the status.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::HTTP_REQUESTS).rate(WINDOW).sum(&["status"]), "{{status}}"),
        Panel::lines(
            "Errors",
            "Requests over WebSocket that were answered with an error, by code, a second.",
        )
        .unit(Unit::PerSecond)
        .ask(
            scope.of(&instrument::WEBSOCKET_ERRORS).rate(WINDOW).sum(&["type"]).above(0.0).or_zero(),
            "{{type}}",
        ),
        Panel::lines(
            "Time to an answer",
            "From the read that brought a request to the write that carries its answer.",
        )
        .unit(Unit::Seconds)
        .ask(latency().quantile(0.5, WINDOW, &[]), "p50")
        .ask(latency().quantile(0.95, WINDOW, &[]), "p95")
        .ask(latency().quantile(0.99, WINDOW, &[]), "p99"),
        Panel::lines("Bytes", "Of WebSockets, a second.")
            .unit(Unit::BytesPerSecond)
            .ask(scope.of(&instrument::WEBSOCKET_BYTES_RECEIVED).rate(WINDOW).sum(&[]), "received")
            .ask(scope.of(&instrument::WEBSOCKET_BYTES_SENT).rate(WINDOW).sum(&[]), "sent"),
    ]
}

fn refusals() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::lines("Upgrades refused", "By reason, a second.").unit(Unit::PerSecond).ask(
            scope.of(&instrument::WEBSOCKET_HANDSHAKES_REFUSED).rate(WINDOW).sum(&["reason"]),
            "{{reason}}",
        ),
        Panel::lines("Over a rate", "Requests and notifications, by whose rate, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::REQUESTS_RATE_LIMITED).rate(WINDOW).sum(&["limit"]), "{{limit}}"),
        Panel::lines("Connections that ended", "By close code, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::WEBSOCKET_CONNECTIONS_CLOSED).rate(WINDOW).sum(&["code"]), "{{code}}"),
        Panel::lines("Signatures refused", "By reason, a second.").unit(Unit::PerSecond).ask(
            scope.of(&instrument::WEBSOCKET_SIGNATURES_REFUSED).rate(WINDOW).sum(&["reason"]),
            "{{reason}}",
        ),
        Panel::lines("Backends refused", "What was refused at the gRPC port, by reason, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::REGISTRY_REFUSALS).rate(WINDOW).sum(&["reason"]), "{{reason}}"),
        Panel::lines("Operators refused", "Requests that were refused at the operators' port, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::ADMIN_REQUESTS_REFUSED).rate(WINDOW).sum(&["pod"]), "{{pod}}"),
    ]
}

fn saturation() -> Vec<Panel> {
    let scope = Scope::Board;
    let open = scope.of(&instrument::PROCESS_OPEN_FDS).now();
    vec![
        Panel::lines(
            "Busiest shard",
            "The part of its time that the busiest thread of each pod is on its processor.",
        )
        .unit(Unit::Share)
        .ask(scope.of(&instrument::SHARD_BUSY).rate(WINDOW).max(&["pod"]), "{{pod}}")
        .bounds(0.7, 0.9)
        .leads_to(pod::UID, "pod"),
        Panel::lines("Memory", "Resident, by pod.")
            .unit(Unit::Bytes)
            .ask(scope.of(&instrument::PROCESS_RESIDENT_MEMORY).now().sum(&["pod"]), "{{pod}}")
            .leads_to(pod::UID, "pod"),
        Panel::lines("Descriptors", "The part of the file descriptors that is open, by pod.")
            .unit(Unit::Share)
            .ask(open.divided_by(&scope.of(&instrument::PROCESS_MAX_FDS).now()).max(&["pod"]), "{{pod}}")
            .bounds(0.6, 0.8)
            .leads_to(pod::UID, "pod"),
    ]
}

fn store() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::states(
            "In reach",
            "Whether each pod reaches its store.",
            &[("1", "in reach"), ("0", "out of reach")],
        )
        .ask(scope.of(&instrument::STORE_UP).now().min(&["pod"]), "{{pod}}"),
        Panel::lines(
            "Time to an answer of the store",
            "99 of 100 answers take no longer, by what was asked.",
        )
        .unit(Unit::Seconds)
        .ask(
            scope.of(&instrument::STORE_COMMAND_DURATION).quantile(0.99, WINDOW, &["operation"]),
            "{{operation}}",
        ),
        Panel::lines("Errors of the store", "What Redis was asked and did not do, a second.")
            .unit(Unit::PerSecond)
            .ask(
                scope.of(&instrument::STORE_ERRORS).rate(WINDOW).sum(&["operation"]).or_zero(),
                "{{operation}}",
            ),
    ]
}

fn rollout() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::states("Drain", "How far each pod is on its way out.", &DRAIN)
            .ask(scope.of(&instrument::DRAIN_STATE).now().max(&["pod"]), "{{pod}}"),
        Panel::lines("Still to go", "Connections that are open at pods that drain.")
            .ask(scope.of(&instrument::DRAIN_CONNECTIONS_REMAINING).now().sum(&["pod"]), "{{pod}}"),
        Panel::table("Versions", "Pods by version of the program.")
            .ask(scope.of(&instrument::GATEWAY_BUILD_INFO).now().number(&["version"]), "Pods"),
    ]
}
