//! The store that pods share.

use super::instrument::one_of;
use super::{Label, instruments};
use crate::Operation;

const OPERATION: Label = one_of("operation", &Operation::NAMES);

instruments! {
    STORE:
    STORE_UP = Gauge(
        "store_up",
        "1 while the store is in reach",
        &[],
        |pod, out| out.number(&[], pod.store_up.value()),
    );
    STORE_COMMAND_DURATION = Histogram(
        "store_command_duration_seconds",
        "From asking Redis to its answer, by what was asked; what failed is in store_errors_total alone",
        &[OPERATION],
        |pod, out| {
            for (place, operation) in Operation::NAMES.into_iter().enumerate() {
                out.histogram(&[operation], pod.asked().map(|operations| operations.durations(place)));
            }
        },
    );
    STORE_ERRORS = Counter(
        "store_errors_total",
        "What Redis was asked and could not do, by what was asked",
        &[OPERATION],
        |pod, out| {
            for (place, operation) in Operation::NAMES.into_iter().enumerate() {
                out.seen(&[operation], pod.asked().map(|operations| operations.failures(place)).sum());
            }
        },
    );
}
