//! The instruments as OpenMetrics text.

use crate::histogram::Summed;
use crate::{Histogram, Pod, Shard};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Writes what a pod counted whenever it is asked.
#[derive(Debug)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// The `Content-Type` of the text.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// An exposition of this pod's instruments.
    pub fn new(pod: Arc<Pod>) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape(pod)));
        Self { registry }
    }

    /// The text of this moment.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[derive(Debug)]
struct Scrape(Arc<Pod>);

impl Scrape {
    fn sum(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        self.0.shards().iter().map(|shard| of(shard)).sum()
    }

    fn sum_by<const N: usize>(
        &self,
        of: impl Fn(&Shard) -> [(&'static str, u64); N],
    ) -> BTreeMap<&'static str, u64> {
        let mut sums = BTreeMap::new();
        for (label, count) in self.0.shards().iter().flat_map(|shard| of(shard)) {
            *sums.entry(label).or_default() += count;
        }
        sums
    }

    /// A family with two labels. A series appears with its first count.
    fn pairs(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        labels: (&str, &str),
        counts: impl Iterator<Item = (&'static str, &'static str, u64)>,
    ) -> fmt::Result {
        let mut sums = BTreeMap::new();
        for (first, second, count) in counts {
            *sums.entry((first, second)).or_insert(0) += count;
        }
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for ((first, second), count) in sums {
            if count > 0 {
                one(&mut family, &[(labels.0, first), (labels.1, second)], count)?;
            }
        }
        Ok(())
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let opened = self.sum(|shard| shard.connections_opened.value());
        let closed = self.sum(|shard| shard.connections_closed.value());
        let started = self.sum(|shard| shard.calls_started.value());
        let ended = self.sum(|shard| shard.calls_ended.value());
        let http_opened = self.sum(|shard| shard.http_opened.value());
        let http_closed = self.sum(|shard| shard.http_closed.value());
        let gauges = [
            (
                "http_connections_active",
                "Connections of the REST API that are open",
                http_opened.saturating_sub(http_closed),
            ),
            ("websocket_connections_active", "Connections that are open", opened.saturating_sub(closed)),
            ("backend_calls_in_flight", "Calls that backends have not ended", started.saturating_sub(ended)),
        ];
        for (name, help, value) in gauges.into_iter().chain(self.0.gauges()) {
            let gauge = ConstGauge::new(value as i64);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let (spans_exported, spans_dropped) = self.0.spans().counts();
        for (name, help, value) in [
            ("traces_spans_exported", "Spans of traces that the collector took", spans_exported),
            (
                "traces_spans_dropped",
                "Spans of traces that were dropped: too many waited, or the collector did not take them",
                spans_dropped,
            ),
            ("websocket_connections", "Connections that were upgraded", opened),
            ("http_connections", "Connections that came to speak HTTP", http_opened),
            (
                "websocket_bytes_received",
                "Bytes read from WebSockets",
                self.sum(|s| s.bytes_received.value()),
            ),
            ("websocket_bytes_sent", "Bytes written to WebSockets", self.sum(|s| s.bytes_sent.value())),
            ("backend_calls", "Calls sent to backends", started),
            ("events_delivered", "Events written to subscribers", self.sum(|s| s.events_delivered.value())),
            ("events_published", "Events that clients published", self.sum(|s| s.events_published.value())),
            (
                "events_dropped",
                "Events of the platform that were dropped, since too many waited for the store",
                self.sum(|s| s.events_dropped.value()),
            ),
            (
                "audit_lines_lost",
                "Lines of the audit log that could not be written",
                self.0.lost_audit_lines(),
            ),
            (
                "event_gaps",
                "Times that a subscriber was told that events are missing",
                self.sum(|s| s.event_gaps.value()),
            ),
            (
                "event_pages",
                "Pages read from the store for subscribers that lag behind",
                self.sum(|s| s.event_pages.value()),
            ),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }

        self.pairs(
            &mut encoder,
            ("websocket_messages_received", "Messages from clients, by type and method"),
            ("type", "method"),
            self.0.shards().iter().flat_map(|shard| shard.received_counts()),
        )?;
        self.pairs(
            &mut encoder,
            ("http_requests", "Requests of the REST API, by route and class of the status"),
            ("route", "status"),
            self.0.shards().iter().flat_map(|shard| shard.requests.counts()),
        )?;

        for (name, help, label, sums) in [
            (
                "websocket_messages_sent",
                "Messages to clients, by type",
                "type",
                self.sum_by(|s| s.sent_counts()),
            ),
            (
                "websocket_errors",
                "Requests answered with an error, by code",
                "type",
                self.sum_by(|s| s.error_counts()),
            ),
            (
                "websocket_connections_closed",
                "Connections that ended, by close code",
                "code",
                self.sum_by(|s| s.close_counts()),
            ),
            (
                "session_resumes",
                "Clients that asked for their session, by what became of it",
                "outcome",
                self.sum_by(|s| s.resume_counts()),
            ),
            (
                "requests_rate_limited",
                "Requests and notifications that were over a rate, by whose",
                "limit",
                self.sum_by(|s| s.limited_counts()),
            ),
            (
                "websocket_signatures_refused",
                "Messages that were not taken for their sender's, by reason",
                "reason",
                self.sum_by(|s| s.unsigned_counts()),
            ),
            (
                "websocket_handshakes_refused",
                "Upgrades that were refused, by reason",
                "reason",
                self.sum_by(|s| s.refusal_counts()),
            ),
            (
                "registry_refusals",
                "What was refused to backends at the gRPC port, by reason",
                "reason",
                self.0.registry_refusals().collect(),
            ),
        ] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (value, count) in sums {
                one(&mut family, &[(label, value)], count)?;
            }
        }

        let mut latency = Summed::default();
        for shard in self.0.shards() {
            shard.latency.add_to(&mut latency);
        }
        let bounds = Histogram::bounds().into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(latency.buckets).collect();
        let count = latency.buckets.iter().sum();
        let mut histogram = encoder.encode_descriptor(
            "websocket_message_latency_seconds",
            "From the read that brought a message to its answer's write",
            None,
            MetricType::Histogram,
        )?;
        histogram.encode_histogram::<[(&str, &str); 0]>(latency.seconds, count, &buckets, None)
    }
}

fn one(family: &mut MetricEncoder<'_>, labels: &[(&str, &str)], count: u64) -> fmt::Result {
    ConstCounter::new(count).encode(family.encode_family(&labels)?)
}
