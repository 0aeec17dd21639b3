//! Pods: whether they are there, and what they have left of processors, memory and descriptors.

use crate::rules::{FLEET, POD};
use crate::{Alert, Pace, Scope, Severity};
use metrics::catalogue as instrument;

/// What deploy/kubernetes and the chart give a pod at most.
const MEMORY_LIMIT: f64 = 1_073_741_824.0;

pub(super) fn alerts(pace: Pace) -> Vec<Alert> {
    let scope = Scope::Rules;
    let serving = scope.of(&instrument::DRAIN_STATE).now().equals(0);
    vec![
        Alert {
            name: "McpwPodDown",
            severity: Severity::Warning,
            expr: scope.up().now().equals(0),
            minutes: 2,
            summary: "{{ $labels.pod }} does not answer.",
            description: "Prometheus has not reached the operators' port of {{ $labels.pod }} ({{ $labels.instance }}) for two minutes. Its clients have gone to other pods, which have less room now.",
        },
        Alert {
            name: "McpwNoPods",
            severity: Severity::Critical,
            expr: scope.of(&instrument::GATEWAY_READY).now().absent(),
            minutes: 2,
            summary: "No gateway is there.",
            description: "Prometheus has had no metrics of any gateway for two minutes: all are down, or nothing finds them any more.",
        },
        Alert {
            name: "McpwNoPodReady",
            severity: Severity::Critical,
            expr: scope.of(&instrument::GATEWAY_READY).now().max(&FLEET).equals(0),
            minutes: 1,
            summary: "No pod of {{ $labels.job }} takes new connections.",
            description: "Every pod of {{ $labels.job }} that answers drains or has not begun, so clients are refused with 503.",
        },
        Alert {
            name: "McpwPodNotReady",
            severity: Severity::Warning,
            expr: scope.of(&instrument::GATEWAY_READY).now().equals(0).and(&serving),
            minutes: 5,
            summary: "{{ $labels.pod }} takes no new connections, and does not drain.",
            description: "{{ $labels.pod }} has not been ready for five minutes, though it was not asked to end.",
        },
        Alert {
            name: "McpwDrainStuck",
            severity: Severity::Warning,
            expr: scope.of(&instrument::DRAIN_STATE).now().above(0.0),
            minutes: 5,
            summary: "{{ $labels.pod }} has drained for five minutes.",
            description: "{{ $labels.pod }} is in state {{ $value }} of its drain. By the manifests its way out takes 85 s at most.",
        },
        Alert {
            name: "McpwRestarts",
            severity: Severity::Warning,
            expr: scope.of(&instrument::PROCESS_START_TIME).changes(&pace.minutes(30)).above(2.0),
            minutes: 0,
            summary: "{{ $labels.pod }} ends and starts again and again.",
            description: "The process of {{ $labels.pod }} was started {{ $value }} times in half an hour.",
        },
        Alert {
            name: "McpwShardBusy",
            severity: Severity::Warning,
            expr: scope.of(&instrument::SHARD_BUSY).rate(&pace.minutes(5)).above(0.9),
            minutes: 10,
            summary: "Shard {{ $labels.shard }} of {{ $labels.pod }} has no time left.",
            description: "The thread has been on its processor for {{ $value | humanizePercentage }} of the time. Above nine tenths, answers wait for each other.",
        },
        Alert {
            name: "McpwDescriptorsNearLimit",
            severity: Severity::Warning,
            expr: scope
                .of(&instrument::PROCESS_OPEN_FDS)
                .now()
                .divided_by(&scope.of(&instrument::PROCESS_MAX_FDS).now())
                .above(0.8),
            minutes: 5,
            summary: "{{ $labels.pod }} runs out of file descriptors.",
            description: "{{ $value | humanizePercentage }} of the descriptors are open. Without one left, no connection is accepted.",
        },
        Alert {
            name: "McpwMemoryNearLimit",
            severity: Severity::Warning,
            expr: scope.of(&instrument::PROCESS_RESIDENT_MEMORY).now().sum(&POD).above(0.85 * MEMORY_LIMIT),
            minutes: 5,
            summary: "{{ $labels.pod }} runs out of memory.",
            description: "{{ $labels.pod }} holds {{ $value | humanize1024 }}B of the 1 GiB that the manifests give it. At the limit it is killed.",
        },
    ]
}
