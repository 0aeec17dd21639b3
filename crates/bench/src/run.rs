//! A run from its plan to its outcome: the threads are started, and what they count is added up.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};

use jiff::Timestamp;

use crate::clock::{Clock, SECOND};
use crate::control::{Control, Stop};
use crate::driver::{Driver, Told};
use crate::environment::{self, Environment};
use crate::outcome::{
    Connections, Events, Failure, Generator, Latency, Messages, Outcome, Parameters, SCHEMA, Second, Storm,
    micros,
};
use crate::tally::Tally;
use crate::view::View;
use crate::{Error, Plan, Scenario, handshake};

/// From here on the generator is what is measured.
const BUSY: f64 = 0.9;

/// Does what the plan says, on threads of its own, and returns when all is measured, or soon after `stop`. On a terminal
/// that `live` allows it shows on stderr how it goes.
///
/// # Errors
/// There was no run: the plan is none, the machine can't do it, or the first connection came to nothing.
pub fn run(plan: &Plan, stop: &Stop, live: bool) -> Result<Outcome, Error> {
    plan.check()?;
    environment::prepare(plan)?;
    let environment = Environment::look();
    let started_at = Timestamp::now();
    let clock = Clock::start();
    // A name of this run's own, so that no other events are counted.
    let events_name = format!("bench.{}", started_at.as_nanosecond());
    let control = Control::new(stop.clone(), plan.threads);
    let (sink, told) = channel();
    let mut drivers = Vec::new();
    for thread in 0..plan.threads {
        drivers.push(Driver::new(plan, &control, clock, thread, &events_name, sink.clone())?);
    }
    drop(sink);
    let mut sums = Sums::new(plan, clock, View::new(plan, live));
    std::thread::scope(|scope| {
        for driver in drivers {
            scope.spawn(|| driver.run());
        }
        sums.collect(&told, &control)
    })?;
    Ok(sums.outcome(started_at, stop.is_wanted(), environment))
}

/// What was told so far.
struct Sums<'a> {
    plan: &'a Plan,
    clock: Clock,
    view: View,
    seconds: BTreeMap<u64, Tally>,
    /// Up to where each thread has told.
    told: Vec<u64>,
    shown: u64,
    open: u64,
    dialled: usize,
    listeners: BTreeMap<String, u64>,
    /// When all were dialled.
    ramp: Option<u64>,
    measured: u64,
    server: Option<String>,
}

impl<'a> Sums<'a> {
    fn new(plan: &'a Plan, clock: Clock, view: View) -> Self {
        let told = vec![0; plan.threads];
        let (seconds, listeners) = (BTreeMap::new(), BTreeMap::new());
        Self {
            plan,
            clock,
            view,
            seconds,
            told,
            shown: 0,
            open: 0,
            dialled: 0,
            listeners,
            ramp: None,
            measured: 0,
            server: None,
        }
    }

    /// Listens until all threads have ended.
    fn collect(&mut self, told: &Receiver<Told>, control: &Control) -> Result<(), Error> {
        let mut outcome = Ok(());
        for told in told {
            match told {
                Told::Second(thread, second, tally) => {
                    self.told[thread] = second + 1;
                    let sum = self.seconds.entry(second);
                    sum.or_insert_with(|| Tally::new(self.plan.messages.len())).add(&tally);
                    self.show();
                }
                Told::Dialled(tenants, server) => {
                    self.dialled += 1;
                    self.server = self.server.take().or(server);
                    for (tenant, count) in tenants {
                        *self.listeners.entry(tenant).or_default() += count;
                    }
                    if self.dialled == self.plan.threads {
                        self.begin(control);
                    }
                }
                Told::Ended(thread, measured, ended) => {
                    self.told[thread] = u64::MAX;
                    self.measured = self.measured.max(measured);
                    outcome = outcome.and(ended);
                }
            }
        }
        self.view.end();
        outcome
    }

    /// All connections were dialled: the load begins, at a whole second.
    fn begin(&mut self, control: &Control) {
        let now = self.clock.now();
        self.ramp = Some(now);
        // Nobody else sets it.
        let _ = control.listeners.set(std::mem::take(&mut self.listeners));
        let at_once = self.plan.scenario == Scenario::Connect;
        control.begin_at(if at_once { now } else { (now / SECOND + 1) * SECOND });
    }

    /// Shows each second that all threads have told.
    fn show(&mut self) {
        let told = self.told.iter().min().copied().unwrap_or(0);
        while self.shown < told && self.shown <= self.seconds.keys().next_back().copied().unwrap_or(0) {
            if let Some(tally) = self.seconds.get(&self.shown) {
                let second = second(self.shown, tally, &mut self.open);
                self.view.second(&second, tally.dialled);
            }
            self.shown += 1;
        }
    }

