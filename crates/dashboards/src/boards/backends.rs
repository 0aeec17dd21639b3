//! Backends, their replicas and their tools.

use super::WINDOW;
use crate::{Board, Panel, Row, Scope, Unit};
use metrics::catalogue as instrument;

const UID: &str = "mcpw-backends";

/// As many lines as a picture bears.
const MOST: usize = 10;

pub(super) fn board() -> Board {
    Board {
        uid: UID,
        title: "mcpw: backends and tools",
        description: "Backends, their replicas and breakers, and how calls of tools fare.",
        choices: vec![("backend", &instrument::BACKEND_REPLICAS), ("tool", &instrument::TOOL_CALLS)],
        rows: vec![
            Row::new("At a glance", glance()),
            Row::new("Replicas", replicas()),
            Row::new("Tools", tools()),
            Row::new("Calls", calls()),
        ],
    }
}

fn glance() -> Vec<Panel> {
    let scope = Scope::Board;
    let replicas = |state| {
        let seen = scope.of(&instrument::BACKEND_REPLICAS).chosen("backend").among("state", &[state]).now();
        seen.max(&["job", "backend"]).sum(&[])
    };
    vec![
        Panel::number("Replicas up", "As the pods see them.").ask(replicas("up"), "up").bounds(1.0, 0.5),
        Panel::number("Ejected", "Replicas that get no calls for a while, since calls have failed there.")
            .ask(replicas("ejected").or_zero(), "ejected")
            .bounds(1.0, 2.0),
        Panel::number("Unreachable", "Replicas that some pod does not reach.")
            .ask(replicas("unreachable").or_zero(), "unreachable")
            .bounds(1.0, 2.0),
        Panel::number("Tools", "That backends offer.")
            .ask(scope.of(&instrument::BACKEND_TOOLS).now().max(&[]), "tools"),
        Panel::number("Left out", "Tools whose names another backend has: they are not served.")
            .ask(
                scope
                    .of(&instrument::BACKEND_TOOLS_LEFT_OUT)
                    .now()
                    .max(&["backend", "owner"])
                    .sum(&[])
                    .or_zero(),
                "tools",
            )
            .bounds(1.0, 10.0),
        Panel::number("Calls", "Given to backends, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::BACKEND_CALLS).rate(WINDOW).sum(&[]), "calls"),
        Panel::number("In flight", "Calls that have not ended.")
            .ask(scope.of(&instrument::BACKEND_CALLS_IN_FLIGHT).now().sum(&[]), "in flight"),
    ]
}

fn replicas() -> Vec<Panel> {
    let scope = Scope::Board;
    let replicas = || scope.of(&instrument::BACKEND_REPLICAS).chosen("backend");
    vec![
        Panel::stack("Replicas", "By backend and state, as the pod sees them that sees most.")
            .ask(replicas().now().max(&["backend", "state"]), "{{backend}} {{state}}"),
        Panel::lines("Breakers", "Times that a shard stopped to send calls to a replica, in five minutes.")
            .ask(
                scope.of(&instrument::BACKEND_EJECTIONS).chosen("backend").increase("5m").sum(&["backend"]),
                "{{backend}}",
            ),
        Panel::table("By pod", "Replicas by backend, state and pod.")
            .ask(replicas().now().sum(&["backend", "state", "pod"]).above(0.0), "Replicas"),
    ]
}

fn tools() -> Vec<Panel> {
    let scope = Scope::Board;
    let calls = || scope.of(&instrument::TOOL_CALLS).chosen("tool");
    let failed = || calls().except("outcome", &["ok"]);
    let duration = || scope.of(&instrument::TOOL_CALL_DURATION).chosen("tool");
    vec![
        Panel::stack("Calls by tool", "The ten that are called most, a second.")
            .unit(Unit::PerSecond)
            .ask(calls().rate(WINDOW).sum(&["tool"]).top(MOST), "{{tool}}"),
        Panel::stack("Calls by outcome", "How calls of tools ended, a second.")
            .unit(Unit::PerSecond)
            .ask(calls().rate(WINDOW).sum(&["outcome"]), "{{outcome}}"),
        Panel::lines("Calls that failed", "The ten tools that fail most, by how, a second.")
            .unit(Unit::PerSecond)
            .ask(failed().rate(WINDOW).sum(&["tool", "outcome"]).top(MOST).or_zero(), "{{tool}} {{outcome}}"),
        Panel::lines("p50 by tool", "Half of the calls take no longer; the ten slowest tools.")
            .unit(Unit::Seconds)
            .ask(duration().quantile(0.5, WINDOW, &["tool"]).top(MOST), "{{tool}}"),
        Panel::lines("p99 by tool", "99 of 100 calls take no longer; the ten slowest tools.")
            .unit(Unit::Seconds)
            .ask(duration().quantile(0.99, WINDOW, &["tool"]).top(MOST), "{{tool}}"),
        Panel::table("Tools", "Calls of the last hour.")
            .ask(calls().increase("1h").sum(&["tool"]), "Calls")
            .ask(failed().increase("1h").sum(&["tool"]), "Failed")
            .ask(duration().quantile(0.99, "1h", &["tool"]), "p99 (s)"),
    ]
}

fn calls() -> Vec<Panel> {
    let scope = Scope::Board;
    let duration = || scope.of(&instrument::BACKEND_CALL_DURATION);
    vec![
        Panel::lines("Time of a call", "From its request to its end, whatever was called.")
            .unit(Unit::Seconds)
            .ask(duration().quantile(0.5, WINDOW, &[]), "p50")
            .ask(duration().quantile(0.95, WINDOW, &[]), "p95")
            .ask(duration().quantile(0.99, WINDOW, &[]), "p99"),
        Panel::heat("Times of calls", "How many calls took how long.")
            .ask(duration().buckets(WINDOW, &[]), "{{le}}"),
        Panel::stack("In flight", "Calls that backends have not ended, by pod.")
            .ask(scope.of(&instrument::BACKEND_CALLS_IN_FLIGHT).now().sum(&["pod"]), "{{pod}}"),
    ]
}
