//! Something that is begun at a steady rate, however long each takes. Knows no client and no outcome.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::Dice;

/// A rate and its bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    /// From one begin to the next.
    pub(super) period: Duration,
    /// So many run at a time; over it none is begun.
    pub(super) most: usize,
    /// How long those that run may take once no more are begun.
    pub(super) grace: Duration,
}

impl Steady {
    /// Begins one after the other until `stop` says so or is gone, then waits for those that run. Their outcomes in
    /// the order in which they were begun; nothing for one that has not ended.
    pub(super) async fn run<T, F>(
        self,
        dice: &mut Dice,
        mut stop: watch::Receiver<bool>,
        mut begin: impl FnMut(&mut Dice) -> F,
    ) -> Vec<Option<T>>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mut outcomes = Vec::new();
        let mut running = JoinSet::new();
        // Clients do not begin all at once.
        let first = self.period.mul_f64(dice.below(1_000) as f64 / 1_000.0);
        let mut ticks = interval_at(Instant::now() + first, self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(ended) = running.join_next() => enter(&mut outcomes, ended),
                _ = ticks.tick(), if running.len() < self.most => {
                    let place = outcomes.len();
                    let one = begin(dice);
                    outcomes.push(None);
                    running.spawn(async move { (place, one.await) });
                }
            }
        }
        // What has not ended by then never will: its outcome stays away.
        let _ = timeout(self.grace, async {
            while let Some(ended) = running.join_next().await {
                enter(&mut outcomes, ended);
            }
        })
        .await;
        outcomes
    }
}

fn enter<T>(outcomes: &mut [Option<T>], ended: Result<(usize, T), JoinError>) {
    // One that panicked has no outcome.
    if let Ok((place, outcome)) = ended {
        outcomes[place] = Some(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_that_was_begun_is_there_in_its_order_with_its_outcome_if_it_has_one() {
        let steady =
            Steady { period: Duration::from_millis(10), most: 50, grace: Duration::from_millis(500) };
        let (stopper, stop) = watch::channel(false);
        let mut begun = 0;
        let mut dice = Dice::of(1);
        let all = steady.run(&mut dice, stop, |_| {
            let number = begun;
            begun += 1;
            async move {
                match number % 3 {
                    0 => tokio::time::sleep(Duration::from_secs(60)).await,
                    one => tokio::time::sleep(Duration::from_millis(100 / one)).await,
                }
                number
            }
        });
        let stopped = async {
            tokio::time::sleep(Duration::from_millis(305)).await;
            let _ = stopper.send(true);
        };
        let (outcomes, ()) = tokio::join!(all, stopped);
        assert!((29..=31).contains(&outcomes.len()), "{}", outcomes.len());
        for (number, outcome) in (0..).zip(outcomes) {
            assert_eq!(outcome, Some(number).filter(|number| number % 3 != 0));
        }
    }
}