    fn outcome(self, started_at: Timestamp, interrupted: bool, environment: Environment) -> Outcome {
        let plan = self.plan;
        let mut all = Tally::new(plan.messages.len());
        let mut open = 0;
        let mut timeline = Vec::new();
        for (at, tally) in &self.seconds {
            timeline.push(second(*at, tally, &mut open));
            all.add(tally);
        }
        let ramp = self.ramp.unwrap_or_else(|| self.clock.now()) as f64 / 1e9;
        let measured = self.measured as f64 / 1e9;
        let is_connect = plan.scenario == Scenario::Connect;
        // The ramp is what is measured where there is nothing else.
        let seconds = if is_connect { ramp + measured } else { measured };
        let per_second = |count: u64, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let busy = per_second(all.cpu, seconds * 1e9 * plan.threads as f64);
        let messages = plan.messages.iter().zip(&all.parts).map(|((message, _), part)| Messages {
            kind: message.name().to_owned(),
            sent: part.sent,
            answered: part.answered,
            failed: part.failed,
            unanswered: part.unanswered,
            per_second: per_second(part.measured, measured),
            latency: Latency::of(&part.latency),
        });
        let mut errors: Vec<_> = all.errors.iter().collect();
        errors.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        let errors = errors.into_iter();
        let mut outcome = Outcome {
            schema: SCHEMA.to_owned(),
            started_at: started_at.to_string(),
            interrupted,
            parameters: parameters(plan),
            environment,
            server: self.server,
            seconds,
            generator: Generator {
                busy,
                late_max_us: micros(all.late),
                bytes_sent: all.bytes_sent,
                bytes_received: all.bytes_received,
            },
            connections: Connections {
                wanted: plan.all() as u64,
                dialled: all.dialled,
                opened: all.opened,
                refused: all.refused,
                lost: all.lost,
                resumable: all.resumable,
                seconds: ramp,
                per_second: per_second(all.opened - all.back.len(), ramp),
                upgrade: Latency::of(&all.upgrade),
                session: Latency::of(&all.session),
            },
            messages: messages.collect(),
            unsent: all.unsent,
            events: plan.publishes().then(|| Events {
                expected: all.expected,
                delivered: all.delivered,
                latency: Latency::of(&all.delivery),
            }),
            storm: (all.dropped > 0).then(|| Storm {
                dropped: all.dropped,
                resumed: all.resumed,
                renewed: all.renewed,
                seconds: (all.back.len() == all.dropped).then(|| all.back.max() as f64 / 1e9),
                latency: Latency::of(&all.back),
            }),
            pings: all.pings,
            errors: errors
                .map(|(kind, (count, told))| Failure {
                    kind: kind.clone(),
                    count: *count,
                    told: told.clone(),
                })
                .collect(),
            remarks: Vec::new(),
            timeline,
        };
        outcome.remarks = remarks(&outcome);
        outcome
    }
}

/// What has to be known to read the figures.
fn remarks(outcome: &Outcome) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut remark = |holds: bool, text: String| {
        if holds {
            remarks.push(text);
        }
    };
    let busy = outcome.generator.busy;
    remark(outcome.interrupted, "the run was ended early".to_owned());
    remark(
        busy > BUSY,
        format!(
            "the generator was {:.0} % busy: what is slow may be it; take more threads or machines",
            busy * 100.0
        ),
    );
    let unsent = outcome.unsent;
    remark(
        unsent > 0,
        format!(
            "{unsent} messages were due and never sent, so the true latencies are longer; the rate is more than the gateway or the depth allows"
        ),
    );
    let missing: u64 = outcome.messages.iter().map(|messages| messages.failed + messages.unanswered).sum();
    remark(missing > 0, format!("{missing} messages had no right answer; latencies are of the others"));
    let events = outcome.events.as_ref().map_or(0, |events| events.expected.saturating_sub(events.delivered));
    remark(events > 0, format!("{events} events did not come"));
    remarks
}

fn second(at: u64, tally: &Tally, open: &mut u64) -> Second {
    let latency = tally.foremost();
    *open = (*open + tally.opened).saturating_sub(tally.lost + tally.dropped);
    Second {
        second: at,
        connections: *open,
        opened: tally.opened,
        sent: tally.parts.iter().map(|part| part.sent).sum(),
        answered: tally.parts.iter().map(|part| part.answered).sum(),
        delivered: tally.delivered,
        errors: tally.failures(),
        p50_us: micros(latency.value_at_quantile(0.5)),
        p99_us: micros(latency.value_at_quantile(0.99)),
        max_us: micros(latency.max()),
    }
}

fn parameters(plan: &Plan) -> Parameters {
    Parameters {
        scenario: plan.scenario.name().to_owned(),
        targets: plan.targets.iter().map(|target| target.url().to_owned()).collect(),
        tokens: plan.tokens.len(),
        subprotocol: (!plan.mirror).then(|| handshake::subprotocol(plan.format).to_owned()),
        connections: plan.connections,
        publishers: plan.publishers,
        threads: plan.threads,
        sources: plan.sources.iter().map(ToString::to_string).collect(),
        burst: plan.burst,
        connect_rate: plan.connect_rate,
        rate: plan.rate,
        spin: plan.spin,
        depth: plan.depth,
        messages: plan
            .messages
            .iter()
            .map(|(message, weight)| (message.name().to_owned(), *weight))
            .collect(),
        warm_up_s: plan.warm_up.as_secs_f64(),
        duration_s: plan.duration.as_secs_f64(),
        patience_s: plan.patience.as_secs_f64(),
    }
}
