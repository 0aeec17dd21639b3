//! Backends, their tools, and calls to them.

use super::instrument::one_of;
use super::{Label, Values, instruments};
use crate::{RegistryRefusal, ReplicaState, ToolOutcome};

const TOOL: Label = Label { name: "tool", values: Values::Tools };
const BACKEND: Label = Label { name: "backend", values: Values::Backends };
const OWNER: Label = Label { name: "owner", values: Values::Owners };

instruments! {
    BACKENDS:
    BACKEND_REPLICAS = Gauge(
        "backend_replicas",
        "Replicas of backends that are known: up, ejected by some shard for a while since its calls there failed, or \
         unreachable from some shard",
        &[BACKEND, one_of("state", &ReplicaState::NAMES)],
        |pod, out| {
            for (backend, states) in pod.standing() {
                for (state, count) in ReplicaState::NAMES.into_iter().zip(states) {
                    out.number(&[&backend, state], count);
                }
            }
        },
    );
    BACKEND_TOOLS = Gauge(
        "backend_tools",
        "Tools that backends offer",
        &[],
        |pod, out| out.number(&[], pod.tools.value()),
    );
    BACKEND_TOOLS_LEFT_OUT = Gauge(
        "backend_tools_left_out",
        "Tools of a backend that are not served, since another one, their owner, has tools of these names",
        &[BACKEND, OWNER],
        |pod, out| {
            for ([backend, owner], count) in pod.left_out() {
                out.number(&[&backend, &owner], count);
            }
        },
    );
    BACKEND_EJECTIONS = Counter(
        "backend_ejections_total",
        "Times that a shard stopped sending calls to a replica for a while, since they had failed there",
        &[BACKEND],
        |pod, out| {
            for (place, backend) in pod.backend_names.all() {
                out.number(&[&backend], pod.sum(|shard| shard.ejections(place)));
            }
        },
    );
    BACKEND_CALLS = Counter(
        "backend_calls_total",
        "Calls sent to backends",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.calls_started.value())),
    );
    BACKEND_CALLS_IN_FLIGHT = Gauge(
        "backend_calls_in_flight",
        "Calls that backends have not ended",
        &[],
        |pod, out| {
            let started = pod.sum(|shard| shard.calls_started.value());
            out.number(&[], started.saturating_sub(pod.sum(|shard| shard.calls_ended.value())));
        },
    );
    BACKEND_CALL_DURATION = Histogram(
        "backend_call_duration_seconds",
        "From a call's request to its end, whatever was called and however it ended",
        &[],
        |pod, out| out.histogram(&[], pod.shards().iter().map(|shard| &shard.calls)),
    );
    TOOL_CALLS = Counter(
        "tool_calls_total",
        "Calls of tools that ended, by tool and by how",
        &[TOOL, one_of("outcome", &ToolOutcome::NAMES)],
        |pod, out| {
            for (place, tool) in pod.tool_names.all() {
                for (outcome, name) in ToolOutcome::NAMES.into_iter().enumerate() {
                    out.seen(&[&tool, name], pod.sum(|shard| shard.tools.count(place, outcome)));
                }
            }
        },
    );
    TOOL_CALL_DURATION = Histogram(
        "tool_call_duration_seconds",
        "From a call's request to its end, by tool; calls that were refused before they began are not among them",
        &[TOOL],
        |pod, out| {
            for (place, tool) in pod.tool_names.all() {
                let shards = pod.shards().iter();
                out.histogram(&[&tool], shards.filter_map(|shard| shard.tools.durations(place)));
            }
        },
    );
    REGISTRY_REFUSALS = Counter(
        "registry_refusals_total",
        "What was refused to backends at the gRPC port, by reason",
        &[one_of("reason", &RegistryRefusal::NAMES)],
        |pod, out| out.each(RegistryRefusal::NAMES, |place| pod.registry_refusals[place].value()),
    );
    REGISTRY_TLS_CERTIFICATE_EXPIRY = Gauge(
        "registry_tls_certificate_expiry_seconds",
        "When the certificate of the gRPC port expires, in Unix seconds; 0 without TLS",
        &[],
        |pod, out| out.number(&[], pod.registry_certificate_expiry.value()),
    );
}
