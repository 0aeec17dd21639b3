//! A histogram of latencies with one writer.

use crate::exemplar::{Exemplar, Exemplars};
use crate::{Counter, TraceId};
use std::sync::OnceLock;
use std::time::Duration;

/// How many buckets a latency histogram has, the one without an upper bound not counted.
pub const LATENCY_BUCKETS: usize = 20;

const BUCKETS: usize = LATENCY_BUCKETS + 1;

/// Latencies in 20 buckets: the first ends at 10 µs, each further one at twice the bound before it.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    nanoseconds: Counter,
    /// Made with the first one.
    exemplars: OnceLock<Box<Exemplars<BUCKETS>>>,
}

impl Histogram {
    /// Records `count` observations of the same latency.
    pub fn observe(&self, latency: Duration, count: u64) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[Self::bucket(nanoseconds)].add(count);
        self.nanoseconds.add(nanoseconds.saturating_mul(count));
    }

    /// Records one observation, which may be told of as an example of its bucket if its trace is known.
    pub fn observe_one(&self, latency: Duration, trace: Option<TraceId>) {
        self.observe(latency, 1);
        if let Some(trace) = trace {
            let bucket = Self::bucket(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
            self.exemplars.get_or_init(Box::default).keep(bucket, trace, latency.as_secs_f64());
        }
    }

    /// The index of the first bucket whose bound is not below the value.
    fn bucket(nanoseconds: u64) -> usize {
        let tens = nanoseconds.saturating_sub(1) / 10_000;
        ((u64::BITS - tens.leading_zeros()) as usize).min(LATENCY_BUCKETS)
    }

    /// The upper bound of each bucket, in seconds.
    pub fn bounds() -> [f64; LATENCY_BUCKETS] {
        std::array::from_fn(|i| 1e-5 * (1_u64 << i) as f64)
    }
}

/// The histograms of all shards in one.
#[derive(Debug, Default)]
pub(crate) struct Summed {
    pub(crate) buckets: [u64; BUCKETS],
    pub(crate) seconds: f64,
    pub(crate) exemplars: [Option<Exemplar>; BUCKETS],
}

impl Summed {
    pub(crate) fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += bucket.value();
        }
        self.seconds += histogram.nanoseconds.value() as f64 / 1e9;
        if let Some(exemplars) = histogram.exemplars.get() {
            exemplars.add_to(&mut self.exemplars);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl<'a> FromIterator<&'a Histogram> for Summed {
    fn from_iter<T: IntoIterator<Item = &'a Histogram>>(histograms: T) -> Self {
        let mut summed = Self::default();
        histograms.into_iter().for_each(|histogram| summed.add(histogram));
        summed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lands_in_the_first_bucket_that_holds_it() {
        for (nanoseconds, bucket) in [
            (0, 0),
            (10_000, 0),
            (10_001, 1),
            (20_000, 1),
            (20_001, 2),
            (40_000, 2),
            (10_000 << 19, 19),
            ((10_000 << 19) + 1, 20),
            (u64::MAX, 20),
        ] {
            assert_eq!(Histogram::bucket(nanoseconds), bucket, "{nanoseconds} ns");
        }
    }

    #[test]
    fn bounds_double_from_ten_microseconds() {
        let bounds = Histogram::bounds();
        assert!((bounds[0] - 1e-5).abs() < 1e-12);
        assert!((bounds[19] - 5.24288).abs() < 1e-6);
    }
}
