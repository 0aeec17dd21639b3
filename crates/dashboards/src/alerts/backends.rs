//! Backends and their replicas.

use crate::rules::POD;
use crate::{Alert, Pace, Scope, Severity};
use metrics::catalogue as instrument;

pub(super) const LOST: &str = "McpwBackendLost";

pub(super) fn alerts(pace: Pace) -> Vec<Alert> {
    let scope = Scope::Rules;
    let backend = ["namespace", "job", "backend"];
    let replicas = || scope.of(&instrument::BACKEND_REPLICAS);
    let were_up = replicas().among("state", &["up"]).highest(&pace.minutes(60)).max(&backend).above(0.0);
    let are_up = replicas().among("state", &["up"]).now().max(&backend).above(0.0);
    vec![
        Alert {
            name: LOST,
            severity: Severity::Critical,
            expr: were_up.unless(&are_up),
            minutes: 1,
            summary: "No replica of {{ $labels.backend }} is up.",
            description: "An hour ago or less {{ $labels.backend }} had {{ $value }} replicas. Now no pod has one, and calls to its tools fail.",
        },
        Alert {
            name: "McpwReplicaUnreachable",
            severity: Severity::Warning,
            expr: replicas().among("state", &["unreachable"]).now().above(0.0),
            minutes: 5,
            summary: "{{ $labels.pod }} can't reach replicas of {{ $labels.backend }}.",
            description: "{{ $value }} replicas of {{ $labels.backend }} that {{ $labels.pod }} knows have been out of its reach for five minutes.",
        },
        Alert {
            name: "McpwReplicaEjected",
            severity: Severity::Warning,
            expr: scope
                .of(&instrument::BACKEND_EJECTIONS)
                .increase(&pace.minutes(10))
                .sum(&["namespace", "job", "pod", "instance", "backend"])
                .above(3.0),
            minutes: 0,
            summary: "Replicas of {{ $labels.backend }} fail again and again.",
            description: "In ten minutes {{ $labels.pod }} has {{ $value | humanize }} times stopped to send calls to a replica of {{ $labels.backend }}, since five in a row had failed there.",
        },
        Alert {
            name: "McpwRegistryRefusals",
            severity: Severity::Warning,
            expr: scope
                .of(&instrument::REGISTRY_REFUSALS)
                .rate(&pace.minutes(5))
                .sum(&[&POD[..], &["reason"]].concat())
                .above(0.0),
            minutes: 10,
            summary: "{{ $labels.pod }} refuses something to a backend.",
            description: "For ten minutes backends have been refused at the gRPC port, for the reason {{ $labels.reason }}.",
        },
    ]
}
