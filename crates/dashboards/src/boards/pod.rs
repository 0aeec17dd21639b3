//! One pod, or several beside each other: its threads, its process, its clients, its way out.

use super::{WINDOW, fleet};
use crate::{Board, Panel, Row, Scope, Unit};
use metrics::catalogue as instrument;

pub(super) const UID: &str = "mcpw-pod";

pub(super) fn board() -> Board {
    Board {
        uid: UID,
        title: "mcpw: pod",
        description: "One pod: its threads, its process, its clients and its way out.",
        choices: Vec::new(),
        rows: vec![
            Row::new("At a glance", glance()),
            Row::new("Process", process()),
            Row::new("Clients", clients()),
            Row::new("Way out", way_out()),
            Row::new("What it tells operators", operation()),
        ],
    }
}

fn glance() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::number("Ready", "Whether it takes new connections.")
            .unit(Unit::Truth)
            .ask(scope.of(&instrument::GATEWAY_READY).now().min(&["pod"]), "{{pod}}")
            .bounds(1.0, 0.5),
        Panel::number("Store", "Whether it reaches its store.")
            .unit(Unit::Truth)
            .ask(scope.of(&instrument::STORE_UP).now().min(&["pod"]), "{{pod}}")
            .bounds(1.0, 0.5),
        Panel::number("Up for", "Since the start of the process.")
            .unit(Unit::Seconds)
            .ask(scope.of(&instrument::PROCESS_START_TIME).now().ago().min(&["pod"]), "{{pod}}"),
        Panel::number("Connections", "WebSockets that are open.")
            .ask(scope.of(&instrument::WEBSOCKET_CONNECTIONS_ACTIVE).now().sum(&["pod"]), "{{pod}}"),
        Panel::number("REST connections", "Connections of the REST API that are open.")
            .ask(scope.of(&instrument::HTTP_CONNECTIONS_ACTIVE).now().sum(&["pod"]), "{{pod}}"),
        Panel::number("Calls in flight", "Calls that backends have not ended.")
            .ask(scope.of(&instrument::BACKEND_CALLS_IN_FLIGHT).now().sum(&["pod"]), "{{pod}}"),
    ]
}

fn process() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::lines("Shards", "The part of its time that each shard's thread is on its processor.")
            .unit(Unit::Share)
            .ask(
                scope.of(&instrument::SHARD_BUSY).rate(WINDOW).sum(&["pod", "shard"]),
                "{{pod}} shard {{shard}}",
            )
            .bounds(0.7, 0.9),
        Panel::lines("Processors", "How many the whole process keeps busy.")
            .ask(scope.of(&instrument::PROCESS_CPU).rate(WINDOW).sum(&["pod"]), "{{pod}}"),
        Panel::lines("Memory", "Resident.")
            .unit(Unit::Bytes)
            .ask(scope.of(&instrument::PROCESS_RESIDENT_MEMORY).now().sum(&["pod"]), "{{pod}}"),
        Panel::lines("Descriptors", "Open, and how many may be.")
            .ask(scope.of(&instrument::PROCESS_OPEN_FDS).now().sum(&["pod"]), "{{pod}} open")
            .ask(scope.of(&instrument::PROCESS_MAX_FDS).now().sum(&["pod"]), "{{pod}} at most"),
        Panel::lines("Restarts", "How often the process was started in the last hour.")
            .ask(scope.of(&instrument::PROCESS_START_TIME).changes("1h").sum(&["pod"]), "{{pod}}"),
        Panel::table("Version", "Of the program.")
            .ask(scope.of(&instrument::GATEWAY_BUILD_INFO).now().number(&["pod", "version"]), "Processes"),
    ]
}

