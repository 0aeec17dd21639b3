//! What Prometheus records: how many requests fail for reasons that are not the client's, over the windows that alerts look at.

use crate::{Expr, Pace, Recorded, Scope};
use metrics::catalogue as instrument;

/// Of what pods of one job are told together.
pub(crate) const FLEET: [&str; 2] = ["namespace", "job"];

/// What a pod is told apart by.
pub(crate) const POD: [&str; 4] = ["namespace", "job", "pod", "instance"];

/// Failures that are the platform's. A deadline is the client's own, and most other errors are its mistakes.
const FAILURES: [&str; 3] = ["backend_unavailable", "internal", "outcome_unknown"];

/// The windows, in minutes, and what they are called.
const WINDOWS: [(u64, &str); 5] = [(5, "5m"), (30, "30m"), (60, "1h"), (360, "6h"), (4_320, "3d")];

/// The part of the requests that failed, of WebSocket and REST together, in a window of so many minutes.
pub(crate) fn error_ratio(minutes: u64, pace: Pace) -> Recorded {
    let name = WINDOWS.iter().find(|(window, _)| *window == minutes).map(|(_, name)| name);
    let name = name.unwrap_or_else(|| panic!("nothing is recorded over {minutes} minutes"));
    let window = pace.minutes(minutes);
    Recorded {
        name: format!("mcpw:requests:error_ratio_rate{name}"),
        expr: failures(Scope::Rules, &window)
            .sum(&FLEET)
            .divided_by(&requests(Scope::Rules, &window).sum(&FLEET)),
    }
}

/// Requests that failed, of WebSocket and REST.
pub(crate) fn failures(scope: Scope, window: &str) -> Expr {
    let answered = scope.of(&instrument::WEBSOCKET_ERRORS).among("type", &FAILURES).rate(window);
    answered.or(&scope.of(&instrument::HTTP_REQUESTS).among("status", &["5xx"]).rate(window))
}

/// Requests of WebSocket and REST.
pub(crate) fn requests(scope: Scope, window: &str) -> Expr {
    let received = scope.of(&instrument::WEBSOCKET_MESSAGES_RECEIVED).among("type", &["request"]);
    received.rate(window).or(&scope.of(&instrument::HTTP_REQUESTS).rate(window))
}

/// All that is recorded.
pub(crate) fn all(pace: Pace) -> Vec<Recorded> {
    WINDOWS.iter().map(|(minutes, _)| error_ratio(*minutes, pace)).collect()
}
