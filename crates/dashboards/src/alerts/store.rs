//! The store that pods share.

use crate::rules::POD;
use crate::{Alert, Pace, Scope, Severity};
use metrics::catalogue as instrument;

pub(super) const UNREACHABLE: &str = "McpwStoreUnreachable";

pub(super) fn alerts(pace: Pace) -> Vec<Alert> {
    let scope = Scope::Rules;
    let window = pace.minutes(5);
    // What is out of reach altogether has an alert of its own.
    let in_reach = scope.of(&instrument::STORE_UP).now().equals(1);
    let errors = scope.of(&instrument::STORE_ERRORS).rate(&window).sum(&POD);
    let commands = scope.of(&instrument::STORE_COMMAND_DURATION).count().rate(&window).sum(&POD);
    let slowest = scope.of(&instrument::STORE_COMMAND_DURATION).quantile(0.99, &window, &POD);
    // It is 0 too where no rate is to be shared.
    let alone = scope.of(&instrument::LIMITS_SHARED).now().equals(0);
    let were_shared = scope.of(&instrument::LIMITS_SHARED).highest(&pace.minutes(60)).equals(1);
    vec![
        Alert {
            name: UNREACHABLE,
            severity: Severity::Critical,
            expr: scope.of(&instrument::STORE_UP).now().equals(0),
            minutes: 1,
            summary: "{{ $labels.pod }} can't reach its store.",
            description: "For a minute {{ $labels.pod }} has not reached Redis. Sessions can't be taken up, their calls are refused, and events don't arrive.",
        },
        Alert {
            name: "McpwStoreErrors",
            severity: Severity::Warning,
            expr: errors.divided_by(&commands).above(0.01).and_on(&POD, &in_reach),
            minutes: 5,
            summary: "Redis refuses what {{ $labels.pod }} asks.",
            description: "{{ $value | humanizePercentage }} of what {{ $labels.pod }} asks of Redis fails, though it is in reach.",
        },
        Alert {
            name: "McpwStoreSlow",
            severity: Severity::Warning,
            expr: slowest.above(0.1).and_on(&POD, &in_reach),
            minutes: 10,
            summary: "Redis answers {{ $labels.pod }} slowly.",
            description: "One answer in a hundred takes more than {{ $value | humanizeDuration }}. Each call of a session waits for one before it is sent.",
        },
        Alert {
            name: "McpwLimitsNotShared",
            severity: Severity::Warning,
            expr: alone.and(&were_shared).and_on(&POD, &in_reach),
            minutes: 10,
            summary: "{{ $labels.pod }} counts rates for itself.",
            description: "Rates of users and tenants hold for {{ $labels.pod }} alone, so whoever uses several pods gets several times as much.",
        },
    ]
}
