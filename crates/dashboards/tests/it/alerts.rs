//! Every alert in two worlds: in one it fires in its time, in the other, which is just not bad enough, nothing does.

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::TempDir;

use crate::promtool::{Story, run, told};
use crate::world::world;
use crate::{alerts, made, text};

type Series = &'static [(&'static str, &'static str)];

struct Case {
    alert: &'static str,
    /// From this minute on the condition holds in the bad world.
    from: u64,
    bad: Series,
    bearable: Series,
}

const fn case(alert: &'static str, from: u64, bad: Series, bearable: Series) -> Case {
    Case { alert, from, bad, bearable }
}

const FAILED: &str = "websocket_errors_total{POD,type=\"backend_unavailable\"}";
const REPLICAS_UP: &str = "backend_replicas{POD,backend=\"tools\",state=\"up\"}";
const STORE_ERRORS: &str = "store_errors_total{POD,operation=\"resume\"}";
const STORE_BUCKET: &str = "store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"0.00064\"}";
const LATENCY: &str = "websocket_message_latency_seconds_bucket{POD,le=\"2.62144\"}";
const LATENCY_FAST: &str = "websocket_message_latency_seconds_bucket{POD,le=\"0.01024\"}";
const ABRUPT: &str = "websocket_connections_closed_total{POD,code=\"abrupt\"}";
const REFUSED: &str = "websocket_handshakes_refused_total{POD,reason=\"unauthorized\"}";
const TLS: &str = "tls_certificate_expiry_seconds{POD}";
const REGISTRY_TLS: &str = "registry_tls_certificate_expiry_seconds{POD}";
const SECOND_READY: (&str, &str) = ("gateway_ready{job=\"mcpw\",pod=\"b\",instance=\"b:9090\"}", "1xEND");
const SECOND_VERSION: &str =
    "gateway_build_info{job=\"mcpw\",pod=\"b\",instance=\"b:9090\",version=\"0.2.0\"}";

