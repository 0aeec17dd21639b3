//! What operators have to renew, mend or look after.

use crate::rules::FLEET;
use crate::{Alert, Pace, Scope, Severity};
use metrics::catalogue as instrument;

const WEEK: f64 = 7.0 * 86_400.0;
const DAY: f64 = 86_400.0;

pub(super) fn alerts(pace: Pace) -> Vec<Alert> {
    let scope = Scope::Rules;
    let window = pace.minutes(10);
    // 0 is a port without TLS.
    let expires = |instrument| scope.of(instrument).now().above(0.0).until();
    let dropped = scope.of(&instrument::TRACES_SPANS_DROPPED).rate(&window);
    let exported = scope.of(&instrument::TRACES_SPANS_EXPORTED).rate(&window);
    let versions = scope.of(&instrument::GATEWAY_BUILD_INFO).now().number(&[FLEET[0], FLEET[1], "version"]);
    vec![
        Alert {
            name: "McpwCertificateExpires",
            severity: Severity::Warning,
            expr: expires(&instrument::TLS_CERTIFICATE_EXPIRY).below(WEEK).above(DAY),
            minutes: 5,
            summary: "A certificate for clients expires within a week.",
            description: "The certificate of the client port of {{ $labels.pod }} expires in {{ $value | humanizeDuration }}.",
        },
        Alert {
            name: "McpwCertificateExpiresSoon",
            severity: Severity::Critical,
            expr: expires(&instrument::TLS_CERTIFICATE_EXPIRY).below(DAY),
            minutes: 5,
            summary: "A certificate for clients expires within a day.",
            description: "The certificate of the client port of {{ $labels.pod }} expires in {{ $value | humanizeDuration }}. From then on no client connects.",
        },
        Alert {
            name: "McpwRegistryCertificateExpires",
            severity: Severity::Warning,
            expr: expires(&instrument::REGISTRY_TLS_CERTIFICATE_EXPIRY).below(WEEK),
            minutes: 5,
            summary: "A certificate for backends expires within a week.",
            description: "The certificate of the gRPC port of {{ $labels.pod }} expires in {{ $value | humanizeDuration }}. From then on no backend registers.",
        },
        Alert {
            name: "McpwAuditLinesLost",
            severity: Severity::Critical,
            expr: scope.of(&instrument::AUDIT_LINES_LOST).increase(&window).above(0.0),
            minutes: 0,
            summary: "{{ $labels.pod }} could not write its audit log.",
            description: "About {{ $value | humanize }} lines were lost in ten minutes. The service goes on without them.",
        },
        Alert {
            name: "McpwConfigReloadFailed",
            severity: Severity::Warning,
            expr: scope
                .of(&instrument::CONFIG_RELOADS)
                .except("outcome", &["applied"])
                .increase(&window)
                .above(0.0),
            minutes: 0,
            summary: "{{ $labels.pod }} could not take its new configuration.",
            description: "The configuration was read again in the last ten minutes, with the outcome {{ $labels.outcome }}. The one before stays in force.",
        },
        Alert {
            name: "McpwSpansDropped",
            severity: Severity::Warning,
            expr: dropped.clone().divided_by(&dropped.plus(&exported)).above(0.01),
            minutes: 10,
            summary: "{{ $labels.pod }} drops traces.",
            description: "{{ $value | humanizePercentage }} of the spans have not reached a collector.",
        },
        Alert {
            name: "McpwAdminRefused",
            severity: Severity::Warning,
            expr: scope.of(&instrument::ADMIN_REQUESTS_REFUSED).increase(&window).above(10.0),
            minutes: 0,
            summary: "Somebody who may not knocks at the operators' port of {{ $labels.pod }}.",
            description: "About {{ $value | humanize }} requests were refused in ten minutes.",
        },
        Alert {
            name: "McpwVersionsDiffer",
            severity: Severity::Warning,
            expr: versions.number(&FLEET).above(1.0),
            minutes: 60,
            summary: "Pods of {{ $labels.job }} have different versions.",
            description: "{{ $value }} versions have stood side by side for an hour: a rollout has stopped on its way.",
        },
    ]
}
