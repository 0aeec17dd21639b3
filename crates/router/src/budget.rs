//! How many retries are allowed, so that they never multiply an outage.
use tokio::time::Instant;

use crate::Options;

/// What is not used is kept, up to this many retries.
const KEPT: f64 = 100.0;

/// A bucket that calls and time fill and retries empty.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: f64,
    most: f64,
    ratio: f64,
    per_second: f64,
    filled: Instant,
}

impl Budget {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        let per_second = options.retry_min_per_second;
        let most = if per_second > 0.0 || options.retry_ratio > 0.0 { KEPT.max(per_second) } else { 0.0 };
        Self { tokens: per_second.min(most), most, ratio: options.retry_ratio, per_second, filled: now }
    }

    /// A call was started.
    pub(crate) fn call(&mut self) {
        self.tokens = (self.tokens + self.ratio).min(self.most);
    }

    /// Takes one retry out, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.most);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(budget: &mut Budget, now: Instant) -> usize {
        (0..1_000).take_while(|_| budget.take(now)).count()
    }

    #[test]
    fn an_idle_budget_allows_the_minimum_and_fills_with_time() {
        let start = Instant::now();
        let mut budget = Budget::new(&Options::default(), start);
        assert_eq!(taken(&mut budget, start), 10);
        assert_eq!(taken(&mut budget, start + Duration::from_millis(500)), 5);
        assert_eq!(taken(&mut budget, start + Duration::from_secs(3_600)), 100);
    }

    #[test]
    fn ten_calls_pay_for_one_retry() {
        let start = Instant::now();
        let options = Options { retry_min_per_second: 0.0, ..Options::default() };
        let mut budget = Budget::new(&options, start);
        (0..35).for_each(|_| budget.call());
        assert_eq!(taken(&mut budget, start), 3);
    }

    #[test]
    fn a_budget_of_nothing_allows_nothing() {
        let start = Instant::now();
        let options = Options { retry_min_per_second: 0.0, retry_ratio: 0.0, ..Options::default() };
        let mut budget = Budget::new(&options, start);
        budget.call();
        assert_eq!(taken(&mut budget, start + Duration::from_secs(9)), 0);
    }
}
