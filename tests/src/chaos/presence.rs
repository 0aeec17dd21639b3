//! When a client was without a connection, and whether it came back to what it had.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use client::{Client, State};

use super::Ledger;
use super::calls::spread;
use super::ledger::percentile;

/// A return after a lost connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    /// When.
    pub at: Instant,
    /// Since the connection was lost.
    pub away: Duration,
    /// To the same session.
    pub resumed: bool,
}

/// A client's returns.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence {
    /// Each that was seen.
    pub returns: Vec<Return>,
    /// Connections that came and went between two looks.
    pub unseen: u64,
}

/// What a rolling restart may do to clients.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Nearly all (99 %) are away for less.
    pub away: Duration,
    /// Returns in any second.
    pub rate: usize,
}

impl Presence {
    /// How often it came back.
    pub(super) fn reconnects(&self) -> u64 {
        self.returns.len() as u64 + self.unseen
    }

    /// Watches a client until it ends.
    pub(super) async fn of(client: Client) -> Self {
        let mut states = client.states();
        // An open handle would keep the connection open.
        drop(client);
        let mut presence = Self::default();
        let mut known = 1;
        while let Some(state) = states.next().await {
            if let State::Connected { connection, away, resumed, .. } = state
                && connection > known
            {
                presence.unseen += connection - known - 1;
                presence.returns.push(Return { at: Instant::now(), away, resumed });
                known = connection;
            }
        }
        presence
    }
}

/// Why a client has no connection now, if it has none.
pub(super) fn gone(client: &Client) -> Option<String> {
    match client.states().current() {
        State::Connected { .. } => None,
        State::Reconnecting { reason, .. } | State::Ended(reason) => Some(reason.to_string()),
        other => Some(format!("{other:?}")),
    }
}

/// Enters all clients, and why those have no connection that have none in the end. With a pace, it is a loss to pass it.
pub(super) fn settle(presences: &[Presence], gone: &[String], pace: Option<Pace>, ledger: &mut Ledger) {
    let returns: Vec<_> = presences.iter().flat_map(|presence| &presence.returns).collect();
    let mut away: Vec<_> = returns.iter().map(|one| one.away).collect();
    let fresh = returns.iter().filter(|one| !one.resumed).count();
    let most = most_in_a_second(returns.iter().map(|one| one.at).collect());
    ledger.row("reconnects", presences.iter().map(Presence::reconnects).sum::<u64>());
    ledger.row("  to a fresh session", fresh);
    ledger.row("  away", spread(&mut away));
    ledger.row("  most in a second", most);
    ledger.must_be_none("clients that did not come back", gone.len());
    ledger.said(gone.iter().map(String::as_str));
    if let Some(pace) = pace {
        let nearly_all = percentile(&mut away, 99);
        if nearly_all >= pace.away {
            ledger.lose(format!("clients were away for {nearly_all:.3?} at p99, not under {:?}", pace.away));
        }
        if most > pace.rate {
            ledger.lose(format!("{most} reconnects in a second, over drain.rate, which is {}", pace.rate));
        }
    }
}

fn most_in_a_second(mut times: Vec<Instant>) -> usize {
    times.sort_unstable();
    let mut second = VecDeque::new();
    let mut most = 0;
    for at in times {
        second.push_back(at);
        while second.front().is_some_and(|first| at.duration_since(*first) >= Duration::from_secs(1)) {
            second.pop_front();
        }
        most = most.max(second.len());
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returns(ms: impl IntoIterator<Item = u64>, away: u64) -> Vec<Presence> {
        let start = Instant::now();
        let one = |at| Return {
            at: start + Duration::from_millis(at),
            away: Duration::from_millis(away),
            resumed: true,
        };
        vec![Presence { returns: ms.into_iter().map(one).collect(), ..Presence::default() }]
    }

    #[track_caller]
    fn check(presences: &[Presence], expected: &[&str]) {
        let pace = Pace { away: Duration::from_secs(1), rate: 10 };
        let mut ledger = Ledger::default();
        settle(presences, &[], Some(pace), &mut ledger);
        assert_eq!(ledger.lost(), expected);
        let mut ledger = Ledger::default();
        settle(presences, &[], None, &mut ledger);
        assert!(ledger.lost().is_empty(), "{:?}", ledger.lost());
    }

    #[test]
    fn a_rolling_restart_has_a_pace() {
        check(&[], &[]);
        check(&returns((0..50).map(|n| n * 100), 300), &[]);
        check(
            &returns((0..50).map(|n| n * 90), 300),
            &["12 reconnects in a second, over drain.rate, which is 10"],
        );
        check(&returns([0], 1_200), &["clients were away for 1.200s at p99, not under 1s"]);
    }
}
