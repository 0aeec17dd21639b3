//! A world in which all is well, a sample a minute, and what is otherwise in it.

/// The series of a healthy pod, as promtool writes samples down.
const HEALTHY: &[(&str, &str)] = &[
    ("up{POD}", "1x6000"),
    ("gateway_ready{POD}", "1x6000"),
    ("drain_state{POD}", "0x6000"),
    ("gateway_build_info{POD,version=\"0.1.0\"}", "1x6000"),
    ("process_start_time_seconds{POD}", "1000x6000"),
    ("process_resident_memory_bytes{POD}", "200000000x6000"),
    ("process_open_fds{POD}", "100x6000"),
    ("process_max_fds{POD}", "1000x6000"),
    ("shard_busy_seconds_total{POD,shard=\"0\"}", "0+30x6000"),
    ("store_up{POD}", "1x6000"),
    ("limits_shared{POD}", "1x6000"),
    ("store_errors_total{POD,operation=\"resume\"}", "0x6000"),
    ("store_command_duration_seconds_count{POD,operation=\"resume\"}", "0+600x6000"),
    ("store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"0.00064\"}", "0+600x6000"),
    ("store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"0.16384\"}", "0+600x6000"),
    ("store_command_duration_seconds_bucket{POD,operation=\"resume\",le=\"+Inf\"}", "0+600x6000"),
    ("backend_replicas{POD,backend=\"tools\",state=\"up\"}", "2x6000"),
    ("backend_replicas{POD,backend=\"tools\",state=\"ejected\"}", "0x6000"),
    ("backend_replicas{POD,backend=\"tools\",state=\"unreachable\"}", "0x6000"),
    ("backend_ejections_total{POD,backend=\"tools\"}", "0x6000"),
    ("registry_refusals_total{POD,reason=\"proof\"}", "0x6000"),
    ("websocket_messages_received_total{POD,type=\"request\",method=\"tool.execute\"}", "0+600x6000"),
    ("websocket_errors_total{POD,type=\"backend_unavailable\"}", "0x6000"),
    ("websocket_errors_total{POD,type=\"internal\"}", "0x6000"),
    ("http_requests_total{POD,route=\"execute\",status=\"2xx\"}", "0+600x6000"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"0.01024\"}", "0+600x6000"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"2.62144\"}", "0+600x6000"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"5.24288\"}", "0+600x6000"),
    ("websocket_message_latency_seconds_bucket{POD,le=\"+Inf\"}", "0+600x6000"),
    ("websocket_connections_active{POD}", "1000x6000"),
    ("websocket_connections_total{POD}", "0+60x6000"),
    ("websocket_connections_closed_total{POD,code=\"normal\"}", "0+60x6000"),
    ("websocket_connections_closed_total{POD,code=\"abrupt\"}", "0x6000"),
    ("websocket_handshakes_refused_total{POD,reason=\"unauthorized\"}", "0x6000"),
    ("requests_rate_limited_total{POD,limit=\"user\"}", "0x6000"),
    ("session_resumes_total{POD,outcome=\"resumed\"}", "0+60x6000"),
    ("session_resumes_total{POD,outcome=\"unknown\"}", "0x6000"),
    ("sessions_attached{POD}", "100x6000"),
    ("session_journal_calls{POD,state=\"unacknowledged\"}", "100x6000"),
    ("event_log_lag{POD}", "0x6000"),
    ("slow_readers{POD}", "0x6000"),
    ("events_dropped_total{POD}", "0x6000"),
    ("tls_certificate_expiry_seconds{POD}", "0x6000"),
    ("registry_tls_certificate_expiry_seconds{POD}", "0x6000"),
    ("audit_lines_lost_total{POD}", "0x6000"),
    ("config_reloads_total{POD,outcome=\"applied\"}", "0x6000"),
    ("config_reloads_total{POD,outcome=\"refused\"}", "0x6000"),
    ("traces_spans_exported_total{POD}", "0+600x6000"),
    ("traces_spans_dropped_total{POD}", "0x6000"),
    ("admin_requests_refused_total{POD}", "0x6000"),
];

/// What the scraper calls the pod.
const POD: &str = "job=\"mcpw\",pod=\"a\",instance=\"a:9090\"";

/// The healthy world, but for these series, and with those that it does not have.
pub(crate) fn world(otherwise: &[(&str, &str)]) -> Vec<(String, String)> {
    let healthy = HEALTHY.iter().filter(|(series, _)| otherwise.iter().all(|(other, _)| other != series));
    healthy
        .chain(otherwise)
        .map(|(series, samples)| (series.replace("POD", POD), (*samples).to_owned()))
        .collect()
}
