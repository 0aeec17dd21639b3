//! A world in which all is well, a sample a minute, and what is otherwise in it.

/// The series of a healthy pod, as promtool writes samples down.
const HEALTHY: &[(&str, &str)] = &[
    ("up{POD}", "1xEND"),
    ("gateway_ready{POD}", "1xEND"),
    ("drain_state{POD}", "0xEND"),
    ("gateway_build_info{POD,version=\"0.1.0\"}", "1xEND"),
    ("process_start_time_seconds{POD}", "1000xEND"),
    ("process_resident_memory_bytes{POD}", "200000000xEND"),
    ("process_open_fds{POD}", "100xEND"),
    ("process_max_fds{POD}", "1000xEND"),
    ("shard_busy_seconds_total{POD,shard=\"0\"}", "0+30xEND"),
    ("store_up{POD}", "1xEND"),
    ("limits_shared{POD}", "1xEND"),
    ("store_errors_total{POD,operation=\"resume\"}", "0xEND"),
    ("store_command_duration_seconds_count{POD,operation=\"resume\"}", "0+600xEND"),
    ("store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"0.00064\"}", "0+600xEND"),
    ("store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"0.16384\"}", "0+600xEND"),
    ("store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"+Inf\"}", "0+600xEND"),
    ("backend_replicas{POD,backend=\"tools\",state=\"up\"}", "2xEND"),
    ("backend_replicas{POD,backend=\"tools\",state=\"ejected\"}", "0xEND"),
    ("backend_replicas{POD,backend=\"tools\",state=\"unreachable\"}", "0xEND"),
    ("backend_ejections_total{POD,backend=\"tools\"}", "0xEND"),
    ("registry_refusals_total{POD,reason=\"proof\"}", "0xEND"),
    ("websocket_messages_received_total{POD,type=\"request\",method=\"tool.execute\"}", "0+600xEND"),
    ("websocket_errors_total{POD,type=\"backend_unavailable\"}", "0xEND"),
    ("websocket_errors_total{POD,type=\"internal\"}", "0xEND"),
    ("http_requests_total{POD,route=\"execute\",status=\"2xx\"}", "0+600xEND"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"0.01024\"}", "0+600xEND"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"2.62144\"}", "0+600xEND"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"5.24288\"}", "0+600xEND"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"+Inf\"}", "0+600xEND"),
    ("websocket_connections_active{POD}", "1000xEND"),
    ("websocket_connections_total{POD}", "0+60xEND"),
    ("websocket_connections_closed_total{POD,code=\"normal\"}", "0+60xEND"),
    ("websocket_connections_closed_total{POD,code=\"abrupt\"}", "0xEND"),
    ("websocket_handshakes_refused_total{POD,reason=\"unauthorized\"}", "0xEND"),
    ("requests_rate_limited_total{POD,limit=\"user\"}", "0xEND"),
    ("session_resumes_total{POD,outcome=\"resumed\"}", "0+60xEND"),
    ("session_resumes_total{POD,outcome=\"unknown\"}", "0xEND"),
    ("sessions_attached{POD}", "100xEND"),
    ("session_journal_calls{POD,state=\"unacknowledged\"}", "100xEND"),
    ("event_log_lag{POD}", "0xEND"),
    ("slow_readers{POD}", "0xEND"),
    ("events_dropped_total{POD}", "0xEND"),
    ("tls_certificate_expiry_seconds{POD}", "0xEND"),
    ("registry_tls_certificate_expiry_seconds{POD}", "0xEND"),
    ("audit_lines_lost_total{POD}", "0xEND"),
    ("config_reloads_total{POD,outcome=\"applied\"}", "0xEND"),
    ("config_reloads_total{POD,outcome=\"refused\"}", "0xEND"),
    ("traces_spans_exported_total{POD}", "0+600xEND"),
    ("traces_spans_dropped_total{POD}", "0xEND"),
    ("admin_requests_refused_total{POD}", "0xEND"),
];

/// What the scraper calls the pod.
const POD: &str = "job=\"mcpw\",pod=\"a\",instance=\"a:9090\"";

/// So many minutes of the healthy world, but for these series, and with those that it does not have.
pub(crate) fn world(minutes: u64, otherwise: &[(&str, &str)]) -> Vec<(String, String)> {
    let healthy = HEALTHY.iter().filter(|(series, _)| otherwise.iter().all(|(other, _)| other != series));
    healthy
        .chain(otherwise)
        .map(|(series, samples)| (series.replace("POD", POD), samples.replace("END", &minutes.to_string())))
        .collect()
}
