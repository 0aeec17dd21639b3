//! What was published and what subscribers saw of it, and whether it is every event once and in order. Publishes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound::{Excluded, Included};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Incidents, Ledger};

/// A place in a log of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    /// Which life of the log.
    pub epoch: u64,
    /// Which event of it.
    pub offset: u64,
}

impl Position {
    /// From the words of the wire, where an epoch is 16 hex digits.
    pub(super) fn new(log_epoch: &str, offset: u64) -> Option<Self> {
        Some(Self { epoch: u64::from_str_radix(log_epoch, 16).ok()?, offset })
    }
}

/// What tells an event of the run from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub(super) struct Tick {
    /// The client that published it.
    pub publisher: u64,
    /// The how manieth of that client.
    pub n: u64,
}

/// An event that was to be published.
#[derive(Clone, Debug)]
pub(super) struct Publication {
    /// Which.
    pub tick: Tick,
    /// When the gateway said where it stands; nothing if it never did.
    pub taken: Option<(Instant, Position)>,
    /// Why attempts before failed; they were made again with the same key.
    pub failures: Vec<String>,
}

/// What a subscriber was given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    /// An event.
    Event {
        /// Its place.
        at: Position,
        /// Which.
        tick: Tick,
    },
    /// Word that events are missing up to this place.
    Gap {
        /// The place.
        to: Position,
        /// When the word came.
        when: Instant,
    },
}

/// What one subscriber was given, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// Where it began to read, if it was told.
    pub from: Option<Position>,
    /// All that came.
    pub seen: Vec<Seen>,
    /// What else came, and should not.
    pub failures: Vec<String>,
}

/// The log as far as anybody knows it.
struct Log {
    events: BTreeMap<Position, Tick>,
    /// When the gateway told a publisher of an offset.
    taken: Vec<(Instant, Position)>,
    /// The life of the log in which the last event was taken.
    last_epoch: Option<u64>,
    /// How many events the log keeps.
    kept: u64,
}

#[derive(Default)]
struct Counts {
    deliveries: usize,
    duplicates: usize,
    out_of_order: usize,
    missing: usize,
    gaps: usize,
    excused: usize,
    needless: usize,
    back: usize,
    silent: usize,
    replayed: usize,
}

/// Enters all events. A log keeps as many as `kept`.
pub(super) fn settle(
    publications: &[Publication],
    readings: &[Reading],
    kept: u64,
    incidents: &Incidents,
    ledger: &mut Ledger,
) {
    let (log, contradictions) = Log::of(publications, readings, kept);
    let mut counts = Counts::default();
    for reading in readings {
        log.follow(reading, incidents.excuse_epochs(), &mut counts);
    }
    let untaken = publications.iter().filter(|publication| publication.taken.is_none()).count();
    ledger.row("events published", publications.len());
    let failures = publications.iter().flat_map(|publication| &publication.failures);
    ledger.row("  attempts made again with the same key", failures.clone().count());
    ledger.said(failures.map(String::as_str));
    ledger.row("subscribers", readings.len());
    ledger.row("  deliveries", counts.deliveries);
    ledger.row("  gaps told", counts.gaps);
    ledger.row("  events that such a gap excuses", counts.excused);
    ledger.row("  events again behind such a gap", counts.replayed);
    ledger.must_be_none("events not taken", untaken);
    let faults = readings.iter().flat_map(|reading| &reading.failures);
    ledger.must_be_none("faults of streams of events", faults.clone().count());
    ledger.said(faults.map(String::as_str));
    ledger.must_be_none("events that stand in the log twice", log.repeated());
    ledger.must_be_none("places of the log with two events", contradictions);
    ledger.must_be_none("deliveries twice", counts.duplicates);
    ledger.must_be_none("deliveries out of order", counts.out_of_order);
    ledger.must_be_none("deliveries missing", counts.missing);
    ledger.must_be_none("deliveries missing by a gap that need not be", counts.needless);
    ledger.must_be_none("gaps that end before they begin", counts.back);
    ledger.must_be_none("changes of the log's epoch that were not told or had no reason", counts.silent);
}