/// 1,200 requests come in a minute.
const CASES: &[Case] = &[
    case("McpwPodDown", 0, &[("up{POD}", "0xEND")], &[("up{POD}", "0 0 1xEND")]),
    case("McpwNoPods", 0, &[("gateway_ready{POD}", "_xEND")], &[("gateway_ready{POD}", "_ _ 1xEND")]),
    case(
        "McpwNoPodReady",
        0,
        &[("gateway_ready{POD}", "0xEND"), ("drain_state{POD}", "2xEND")],
        &[("gateway_ready{POD}", "0x3 1xEND"), ("drain_state{POD}", "2x3 0xEND"), SECOND_READY],
    ),
    case(
        "McpwPodNotReady",
        0,
        &[("gateway_ready{POD}", "0xEND"), SECOND_READY],
        &[("gateway_ready{POD}", "0x4 1xEND"), SECOND_READY],
    ),
    case("McpwDrainStuck", 0, &[("drain_state{POD}", "3xEND")], &[("drain_state{POD}", "3x4 0xEND")]),
    case(
        "McpwRestarts",
        3,
        &[("process_start_time_seconds{POD}", "1 2 3 4xEND")],
        &[("process_start_time_seconds{POD}", "1 2 3xEND")],
    ),
    case(
        "McpwShardBusy",
        5,
        &[("shard_busy_seconds_total{POD,shard=\"0\"}", "0+55xEND")],
        &[("shard_busy_seconds_total{POD,shard=\"0\"}", "0+53xEND")],
    ),
    case(
        "McpwDescriptorsNearLimit",
        0,
        &[("process_open_fds{POD}", "801xEND")],
        &[("process_open_fds{POD}", "800xEND")],
    ),
    case(
        "McpwMemoryNearLimit",
        0,
        &[("process_resident_memory_bytes{POD}", "913000000xEND")],
        &[("process_resident_memory_bytes{POD}", "912000000xEND")],
    ),
    case(
        "McpwStoreUnreachable",
        0,
        &[("store_up{POD}", "0xEND"), (STORE_ERRORS, "0+600xEND")],
        &[("store_up{POD}", "0 1 0 1xEND")],
    ),
    case("McpwStoreErrors", 1, &[(STORE_ERRORS, "0+7xEND")], &[(STORE_ERRORS, "0+6xEND")]),
    case("McpwStoreSlow", 1, &[(STORE_BUCKET, "0+580xEND")], &[(STORE_BUCKET, "0+590xEND")]),
    case(
        "McpwLimitsNotShared",
        1,
        &[("limits_shared{POD}", "1 0xEND")],
        &[("limits_shared{POD}", "1 0x9 1xEND")],
    ),
    // Where no rate is to be shared it is 0 from the beginning.
    case("McpwLimitsNotShared", 1, &[("limits_shared{POD}", "1 0xEND")], &[("limits_shared{POD}", "0xEND")]),
    case("McpwBackendLost", 1, &[(REPLICAS_UP, "2 0xEND")], &[(REPLICAS_UP, "2 1xEND")]),
    // One that registered and has gone has no series any more.
    case("McpwBackendLost", 1, &[(REPLICAS_UP, "2 stale")], &[(REPLICAS_UP, "2 0 1xEND")]),
    case(
        "McpwReplicaUnreachable",
        0,
        &[("backend_replicas{POD,backend=\"tools\",state=\"unreachable\"}", "1xEND")],
        &[("backend_replicas{POD,backend=\"tools\",state=\"unreachable\"}", "1x4 0xEND")],
    ),
    case(
        "McpwReplicaEjected",
        1,
        &[("backend_ejections_total{POD,backend=\"tools\"}", "0 4xEND")],
        &[("backend_ejections_total{POD,backend=\"tools\"}", "0 0 0 0 0 0 0 0 0 0 2xEND")],
    ),
    case(
        "McpwRegistryRefusals",
        1,
        &[("registry_refusals_total{POD,reason=\"proof\"}", "0+1xEND")],
        &[("registry_refusals_total{POD,reason=\"proof\"}", "0 1xEND")],
    ),
    case("McpwErrorBudgetBurnsFast", 1, &[(FAILED, "0+18xEND")], &[(FAILED, "0+17xEND")]),
    case("McpwErrorBudgetBurns", 1, &[(FAILED, "0+8xEND")], &[(FAILED, "0+7xEND")]),
    case("McpwErrorBudgetBurnsSlowly", 1, &[(FAILED, "0+2xEND")], &[(FAILED, "0+1xEND")]),
    // It is over: the long window still says so, the short one does not.
    case("McpwErrorBudgetBurnsFast", 1, &[(FAILED, "0+18xEND")], &[(FAILED, "0 20 20xEND")]),
    case(
        "McpwInternalErrors",
        5,
        &[
            ("websocket_errors_total{POD,type=\"internal\"}", "0+7xEND"),
            (
                "websocket_messages_received_total{POD,type=\"request\",method=\"tool.execute\"}",
                "0+60000xEND",
            ),
        ],
        &[
            ("websocket_errors_total{POD,type=\"internal\"}", "0+6xEND"),
            (
                "websocket_messages_received_total{POD,type=\"request\",method=\"tool.execute\"}",
                "0+60000xEND",
            ),
        ],
    ),
    case(
        "McpwSlow",
        1,
        &[(LATENCY, "0+593xEND"), (LATENCY_FAST, "0+500xEND")],
        &[(LATENCY, "0+595xEND"), (LATENCY_FAST, "0+500xEND")],
    ),
    case("McpwHandshakesRefused", 5, &[(REFUSED, "0+62xEND")], &[(REFUSED, "0+59xEND")]),
    case(
        "McpwRateLimited",
        1,
        &[("requests_rate_limited_total{POD,limit=\"user\"}", "0+121xEND")],
        &[("requests_rate_limited_total{POD,limit=\"user\"}", "0+119xEND")],
    ),
    case("McpwAbruptCloses", 1, &[(ABRUPT, "0+61xEND")], &[(ABRUPT, "0+59xEND")]),
    case(
        "McpwResumesFail",
        1,
        &[("session_resumes_total{POD,outcome=\"unknown\"}", "0+7xEND")],
        &[("session_resumes_total{POD,outcome=\"unknown\"}", "0+6xEND")],
    ),
    case("McpwEventLag", 0, &[("event_log_lag{POD}", "5001xEND")], &[("event_log_lag{POD}", "5000xEND")]),
    case("McpwSlowReaders", 0, &[("slow_readers{POD}", "51xEND")], &[("slow_readers{POD}", "50xEND")]),
    case(
        "McpwEventsDropped",
        1,
        &[("events_dropped_total{POD}", "0 1xEND")],
        &[("events_dropped_total{POD}", "7xEND")],
    ),
    case(
        "McpwJournalFills",
        0,
        &[("session_journal_calls{POD,state=\"unacknowledged\"}", "25601xEND")],
        &[("session_journal_calls{POD,state=\"unacknowledged\"}", "25600xEND")],
    ),
    // The clock begins at 0.
    case("McpwCertificateExpires", 0, &[(TLS, "604799xEND")], &[(TLS, "606000xEND")]),
    case("McpwCertificateExpiresSoon", 0, &[(TLS, "86399xEND")], &[(TLS, "606000xEND")]),
    case(
        "McpwRegistryCertificateExpires",
        0,
        &[(REGISTRY_TLS, "604799xEND")],
        &[(REGISTRY_TLS, "606000xEND")],
    ),
    case(
        "McpwAuditLinesLost",
        1,
        &[("audit_lines_lost_total{POD}", "0 1xEND")],
        &[("audit_lines_lost_total{POD}", "7xEND")],
    ),
    case(
        "McpwConfigReloadFailed",
        1,
        &[("config_reloads_total{POD,outcome=\"refused\"}", "0 1xEND")],
        &[("config_reloads_total{POD,outcome=\"applied\"}", "0 1xEND")],
    ),
    case(
        "McpwSpansDropped",
        1,
        &[("traces_spans_dropped_total{POD}", "0+7xEND")],
        &[("traces_spans_dropped_total{POD}", "0+6xEND")],
    ),
    case(
        "McpwAdminRefused",
        1,
        &[("admin_requests_refused_total{POD}", "0 11xEND")],
        &[("admin_requests_refused_total{POD}", "0 0 0 0 0 0 0 0 0 0 5xEND")],
    ),
    case("McpwVersionsDiffer", 0, &[(SECOND_VERSION, "1xEND")], &[(SECOND_VERSION, "1x59 stale")]),
];

