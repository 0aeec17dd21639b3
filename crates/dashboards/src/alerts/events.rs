//! Events, those who read them slowly, and the journal that waits for their acknowledgement.

use crate::rules::POD;
use crate::{Alert, Pace, Scope, Severity};
use metrics::catalogue as instrument;

/// Half of `store.bounds.log_events`: whoever falls behind as far again has missed events.
const FAR_BEHIND: f64 = 5_000.0;

/// `session.max_unacknowledged`: from there on clients are asked, and at four times as many calls are refused.
const UNACKNOWLEDGED: f64 = 256.0;

pub(super) fn alerts(pace: Pace) -> Vec<Alert> {
    let scope = Scope::Rules;
    let slow = scope.of(&instrument::SLOW_READERS).now();
    let connections = scope.of(&instrument::WEBSOCKET_CONNECTIONS_ACTIVE).now();
    let waiting = scope.of(&instrument::SESSION_JOURNAL_CALLS).among("state", &["unacknowledged"]).now();
    let sessions = scope.of(&instrument::SESSIONS_ATTACHED).now();
    vec![
        Alert {
            name: "McpwEventLag",
            severity: Severity::Warning,
            expr: scope.of(&instrument::EVENT_LOG_LAG).now().above(FAR_BEHIND),
            minutes: 2,
            summary: "A subscriber at {{ $labels.pod }} is about to miss events.",
            description: "A subscriber is {{ $value | humanize }} events behind. A tenant's log holds 10,000.",
        },
        Alert {
            name: "McpwSlowReaders",
            severity: Severity::Warning,
            expr: slow.clone().above(10.0).and(&slow.divided_by(&connections).above(0.05)),
            minutes: 5,
            summary: "Many clients of {{ $labels.pod }} read slowly.",
            description: "{{ $value | humanize }} connections, more than one in twenty, leave unread what was written to them.",
        },
        Alert {
            name: "McpwEventsDropped",
            severity: Severity::Warning,
            expr: scope.of(&instrument::EVENTS_DROPPED).increase(&pace.minutes(5)).above(0.0),
            minutes: 0,
            summary: "{{ $labels.pod }} has dropped events of the platform.",
            description: "About {{ $value | humanize }} events were dropped in five minutes, since too many waited for the store.",
        },
        Alert {
            name: "McpwJournalFills",
            severity: Severity::Warning,
            expr: waiting.sum(&POD).divided_by(&sessions.sum(&POD)).above(UNACKNOWLEDGED),
            minutes: 5,
            summary: "Clients of {{ $labels.pod }} don't say what they have.",
            description: "On average {{ $value | humanize }} answers of a session are unacknowledged. A journal holds 1,024 calls, and refuses more.",
        },
    ]
}
