//! What became of calls, and whether it is what may become of them. Makes none.

use std::time::{Duration, Instant};

use super::counters::{Counted, Executions};
use super::ledger::percentile;
use super::{Incidents, Ledger};

/// A call that was made.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The number of its client.
    pub(super) client: usize,
    /// Tells it from every other.
    pub key: u64,
    /// It must not be executed twice.
    pub once: bool,
    /// Before it was sent.
    pub begun: Instant,
    /// When and how it ended; nothing if it never did.
    pub ended: Option<(Instant, Answer)>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// With its result.
    Result(Counted),
    /// With error 4006.
    Unknown,
    /// With another error, in words that do not differ from call to call.
    Failed(String),
}

/// Enters all calls.
pub(super) fn settle(calls: &[Call], executions: &Executions, incidents: &Incidents, ledger: &mut Ledger) {
    let mut results = 0;
    let mut unknown = 0;
    let mut without_reason = Vec::new();
    let mut repeatable = 0;
    let mut unanswered = 0;
    let mut failed = Vec::new();
    let mut not_executed = 0;
    let mut of_others = 0;
    let mut twice = 0;
    let mut again = 0;
    let mut times = Vec::new();
    for call in calls {
        let executed = executions.of(call.key);
        if executed > 1 {
            *if call.once { &mut twice } else { &mut again } += 1;
        }
        let Some((at, answer)) = &call.ended else {
            unanswered += 1;
            continue;
        };
        times.push(at.duration_since(call.begun));
        match answer {
            Answer::Result(counted) => {
                results += 1;
                not_executed += usize::from(executed == 0);
                of_others += usize::from(counted.key != call.key);
            }
            Answer::Unknown => {
                unknown += 1;
                repeatable += usize::from(!call.once);
                if !incidents.excuse_unknown(call.begun, *at) {
                    without_reason.push(told(call, *at, incidents));
                }
            }
            Answer::Failed(reason) => failed.push(reason.as_str()),
        }
    }
    ledger.row("calls made", calls.len());
    ledger.row("  answered with a result", results);
    ledger.row("  answered with 4006, outcome unknown", unknown);
    ledger.row("  idempotent, and executed again", again);
    ledger.row("  time to the answer", spread(&mut times));
    ledger.must_be_none("calls failed", failed.len());
    ledger.said(failed.into_iter());
    ledger.must_be_none("calls unanswered", unanswered);
    ledger.must_be_none("calls not idempotent and executed twice", twice);
    ledger.must_be_none("calls with a result and never executed", not_executed);
    ledger.must_be_none("calls with the result of another", of_others);
    ledger.must_be_none("calls with 4006 where no owner died", without_reason.len());
    ledger.said(without_reason.iter().map(String::as_str));
    ledger.must_be_none("calls idempotent and answered with 4006", repeatable);
}

/// What finds a call in the logs.
fn told(call: &Call, ended: Instant, incidents: &Incidents) -> String {
    let [begun, ended] = [call.begun, ended].map(|time| incidents.time(time));
    format!("client {}, key {}, from {begun} to {ended}", call.client, call.key)
}

/// The middle, nearly all, and the longest.
pub(super) fn spread(times: &mut [Duration]) -> String {
    let [middle, most, all] = [50, 99, 100].map(|percent| percentile(times, percent).as_secs_f64());
    format!("p50 {middle:.3} s, p99 {most:.3} s, max {all:.3} s")
}

#[cfg(test)]
mod tests {
    use super::super::incidents::{Deed, Incident};
    use super::*;

    const KEY: u64 = 7;

    fn call(once: bool, answer: Option<Answer>) -> Call {
        let begun = Instant::now();
        Call {
            client: 0,
            key: KEY,
            once,
            begun,
            ended: answer.map(|answer| (begun + Duration::from_secs(1), answer)),
        }
    }

    fn result(key: u64) -> Option<Answer> {
        Some(Answer::Result(Counted { key, nth: 1 }))
    }

    #[track_caller]
    fn check(call: Call, executed: usize, incidents: &Incidents, expected: &[&str]) {
        let executions = Executions::default();
        for _ in 0..executed {
            executions.enter(KEY);
        }
        let mut ledger = Ledger::default();
        settle(&[call], &executions, incidents, &mut ledger);
        assert_eq!(ledger.lost(), expected);
    }

    #[test]
    fn every_way_in_which_a_call_is_lost_is_told() {
        let quiet = Incidents::default();
        check(call(true, result(KEY)), 1, &quiet, &[]);
        check(call(false, result(KEY)), 2, &quiet, &[]);
        check(call(true, result(KEY)), 2, &quiet, &["1 calls not idempotent and executed twice"]);
        check(call(true, result(KEY)), 0, &quiet, &["1 calls with a result and never executed"]);
        check(call(true, result(8)), 1, &quiet, &["1 calls with the result of another"]);
        check(call(true, None), 1, &quiet, &["1 calls unanswered"]);
        check(call(true, Some(Answer::Failed("4003".to_owned()))), 1, &quiet, &["1 calls failed"]);
        check(call(true, Some(Answer::Unknown)), 1, &quiet, &["1 calls with 4006 where no owner died"]);
    }

    #[test]
    fn only_a_death_during_the_call_excuses_an_unknown_outcome() {
        let at = |deed, seconds| {
            let from = Instant::now() + Duration::from_secs(seconds);
            Incidents(vec![Incident { deed, from, to: from }])
        };
        let unknown = |once| call(once, Some(Answer::Unknown));
        check(unknown(true), 1, &at(Deed::Killed { pod: 1 }, 0), &[]);
        check(unknown(true), 1, &at(Deed::Killed { pod: 1 }, 5), &["1 calls with 4006 where no owner died"]);
        check(
            unknown(true),
            1,
            &at(Deed::Restarted { pod: 1 }, 0),
            &["1 calls with 4006 where no owner died"],
        );
        check(
            unknown(false),
            1,
            &at(Deed::Killed { pod: 1 }, 0),
            &["1 calls idempotent and answered with 4006"],
        );
    }
}