fn clients() -> Vec<Panel> {
    let scope = Scope::Board;
    let handshake = || scope.of(&instrument::WEBSOCKET_HANDSHAKE_DURATION);
    vec![
        Panel::heat("Time to an answer", "How many answers took how long.")
            .ask(scope.of(&instrument::WEBSOCKET_MESSAGE_LATENCY).buckets(WINDOW, &[]), "{{le}}"),
        Panel::lines("Time to an upgrade", "From the accepted socket to the upgraded connection.")
            .unit(Unit::Seconds)
            .ask(handshake().quantile(0.5, WINDOW, &["pod"]), "{{pod}} p50")
            .ask(handshake().quantile(0.99, WINDOW, &["pod"]), "{{pod}} p99"),
        Panel::lines("Upgrades", "Made and refused, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::WEBSOCKET_CONNECTIONS).rate(WINDOW).sum(&["pod"]), "{{pod}} made")
            .ask(
                scope.of(&instrument::WEBSOCKET_HANDSHAKES_REFUSED).rate(WINDOW).sum(&["pod"]),
                "{{pod}} refused",
            ),
        Panel::stack("Messages from clients", "By method, a second.").unit(Unit::PerSecond).ask(
            scope.of(&instrument::WEBSOCKET_MESSAGES_RECEIVED).rate(WINDOW).sum(&["method"]),
            "{{method}}",
        ),
        Panel::stack("Messages to clients", "By type, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::WEBSOCKET_MESSAGES_SENT).rate(WINDOW).sum(&["type"]), "{{type}}"),
        Panel::stack("REST", "Requests a second, by route.").unit(Unit::PerSecond).ask(
            scope.of(&instrument::HTTP_REQUESTS).rate(WINDOW).sum(&["route", "status"]),
            "{{route}} {{status}}",
        ),
        Panel::lines("REST connections", "Connections that came to speak HTTP, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::HTTP_CONNECTIONS).rate(WINDOW).sum(&["pod"]), "{{pod}}"),
        Panel::lines("Bytes", "Of WebSockets, a second.")
            .unit(Unit::BytesPerSecond)
            .ask(
                scope.of(&instrument::WEBSOCKET_BYTES_RECEIVED).rate(WINDOW).sum(&["pod"]),
                "{{pod}} received",
            )
            .ask(scope.of(&instrument::WEBSOCKET_BYTES_SENT).rate(WINDOW).sum(&["pod"]), "{{pod}} sent"),
        Panel::lines("Slow readers", "Connections that leave unread what was written to them.")
            .ask(scope.of(&instrument::SLOW_READERS).now().sum(&["pod"]), "{{pod}}"),
    ]
}

fn way_out() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::states("Drain", "How far it is on its way out.", &fleet::DRAIN)
            .wide(12)
            .ask(scope.of(&instrument::DRAIN_STATE).now().max(&["pod"]), "{{pod}}"),
        Panel::lines("Still to go", "Connections that are open while it drains.")
            .wide(12)
            .ask(scope.of(&instrument::DRAIN_CONNECTIONS_REMAINING).now().sum(&["pod"]), "{{pod}}"),
    ]
}

fn operation() -> Vec<Panel> {
    let scope = Scope::Board;
    let expires = |instrument| scope.of(instrument).now().above(0.0).until().min(&["pod"]);
    vec![
        Panel::number("Certificate for clients", "Until it expires; nothing without TLS.")
            .unit(Unit::Seconds)
            .ask(expires(&instrument::TLS_CERTIFICATE_EXPIRY), "{{pod}}")
            .bounds(604_800.0, 86_400.0),
        Panel::number("Certificate for backends", "Until it expires; nothing without TLS.")
            .unit(Unit::Seconds)
            .ask(expires(&instrument::REGISTRY_TLS_CERTIFICATE_EXPIRY), "{{pod}}")
            .bounds(604_800.0, 86_400.0),
        Panel::number("Audit lines lost", "Since the start of the process.")
            .ask(scope.of(&instrument::AUDIT_LINES_LOST).now().sum(&["pod"]), "{{pod}}")
            .bounds(1.0, 1.0),
        Panel::number("Rates over all pods", "Whether rates of users and tenants hold over all pods.")
            .unit(Unit::Truth)
            .ask(scope.of(&instrument::LIMITS_SHARED).now().min(&["pod"]), "{{pod}}")
            .bounds(1.0, 0.5),
        Panel::number("Configuration", "Since the one in force was read.")
            .unit(Unit::Seconds)
            .ask(scope.of(&instrument::CONFIG_LAST_RELOAD_SUCCESS).now().ago().min(&["pod"]), "{{pod}}"),
        Panel::number("Tools", "That backends offer.")
            .ask(scope.of(&instrument::BACKEND_TOOLS).now().max(&["pod"]), "{{pod}}"),
        Panel::lines(
            "Configurations",
            "Times that it was read again, by what became of it, in the last hour.",
        )
        .wide(12)
        .ask(
            scope.of(&instrument::CONFIG_RELOADS).increase("1h").sum(&["pod", "outcome"]),
            "{{pod}} {{outcome}}",
        ),
        Panel::lines("Spans", "Exported and dropped, a second.")
            .wide(12)
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::TRACES_SPANS_EXPORTED).rate(WINDOW).sum(&["pod"]), "{{pod}} exported")
            .ask(scope.of(&instrument::TRACES_SPANS_DROPPED).rate(WINDOW).sum(&["pod"]), "{{pod}} dropped"),
    ]
}
