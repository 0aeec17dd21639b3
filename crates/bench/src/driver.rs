//! One thread of the load: it polls its sockets and a timer, and goes through the phases of the run. It knows no other thread
//! but by what all see.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::mpsc::Sender;
use std::time::Duration;

use mio::event::Event;
use mio::{Events as Polled, Poll, Token};
use rustix::time::{ClockId, clock_gettime};

use crate::clock::{Clock, SECOND};
use crate::connection::{Connection, State};
use crate::control::Control;
use crate::dial::Dials;
use crate::pace::Pace;
use crate::part::{Events, Part};
use crate::pending::Pending;
use crate::tally::Tally;
use crate::timer::Timer;
use crate::{Error, Plan, Scenario, frame};

const TIMER: Token = Token(usize::MAX);
/// So often a thread looks what the others do, at least.
const LOOK: u64 = SECOND / 50;
/// So long connections may take to be closed in order.
const CLOSE_WAIT: u64 = SECOND;
/// The longest that a look takes which finds nothing; in what is over another program had the CPU.
const GLANCE: u64 = 10_000;
/// Space for what is read at once; more for longer messages, up to [`MOST`].
const SPACE: usize = 256 << 10;
const MOST: usize = 64 << 20;

/// What a thread tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// What it counted in a second of the run's time.
    Second(usize, u64, Box<Tally>),
    /// All its connections were dialled. How many of them listen, by tenant; and the server's name.
    Dialled(Vec<(String, u64)>, Option<String>),
    /// It has ended, and has measured for so many nanoseconds; nothing that was to be measured was if there is an error.
    Ended(usize, u64, Result<(), Error>),
}

/// How far a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Dialling,
    /// For the other threads.
    Waiting,
    /// Until then.
    Running(u64),
    /// For answers, until then at the latest.
    Draining(u64),
    Closing(u64),
}

/// One thread.
pub(crate) struct Driver<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) control: &'a Control,
    pub(crate) clock: Clock,
    pub(crate) poll: Poll,
    pub(crate) connections: Vec<Connection>,
    /// How many are open.
    pub(crate) open: usize,
    pub(crate) dials: Dials,
    pub(crate) parts: Vec<Part>,
    /// Parts in the order in which they are sent, again and again.
    pub(crate) order: Vec<u16>,
    pub(crate) turn: usize,
    pub(crate) pending: Pending,
    pub(crate) pace: Option<Pace>,
    /// Connections that can take a message.
    pub(crate) ready: VecDeque<u32>,
    pub(crate) dirty: Vec<u32>,
    pub(crate) events: Option<Events>,
    pub(crate) events_name: &'a str,
    pub(crate) tally: Tally,
    /// Between these times it is measured.
    pub(crate) window: (u64, u64),
    /// When all connections were dropped.
    pub(crate) dropped: Option<u64>,
    pub(crate) server: Option<String>,
    /// The first connection came to nothing: where, and why.
    pub(crate) failure: Option<(String, String)>,
    thread: usize,
    phase: Phase,
    timer: Timer,
    inbox: Vec<u8>,
    sink: Sender<Told>,
    second: u64,
    /// CPU time of this thread when the window began.
    cpu: Option<u64>,
    /// How long it has looked since and found nothing to do.
    idle: u64,
}

