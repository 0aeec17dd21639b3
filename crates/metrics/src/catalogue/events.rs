//! Events and those who subscribe to them.

use super::instruments;

instruments! {
    EVENTS:
    EVENTS_DELIVERED = Counter(
        "events_delivered_total",
        "Events written to subscribers",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.events_delivered.value())),
    );
    EVENTS_PUBLISHED = Counter(
        "events_published_total",
        "Events that clients published",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.events_published.value())),
    );
    EVENTS_DROPPED = Counter(
        "events_dropped_total",
        "Events of the platform that were dropped, since too many waited for the store",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.events_dropped.value())),
    );
    EVENT_GAPS = Counter(
        "event_gaps_total",
        "Times that a subscriber was told that events are missing",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.event_gaps.value())),
    );
    EVENT_PAGES = Counter(
        "event_pages_total",
        "Pages read from the store for subscribers that lag behind",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.event_pages.value())),
    );
    EVENT_LOG_LAG = Gauge(
        "event_log_lag",
        "By how many events of its tenant the subscriber of this pod is behind that is furthest behind",
        &[],
        |pod, out| out.number(&[], pod.shards().iter().map(|shard| shard.event_lag.value()).max().unwrap_or(0)),
    );
    SLOW_READERS = Gauge(
        "slow_readers",
        "Connections with more than `events.max_unsent` bytes of output that they have not taken",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.slow_readers.value())),
    );
}
