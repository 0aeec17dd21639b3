//! The pod itself: its end, its threads, its process, its settings.

use super::instrument::one_of;
use super::{Label, Values, instruments};
use crate::Reload;

instruments! {
    POD:
    GATEWAY_READY = Gauge(
        "gateway_ready",
        "1 while the pod takes new connections",
        &[],
        |pod, out| out.number(&[], pod.ready.value()),
    );
    GATEWAY_BUILD_INFO = Gauge(
        "gateway_build_info",
        "1, with the version of the program",
        &[Label { name: "version", values: Values::Version }],
        |_, out| out.number(&[env!("CARGO_PKG_VERSION")], 1),
    );
    DRAIN_STATE = Gauge(
        "drain_state",
        "0 while the pod serves, 1 while it waits for load balancers, 2 while clients are told to go, 3 while the rest \
         is waited for, 4 once that is over",
        &[],
        |pod, out| out.number(&[], pod.drain_state.value()),
    );
    DRAIN_CONNECTIONS_REMAINING = Gauge(
        "drain_connections_remaining",
        "Connections that are still open while the pod drains; 0 while it serves",
        &[],
        |pod, out| out.number(&[], pod.drain_remaining()),
    );
    SHARD_BUSY = Counter(
        "shard_busy_seconds_total",
        "Time on the processor of each shard's thread, without what it looked for work in vain",
        &[Label { name: "shard", values: Values::Shards }],
        |pod, out| {
            for (number, shard) in pod.shards().iter().enumerate() {
                if let Some(seconds) = shard.busy() {
                    out.float(&[&number.to_string()], seconds);
                }
            }
        },
    );
    PROCESS_CPU = Counter(
        "process_cpu_seconds_total",
        "Time on the processor of the whole process",
        &[],
        |pod, out| out.float(&[], pod.process.cpu_seconds()),
    );
    PROCESS_RESIDENT_MEMORY = Gauge(
        "process_resident_memory_bytes",
        "Memory of the process that is resident",
        &[],
        |pod, out| out.number(&[], pod.process.resident_bytes()),
    );
    PROCESS_OPEN_FDS = Gauge(
        "process_open_fds",
        "File descriptors that are open",
        &[],
        |pod, out| out.number(&[], pod.process.open_descriptors()),
    );
    PROCESS_MAX_FDS = Gauge(
        "process_max_fds",
        "File descriptors that may be open",
        &[],
        |pod, out| out.number(&[], pod.process.most_descriptors()),
    );
    PROCESS_START_TIME = Gauge(
        "process_start_time_seconds",
        "When the process began, in Unix seconds",
        &[],
        |pod, out| out.float(&[], pod.process.started()),
    );
    TLS_CERTIFICATE_EXPIRY = Gauge(
        "tls_certificate_expiry_seconds",
        "When the first certificate of the client port expires, in Unix seconds; 0 without TLS",
        &[],
        |pod, out| out.number(&[], pod.certificate_expiry.value()),
    );
    AUDIT_LINES_LOST = Counter(
        "audit_lines_lost_total",
        "Lines of the audit log that could not be written",
        &[],
        |pod, out| out.number(&[], pod.audit_lines_lost.value()),
    );
    TRACES_SPANS_EXPORTED = Counter(
        "traces_spans_exported_total",
        "Spans of sampled traces that a collector has taken",
        &[],
        |pod, out| out.number(&[], pod.spans_exported.value()),
    );
    TRACES_SPANS_DROPPED = Counter(
        "traces_spans_dropped_total",
        "Spans of sampled traces that were dropped, since no collector took them",
        &[],
        |pod, out| out.number(&[], pod.spans_dropped.value()),
    );
    CONFIG_RELOADS = Counter(
        "config_reloads_total",
        "Times that the configuration was read again, by what became of it",
        &[one_of("outcome", &Reload::NAMES)],
        |pod, out| out.each(Reload::NAMES, |place| pod.config_reloads[place].value()),
    );
    CONFIG_LAST_RELOAD_SUCCESS = Gauge(
        "config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read, in Unix seconds",
        &[],
        |pod, out| out.number(&[], pod.config_read.value()),
    );
    ADMIN_REQUESTS_REFUSED = Counter(
        "admin_requests_refused_total",
        "Requests that were refused at the operators' port, since whoever asked may not",
        &[],
        |pod, out| out.number(&[], pod.admin_refusals.value()),
    );
}