impl<'a> Driver<'a> {
    /// A thread of this number.
    ///
    /// # Errors
    /// [`Error::System`]: there are no descriptors left.
    pub(crate) fn new(
        plan: &'a Plan,
        control: &'a Control,
        clock: Clock,
        thread: usize,
        events_name: &'a str,
        sink: Sender<Told>,
    ) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::system("a poll"))?;
        let timer = Timer::new(poll.registry(), TIMER).map_err(Error::system("a timer"))?;
        let connections: Vec<_> = plan
            .share(thread)
            .map(|number| {
                let (sends, listens) = plan.roles(number);
                Connection { number, sends, listens, ..Connection::default() }
            })
            .collect();
        let messages = plan.messages.iter().map(|(message, _)| message);
        let parts: Vec<_> =
            messages.map(|message| Part::new(message, plan.format, plan.mirror, events_name)).collect();
        let pace = plan.connect_rate.map(|rate| {
            let threads = plan.threads as f64;
            Pace::new(rate / threads, thread as f64 / threads, clock.now(), u64::MAX)
        });
        Ok(Self {
            plan,
            control,
            clock,
            poll,
            dials: Dials::new(connections.len(), plan.burst.div_ceil(plan.threads), pace),
            open: 0,
            order: order(plan),
            turn: 0,
            pending: Pending::default(),
            pace: None,
            ready: VecDeque::new(),
            dirty: Vec::new(),
            events: plan.publishes().then(|| Events::new(plan.format, events_name)),
            events_name,
            tally: Tally::new(parts.len()),
            window: (u64::MAX, u64::MAX),
            dropped: None,
            server: None,
            failure: None,
            thread,
            phase: Phase::Dialling,
            timer,
            inbox: vec![0; SPACE],
            sink,
            second: 0,
            cpu: None,
            idle: 0,
            connections,
            parts,
        })
    }

    /// Does all that the thread is to do, and tells how it ended.
    pub(crate) fn run(mut self) {
        if self.plan.scenario == Scenario::Connect {
            self.cpu = Some(cpu());
        }
        let ended = self.go();
        self.tell(u64::MAX);
        // Whoever listened may have ended already.
        let _ = self.sink.send(Told::Ended(self.thread, self.window.1.saturating_sub(self.window.0), ended));
    }

    fn go(&mut self) -> Result<(), Error> {
        let mut polled = Polled::with_capacity(1024);
        loop {
            let now = self.clock.now();
            if now / SECOND > self.second {
                self.tell(now / SECOND);
            }
            if self.advance(now) {
                return Ok(());
            }
            if let Some((url, reason)) = self.failure.take() {
                self.control.stop.now();
                return Err(Error::Target { url, reason });
            }
            self.flush();
            let spins = self.plan.spin && matches!(self.phase, Phase::Running(_) | Phase::Draining(_));
            if !spins {
                self.timer.arm(now, self.deadline(now)).map_err(Error::system("a timer"))?;
            }
            let looked = if spins { self.clock.now() } else { now };
            match self.poll.poll(&mut polled, spins.then_some(Duration::ZERO)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(Error::System { what: "a poll", error });
                }
                _ => {}
            }
            for event in &polled {
                if event.token() != TIMER {
                    self.wake(event);
                }
            }
            if spins && polled.is_empty() {
                // Whoever shares the CPU has its turn.
                std::thread::yield_now();
                if self.cpu.is_some() {
                    self.idle += (self.clock.now() - looked).min(GLANCE);
                }
            }
        }
    }

    /// When something is to be done, besides what sockets tell.
    fn deadline(&self, now: u64) -> u64 {
        // At round times, so that the timer is not set anew for each poll.
        let mut next = (now / LOOK + 1) * LOOK;
        if let Some(at) = self.dials.next() {
            next = next.min(at);
        }
        if !self.ready.is_empty()
            && let Some(at) = self.pace.as_ref().and_then(Pace::wake)
        {
            next = next.min(at);
        }
        if self.phase == Phase::Waiting {
            next = next.min(self.control.begin().unwrap_or(u64::MAX));
        }
        if let Phase::Running(until) | Phase::Draining(until) | Phase::Closing(until) = self.phase {
            next = next.min(until);
        }
        next.max(now + 1)
    }

    /// Does what the time has come for. Returns whether nothing is left.
    fn advance(&mut self, now: u64) -> bool {
        let stopped = self.control.stop.is_wanted();
        match self.phase {
            Phase::Dialling => {
                self.dial(now);
                if stopped {
                    self.dials.give_up();
                    self.close(now);
                } else if self.dials.is_done() {
                    self.phase = Phase::Waiting;
                    let listeners = self.connections.iter().filter(|connection| connection.listens);
                    let open = listeners.filter(|connection| connection.state == State::Open);
                    let tenants = open.map(|connection| (connection.tenant.clone(), 1)).collect();
                    let _ = self.sink.send(Told::Dialled(tenants, self.server.clone()));
                }
            }
            Phase::Waiting => {
                if stopped {
                    self.close(now);
                } else if let Some(begin) = self.control.begin().filter(|begin| *begin <= now) {
                    self.begin(begin, now);
                }
            }
            Phase::Running(until) => {
                if now >= self.window.0 && self.cpu.is_none() {
                    self.cpu = Some(cpu());
                }
                self.dial(now);
                let is_back = self.dropped.is_some() && self.dials.is_done();
                let is_alone = self.dials.is_done() && self.open == 0;
                if stopped || is_back || now >= until || is_alone {
                    self.drain(now, stopped);
                } else {
                    self.send(now);
                }
            }
            Phase::Draining(until) => {
                self.send(now);
                let waits = self.pending.len() > 0 || self.overdue(now) > 0;
                let events = self.events.is_some() && !self.control.all_delivered();
                if now >= until || !(waits || events) {
                    self.give_up(now);
                    self.close(now);
                }
            }
            Phase::Closing(until) => {
                return now >= until || self.open == 0;
            }
        }
        false
    }

    fn begin(&mut self, begin: u64, now: u64) {
        let warm = begin + self.plan.warm_up.as_nanos() as u64;
        let end = warm + self.plan.duration.as_nanos() as u64;
        self.window = (warm, end);
        self.phase = Phase::Running(end);
        if self.plan.scenario == Scenario::Storm {
            self.drop_all(now);
        }
        let mine = self.connections.iter().filter(|connection| connection.sends).count();
        if let Some(rate) = self.plan.rate.filter(|_| mine > 0) {
            let share = rate * mine as f64 / self.plan.senders() as f64;
            let phase = self.thread as f64 / self.plan.threads as f64;
            self.pace = Some(Pace::new(share, phase, begin, end));
        }
        self.send(now);
    }

    /// All connections are gone at once; all are dialled again.
    fn drop_all(&mut self, now: u64) {
        self.dropped = Some(now);
        self.open = 0;
        let mut indexes = Vec::new();
        for (index, connection) in (0..).zip(&mut self.connections) {
            if let Some(stream) = connection.stream.take() {
                stream.reset();
                connection.state = State::Closed;
                indexes.push(index);
            }
        }
        self.tally.dropped += indexes.len() as u64;
        self.dials.again(indexes.into_iter());
    }

    /// The time is over: what was due is still sent, and answers are awaited.
    fn drain(&mut self, now: u64, stopped: bool) {
        if let Some(from) = self.cpu {
            self.tally.cpu += (cpu() - from).saturating_sub(self.idle);
        }
        self.window.1 = self.window.1.min(now);
        if let Some(pace) = &mut self.pace {
            pace.cut(now);
        } else {
            self.ready.clear();
        }
        self.dials.give_up();
        self.control.published();
        let patience = self.plan.patience.as_nanos() as u64;
        self.phase = Phase::Draining(now + if stopped { patience.min(CLOSE_WAIT) } else { patience });
    }

    /// What is not there by now is missing.
    fn give_up(&mut self, now: u64) {
        self.tally.unsent += self.overdue(now);
        for request in self.pending.requests() {
            self.tally.parts[usize::from(request.part)].unanswered += 1;
        }
    }

    /// Says good-bye on each connection.
    fn close(&mut self, now: u64) {
        for connection in &mut self.connections {
            if connection.state != State::Open {
                connection.stream = None;
            }
            if connection.stream.is_some() {
                frame::append(&mut connection.unsent, frame::CLOSE, &1000u16.to_be_bytes());
                // What goes wrong now is no part of what was measured.
                let _ = connection.flush();
            }
            connection.state = State::Closed;
        }
        self.phase = Phase::Closing(now + CLOSE_WAIT);
    }

    /// Whether connections are closed by this side, so that it is no loss when they end.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing(_))
    }

    /// Whether answers are followed by further requests.
    pub(crate) fn is_closed_loop(&self, now: u64) -> bool {
        self.pace.is_none() && matches!(self.phase, Phase::Running(_)) && now < self.window.1
    }

    fn wake(&mut self, event: &Event) {
        let index = event.token().0 as u32;
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if event.is_writable() && !connection.unsent.is_empty() {
            self.mark(index);
            self.flush();
        }
        // An error of the connect is told by a read too.
        if event.is_readable() || event.is_error() || event.is_read_closed() {
            let mut inbox = std::mem::take(&mut self.inbox);
            self.read(index, &mut inbox);
            self.inbox = inbox;
        }
    }

    /// More space for a message that is longer than what there is; whether there may be.
    pub(crate) fn widen(inbox: &mut Vec<u8>) -> bool {
        let wider = inbox.len() * 2;
        if wider <= MOST {
            inbox.resize(wider, 0);
        }
        wider <= MOST
    }

    fn tell(&mut self, second: u64) {
        let tally = std::mem::replace(&mut self.tally, Tally::new(self.parts.len()));
        // Whoever listened may have ended already.
        let _ = self.sink.send(Told::Second(self.thread, self.second, Box::new(tally)));
        self.second = second;
    }
}

/// The parts by their weights, spread evenly.
fn order(plan: &Plan) -> Vec<u16> {
    let total: u32 = plan.messages.iter().map(|(_, weight)| u32::from(*weight)).sum();
    let mut credit = vec![0i64; plan.messages.len()];
    (0..total)
        .filter_map(|_| {
            for (credit, (_, weight)) in credit.iter_mut().zip(&plan.messages) {
                *credit += i64::from(*weight);
            }
            let (part, most) = credit.iter_mut().enumerate().rev().max_by_key(|(_, credit)| **credit)?;
            *most -= i64::from(total);
            u16::try_from(part).ok()
        })
        .collect()
}

/// CPU time of this thread in nanoseconds.
fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}
