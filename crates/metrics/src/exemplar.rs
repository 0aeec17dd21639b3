//! Exemplars: for each bucket of a histogram the newest sampled call that landed there, by its trace.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A trace that whoever began it has sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u128);

impl TraceId {
    /// The trace of a W3C `traceparent`, if it is one and is sampled.
    pub fn sampled(traceparent: &str) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        let is_form = bytes.len() >= 55 && [2, 35, 52].into_iter().all(|at| bytes[at] == b'-');
        let number = |range| u128::from_str_radix(traceparent.get(range)?, 16).ok();
        let (trace, flags) = (number(3..35).filter(|_| is_form)?, number(53..55)?);
        (trace != 0 && flags & 1 == 1).then_some(Self(trace))
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One observation of a sampled trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceId,
    pub(crate) seconds: f64,
    /// In Unix seconds.
    pub(crate) at: f64,
}

/// The newest of each of `N` buckets.
#[derive(Debug)]
pub(crate) struct Exemplars<const N: usize>(Mutex<[Option<Exemplar>; N]>);

impl<const N: usize> Default for Exemplars<N> {
    fn default() -> Self {
        Self(Mutex::new([None; N]))
    }
}

impl<const N: usize> Exemplars<N> {
    /// Never waits: one that comes while they are read is not kept.
    pub(crate) fn keep(&self, bucket: usize, trace: TraceId, seconds: f64) {
        if let Ok(mut kept) = self.0.try_lock() {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            kept[bucket] = Some(Exemplar { trace, seconds, at });
        }
    }

    /// Leaves in `newest` what is newer of each bucket.
    pub(crate) fn add_to(&self, newest: &mut [Option<Exemplar>; N]) {
        let kept = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (newest, kept) in newest.iter_mut().zip(kept) {
            let at = |exemplar: &Option<Exemplar>| exemplar.map_or(0.0, |exemplar| exemplar.at);
            if at(&kept) > at(newest) {
                *newest = kept;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sampled_traces_are_taken() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let sampled = |text: &str| TraceId::sampled(text).map(|trace| trace.to_string());
        for flags in ["01", "03", "ff"] {
            assert_eq!(sampled(&format!("00-{trace}-b7ad6b7169203331-{flags}")).as_deref(), Some(trace));
        }
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c8031é-b7ad6b7169203331-01x",
        ] {
            assert_eq!(sampled(bad), None, "{bad}");
        }
    }
}