impl Log {
    fn of(publications: &[Publication], readings: &[Reading], kept: u64) -> (Self, usize) {
        let mut events = BTreeMap::new();
        let mut contradictions = 0;
        let mut enter = |at: Position, tick: Tick| {
            contradictions += usize::from(*events.entry(at).or_insert(tick) != tick);
        };
        let mut taken = Vec::new();
        for publication in publications {
            if let Some((when, at)) = publication.taken {
                enter(at, publication.tick);
                taken.push((when, at));
            }
        }
        for seen in readings.iter().flat_map(|reading| &reading.seen) {
            if let Seen::Event { at, tick } = *seen {
                enter(at, tick);
            }
        }
        taken.sort_unstable();
        let last_epoch = taken.last().map(|(_, at)| at.epoch);
        (Self { events, taken, last_epoch, kept }, contradictions)
    }

    /// Events that have two places in one life of the log.
    fn repeated(&self) -> usize {
        let mut places = HashSet::new();
        self.events.iter().filter(|(at, tick)| !places.insert((at.epoch, **tick))).count()
    }

    /// How many events of an epoch stand behind `after`, up to `to` if that is given.
    fn between(&self, epoch: u64, after: u64, to: Option<Position>) -> usize {
        let to = to.map_or(u64::MAX, |to| to.offset);
        if to <= after {
            return 0;
        }
        let [after, to] = [after, to].map(|offset| Position { epoch, offset });
        self.events.range((Excluded(after), Included(to))).count()
    }

    /// Whether the log no longer reached back to `last` at that time, as far as publishers know.
    fn had_dropped(&self, last: Position, when: Instant) -> bool {
        let until = self.taken.partition_point(|(taken, _)| *taken <= when);
        let newest = self.taken[..until].iter().filter(|(_, at)| at.epoch == last.epoch);
        let newest = newest.map(|(_, at)| at.offset).max().unwrap_or_default();
        newest.saturating_sub(last.offset) >= self.kept
    }