/// How many minutes an alert waits.
fn patience(alert: &Value) -> u64 {
    let Some(text) = alert["for"].as_str() else { return 0 };
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().expect("a number and a unit");
    match unit {
        "m" => number,
        "h" => number * 60,
        _ => panic!("{text} is in no unit that is expected"),
    }
}

#[test]
fn every_alert_fires_in_its_time_and_not_just_below_and_no_other_does() {
    let alerts = alerts();
    let mut stories = Vec::new();
    for case in CASES {
        let alert = alerts.iter().find(|alert| alert["alert"] == case.alert);
        let alert = alert.unwrap_or_else(|| panic!("there is no {}", case.alert));
        let fires = case.from + patience(alert);
        let mut firing = vec![(fires, Some(case.alert))];
        if let Some(before) = fires.checked_sub(1) {
            firing.push((before, None));
        }
        stories.push(Story {
            name: format!("{} fires", case.alert),
            series: world(fires + 1, case.bad),
            firing,
        });
        stories.push(Story {
            name: format!("{} does not fire", case.alert),
            series: world(fires + 6, case.bearable),
            firing: [fires, fires + 1, fires + 5].map(|minute| (minute, None)).to_vec(),
        });
    }
    told(&stories);
}

#[test]
fn nothing_fires_where_all_is_well() {
    let firing = (0..=400).step_by(20).map(|minute| (minute, None)).collect();
    told(&[Story { name: "all is well".to_owned(), series: world(400, &[]), firing }]);
}

#[test]
fn every_alert_is_tried() {
    let alerts = alerts();
    let there_are: BTreeSet<_> = alerts.iter().map(|alert| text(&alert["alert"])).collect();
    let tried: BTreeSet<_> = CASES.iter().map(|case| case.alert).collect();
    assert_eq!(tried, there_are);
    assert_eq!(alerts.len(), there_are.len(), "no name stands twice");
}

#[test]
fn promtool_finds_no_fault_with_the_rules() {
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    for name in ["rules.yaml", "alerts.yaml"] {
        let file = folder.path().join(name);
        std::fs::write(&file, made(&format!("deploy/prometheus/{name}"))).expect("the folder is ours");
        let said = run(&["check", "rules", "--lint-fatal", &file.to_string_lossy()]);
        assert!(said.contains("SUCCESS"), "{said}");
    }
}
