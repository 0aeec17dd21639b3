//! What clients meet: errors, slowness, refusals.

use crate::rules::{FLEET, error_ratio};
use crate::{Alert, Expr, Pace, Scope, Severity};
use metrics::catalogue as instrument;

/// What of all requests may fail.
const BUDGET: f64 = 0.001;

/// What has requests fail and tells of itself.
const CAUSES: [&str; 2] = [super::store::UNREACHABLE, super::backends::LOST];

/// The budget is spent so many times as fast as it may be, over both windows, and no cause of that was told in the shorter.
fn burns(factor: f64, (long, short): (u64, u64), pace: Pace) -> Expr {
    let above = |minutes| error_ratio(minutes, pace).now().above(round(factor * BUDGET));
    above(long).and(&above(short)).unless_on(&FLEET, &Expr::told(&CAUSES, &pace.minutes(short)))
}

/// Without the digits that floating point adds.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

pub(super) fn alerts(pace: Pace) -> Vec<Alert> {
    let scope = Scope::Rules;
    let window = pace.minutes(5);
    let fleet_and = |label| [FLEET[0], FLEET[1], label];
    let internal = scope.of(&instrument::WEBSOCKET_ERRORS).among("type", &["internal"]).rate(&window);
    let refused = scope.of(&instrument::WEBSOCKET_HANDSHAKES_REFUSED).rate(&window).sum(&FLEET);
    let upgraded = scope.of(&instrument::WEBSOCKET_CONNECTIONS).rate(&window).sum(&FLEET);
    let limited = scope.of(&instrument::REQUESTS_RATE_LIMITED).rate(&window);
    let requests = scope
        .of(&instrument::WEBSOCKET_MESSAGES_RECEIVED)
        .among("type", &["request", "notification"])
        .rate(&window);
    let abrupt = scope
        .of(&instrument::WEBSOCKET_CONNECTIONS_CLOSED)
        .among("code", &["abrupt"])
        .rate(&window)
        .sum(&FLEET);
    let closed = scope.of(&instrument::WEBSOCKET_CONNECTIONS_CLOSED).rate(&window).sum(&FLEET);
    let lost = scope
        .of(&instrument::SESSION_RESUMES)
        .among("outcome", &["unknown", "unavailable", "gap"])
        .rate(&window)
        .sum(&FLEET);
    let resumes = scope.of(&instrument::SESSION_RESUMES).rate(&window).sum(&FLEET);
    vec![
        Alert {
            name: "McpwErrorBudgetBurnsFast",
            severity: Severity::Critical,
            expr: burns(14.4, (60, 5), pace),
            minutes: 2,
            summary: "Requests to {{ $labels.job }} fail: in two days at this pace the month's budget is gone.",
            description: "In the last hour {{ $value | humanizePercentage }} of the requests failed for no fault of the client, and they still do. One in a thousand may.",
        },
        Alert {
            name: "McpwErrorBudgetBurns",
            severity: Severity::Warning,
            expr: burns(6.0, (360, 30), pace),
            minutes: 15,
            summary: "Requests to {{ $labels.job }} fail: in five days at this pace the month's budget is gone.",
            description: "In the last six hours {{ $value | humanizePercentage }} of the requests failed for no fault of the client, and they still do. One in a thousand may.",
        },
        Alert {
            name: "McpwErrorBudgetBurnsSlowly",
            severity: Severity::Warning,
            expr: burns(1.0, (4_320, 360), pace),
            minutes: 60,
            summary: "More requests to {{ $labels.job }} fail than may in the long run.",
            description: "In the last three days {{ $value | humanizePercentage }} of the requests failed for no fault of the client. One in a thousand may.",
        },
        Alert {
            name: "McpwInternalErrors",
            severity: Severity::Warning,
            expr: internal.sum(&FLEET).above(0.1),
            minutes: 5,
            summary: "{{ $labels.job }} answers with 4003.",
            description: "{{ $value | humanize }} requests a second are answered with an internal error, which is a fault of the gateway or of a backend.",
        },
        Alert {
            name: "McpwSlow",
            severity: Severity::Warning,
            // A bound of the histogram, up to which its quantile is exact.
            expr: scope
                .of(&instrument::WEBSOCKET_MESSAGE_LATENCY)
                .quantile(0.99, &window, &FLEET)
                .above(2.621_44),
            minutes: 10,
            summary: "{{ $labels.job }} answers slowly.",
            description: "One answer in a hundred takes more than {{ $value | humanizeDuration }}, calls to backends among them.",
        },
        Alert {
            name: "McpwHandshakesRefused",
            severity: Severity::Warning,
            expr: refused
                .clone()
                .above(1.0)
                .and(&refused.clone().divided_by(&refused.plus(&upgraded)).above(0.5)),
            minutes: 5,
            summary: "{{ $labels.job }} refuses more clients than it lets in.",
            description: "{{ $value | humanize }} upgrades a second have been refused for five minutes, and fewer were made.",
        },
        Alert {
            name: "McpwRateLimited",
            severity: Severity::Warning,
            expr: limited.sum(&fleet_and("limit")).divided_by_each(&FLEET, &requests.sum(&FLEET)).above(0.2),
            minutes: 10,
            summary: "{{ $labels.job }} refuses many requests as over the rate of their {{ $labels.limit }}.",
            description: "{{ $value | humanizePercentage }} of what clients send is over the rate of its {{ $labels.limit }}.",
        },
        Alert {
            name: "McpwAbruptCloses",
            severity: Severity::Warning,
            expr: abrupt.clone().above(0.2).and(&abrupt.divided_by(&closed).above(0.5)),
            minutes: 10,
            summary: "Connections to {{ $labels.job }} break.",
            description: "{{ $value | humanize }} connections a second end without a close frame, more than end with one.",
        },
        Alert {
            name: "McpwResumesFail",
            severity: Severity::Warning,
            expr: lost.divided_by(&resumes.clone()).above(0.1).and(&resumes.above(0.1)),
            minutes: 10,
            summary: "Clients of {{ $labels.job }} lose their sessions or events.",
            description: "{{ $value | humanizePercentage }} of the clients that come back find their session gone, or events missing.",
        },
    ]
}