    fn follow(&self, reading: &Reading, epochs_may_change: bool, counts: &mut Counts) {
        let mut last = reading.from;
        let mut had = HashSet::new();
        let mut ticks = HashMap::new();
        for seen in &reading.seen {
            match *seen {
                Seen::Event { at, tick } => {
                    counts.deliveries += 1;
                    if !had.insert(at) {
                        counts.duplicates += 1;
                        continue;
                    }
                    if ticks.insert(tick, at.epoch).is_some_and(|epoch| epoch != at.epoch) {
                        counts.replayed += 1;
                    }
                    match last {
                        Some(before) if before.epoch != at.epoch => counts.silent += 1,
                        Some(before) if before.offset >= at.offset => {
                            counts.out_of_order += 1;
                            continue;
                        }
                        before => {
                            let after = before.map_or(0, |before| before.offset);
                            let up_to = Position { offset: at.offset - 1, ..at };
                            counts.missing += self.between(at.epoch, after, Some(up_to));
                        }
                    }
                    last = Some(at);
                }
                Seen::Gap { to, when } => {
                    counts.gaps += 1;
                    match last {
                        Some(before) if before.epoch == to.epoch => {
                            counts.back += usize::from(to.offset < before.offset);
                            let skipped = self.between(to.epoch, before.offset, Some(to));
                            let dropped = self.had_dropped(before, when);
                            *if dropped { &mut counts.excused } else { &mut counts.needless } += skipped;
                        }
                        before => {
                            counts.silent += usize::from(before.is_some() && !epochs_may_change);
                            counts.excused += self.between(to.epoch, 0, Some(to));
                            counts.excused +=
                                before.map_or(0, |before| self.between(before.epoch, before.offset, None));
                        }
                    }
                    // What comes again is told as that.
                    last = last.filter(|last| last.epoch == to.epoch && *last > to).or(Some(to));
                }
            }
        }
        // What came into the log after the last that was seen.
        if let Some(epoch) = self.last_epoch {
            let after = last.filter(|last| last.epoch == epoch).map_or(0, |last| last.offset);
            counts.missing += self.between(epoch, after, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::incidents::{Deed, Incident};
    use super::*;

    fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch, offset }
    }

    fn tick(n: u64) -> Tick {
        Tick { publisher: 1, n }
    }

    /// An event whose number is its offset, as most are here.
    fn event(epoch: u64, offset: u64) -> Seen {
        Seen::Event { at: at(epoch, offset), tick: tick(offset) }
    }

    fn gap(epoch: u64, offset: u64) -> Seen {
        Seen::Gap { to: at(epoch, offset), when: Instant::now() }
    }

    fn published(places: impl IntoIterator<Item = Position>) -> Vec<Publication> {
        let publish = |at: Position| Publication {
            tick: tick(at.offset),
            taken: Some((Instant::now(), at)),
            failures: Vec::new(),
        };
        places.into_iter().map(publish).collect()
    }

    /// Of a log that keeps 10.
    #[track_caller]
    fn check(publications: &[Publication], seen: &[Seen], incidents: &Incidents, expected: &[&str]) {
        let reading = Reading { from: Some(at(1, 0)), seen: seen.to_vec(), ..Reading::default() };
        let mut ledger = Ledger::default();
        settle(publications, &[reading], 10, incidents, &mut ledger);
        assert_eq!(ledger.lost(), expected);
    }

    #[test]
    fn every_way_in_which_an_event_is_lost_is_told() {
        let quiet = Incidents::default();
        let three = published((1..=3).map(|offset| at(1, offset)));
        check(&three, &[event(1, 1), event(1, 2), event(1, 3)], &quiet, &[]);
        check(&three, &[event(1, 1), event(1, 3)], &quiet, &["1 deliveries missing"]);
        check(&three, &[event(1, 1)], &quiet, &["2 deliveries missing"]);
        check(&three, &[event(1, 1), event(1, 2), event(1, 2), event(1, 3)], &quiet, &["1 deliveries twice"]);
        check(
            &three,
            &[event(1, 1), event(1, 3), event(1, 2)],
            &quiet,
            &["1 deliveries out of order", "1 deliveries missing"],
        );
        let other = Seen::Event { at: at(1, 2), tick: tick(9) };
        check(&three, &[event(1, 1), other, event(1, 3)], &quiet, &["1 places of the log with two events"]);
        let again = Seen::Event { at: at(1, 4), tick: tick(3) };
        check(
            &three,
            &[event(1, 1), event(1, 2), event(1, 3), again],
            &quiet,
            &["1 events that stand in the log twice"],
        );
        let untaken = Publication { tick: tick(1), taken: None, failures: Vec::new() };
        check(&[untaken], &[], &quiet, &["1 events not taken"]);
    }

    #[test]
    fn a_gap_excuses_what_the_log_had_dropped_and_nothing_else() {
        let quiet = Incidents::default();
        let many = published((1..=20).map(|offset| at(1, offset)));
        let end = |from| (from..=20).map(|offset| event(1, offset));
        let dropped: Vec<_> = [event(1, 1), gap(1, 9)].into_iter().chain(end(10)).collect();
        check(&many, &dropped, &quiet, &[]);
        let needless: Vec<_> =
            (1..=11).map(|offset| event(1, offset)).chain([gap(1, 15)]).chain(end(16)).collect();
        check(&many, &needless, &quiet, &["4 deliveries missing by a gap that need not be"]);
        let back: Vec<_> =
            (1..=11).map(|offset| event(1, offset)).chain([gap(1, 7)]).chain(end(12)).collect();
        check(&many, &back, &quiet, &["1 gaps that end before they begin"]);
    }

    #[test]
    fn a_new_epoch_is_excused_where_it_is_told_and_redis_was_killed() {
        const CHANGES: &str = "1 changes of the log's epoch that were not told or had no reason";
        let now = Instant::now();
        let deed = Deed::RedisKilled { empty: true };
        let killed = Incidents(vec![Incident { deed, from: now, to: now }]);
        let both = published([at(1, 1), at(1, 2), at(9, 1), at(9, 2)]);
        let told = [event(1, 1), gap(9, 1), event(9, 2)];
        check(&both, &told, &killed, &[]);
        check(&both, &told, &Incidents::default(), &[CHANGES]);
        check(&both, &[event(1, 1), event(1, 2), event(9, 1), event(9, 2)], &killed, &[CHANGES]);
        // Nobody told this one that the log has another life.
        check(&both, &[event(1, 1), event(1, 2)], &killed, &["2 deliveries missing"]);
    }
}
