//! A siege: clients that never end their handshake and clients that never end a frame, held at their number by coming again
//! whenever they are cut, while honest ones come and go.

use crate::{Draft, Endpoints, Request, Usage, until_within};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Addresses of this machine that attackers come from: ports are scarce for one.
const SOURCES: usize = 16;
/// How often each attacker is looked after, and which of these turns it sends a byte in.
const TURN: Duration = Duration::from_millis(100);
const TURNS: usize = 10;
/// How long an honest client waits before it comes again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the gateway may take to forget all of them.
const AFTER: Duration = Duration::from_secs(60);
/// How long it may take to give their memory back, and what it may keep of it: tables that have grown.
const RETURN: Duration = Duration::from_secs(30);
const KEPT: usize = 4 * 1024 * 1024;

/// How hard the gateway is pressed.
#[derive(Clone, Copy, Debug)]
pub struct Siege {
    /// Clients of each kind.
    pub each: usize,
    /// For how long, once all are there.
    pub hold: Duration,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Figures {
    /// How long each honest client took from its connect to its echo while all were there, the shortest first.
    pub honest: Vec<Duration>,
    /// How many descriptors the gateway had open, at least, while all were there.
    pub held: usize,
    /// How often an attacker was cut and came again.
    pub returns: usize,
    /// Resident memory in bytes before, while all were there, and after.
    pub memory: [usize; 3],
    /// Of the gateway's CPU time, how much it used while all were there, as a share of one core.
    pub load: f64,
}

impl Figures {
    /// Whether memory went back to where it was.
    pub fn is_forgotten(&self) -> bool {
        let [before, _, after] = self.memory;
        after <= before + KEPT
    }

    /// Half of the honest clients took less.
    ///
    /// # Panics
    /// There was none.
    pub fn median(&self) -> Duration {
        self.honest[self.honest.len() / 2]
    }
}

/// What all that press have in common.
struct Shared {
    /// Attackers that are there for the first time.
    there: AtomicUsize,
    returns: AtomicUsize,
    over: AtomicBool,
}

impl Siege {
    /// Presses the gateway whose process uses this.
    ///
    /// # Panics
    /// An honest client is not served, or the gateway keeps descriptors that it had for the others.
    pub fn lay(self, gateway: &Endpoints, usage: Usage) -> Figures {
        for _ in 0..50 {
            honest(gateway);
        }
        gateway.await_no_connections();
        let (memory, descriptors) = (usage.memory(), usage.descriptors());
        let shared =
            Shared { there: AtomicUsize::new(0), returns: AtomicUsize::new(0), over: AtomicBool::new(false) };
        let mut figures = thread::scope(|scope| {
            for open in [slow as fn(&Endpoints, usize) -> Attacker, half] {
                let shared = &shared;
                scope.spawn(move || press(self.each, gateway, shared, open));
            }
            let figures = self.watch(gateway, usage, &shared);
            shared.over.store(true, Relaxed);
            figures
        });
        until_within(AFTER, "the end of all attackers", || {
            (usage.descriptors() <= descriptors + 2).then_some(())
        });
        gateway.await_no_connections();
        honest(gateway);
        let end = Instant::now();
        while usage.memory() > memory + KEPT && end.elapsed() < RETURN {
            thread::sleep(PAUSE);
        }
        figures.memory = [memory, figures.memory[1], usage.memory()];
        figures
    }

    fn watch(self, gateway: &Endpoints, usage: Usage, shared: &Shared) -> Figures {
        until_within(AFTER, "all attackers", || (shared.there.load(Relaxed) >= 2 * self.each).then_some(()));
        let (start, cpu, before) = (Instant::now(), usage.cpu_ms(), shared.returns.load(Relaxed));
        let (mut times, mut held, mut memory) = (Vec::new(), usize::MAX, 0);
        while start.elapsed() < self.hold {
            times.push(honest(gateway));
            held = held.min(usage.descriptors());
            memory = memory.max(usage.memory());
            thread::sleep(PAUSE);
        }
        times.sort_unstable();
        let load = (usage.cpu_ms() - cpu) as f64 / start.elapsed().as_millis() as f64;
        let returns = shared.returns.load(Relaxed) - before;
        Figures { honest: times, held, returns, memory: [0, memory, 0], load }
    }
}

/// Connects, is let in, and hears its echo; how long that took.
fn honest(gateway: &Endpoints) -> Duration {
    let request = gateway.upgrade();
    let start = Instant::now();
    gateway.accepted(&request).check_alive();
    start.elapsed()
}

/// A connection that is never done.
struct Attacker {
    stream: TcpStream,
    /// What it sends, byte by byte.
    rest: std::vec::IntoIter<u8>,
}

impl Attacker {
    fn connect(gateway: &Endpoints, at: usize) -> TcpStream {
        let own = SocketAddr::from(([127, 0, 1, (at % SOURCES) as u8 + 1], 0));
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("the system gives a socket: raise `ulimit -n`");
        socket.bind(&own.into()).expect("the address is the machine's");
        socket.connect(&gateway.clients.into()).expect("the gateway listens");
        socket.into()
    }

    fn new(stream: TcpStream, rest: Vec<u8>) -> Self {
        stream.set_nonblocking(true).expect("an open socket takes options");
        Self { stream, rest: rest.into_iter() }
    }

    /// Its turn, perhaps to send a byte; false: it was cut.
    fn goes_on(&mut self, sends: bool) -> bool {
        let is_open = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
        match self.stream.read(&mut [0; 256]) {
            Err(error) if is_open(&error) => {}
            // Whatever it is told, it is that it may go.
            _ => return false,
        }
        if !sends {
            return true;
        }
        let Some(byte) = self.rest.next() else { return true };
        match self.stream.write_all(&[byte]) {
            Ok(()) => true,
            Err(error) => is_open(&error),
        }
    }
}

/// The head of an upgrade, a byte a second.
fn slow(gateway: &Endpoints, at: usize) -> Attacker {
    let request = Request::upgrade(gateway.clients).with("X-Padding", &"x".repeat(1_000));
    let mut stream = Attacker::connect(gateway, at);
    let head = request.bytes();
    let _ = stream.write_all(&head[..20]);
    Attacker::new(stream, head[20..].to_vec())
}

/// An upgrade, and the first half of a frame.
fn half(gateway: &Endpoints, at: usize) -> Attacker {
    let mut stream = Attacker::connect(gateway, at);
    let frame = Draft::text(&"x".repeat(1_000)).bytes();
    let _ = stream.write_all(&[&gateway.upgrade().bytes(), &frame[..500]].concat());
    // Until the whole head is there; whoever is cut before that comes again.
    stream.set_read_timeout(Some(AFTER)).expect("an open socket takes options");
    let mut head = Vec::new();
    let mut chunk = [0; 512];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => head.extend_from_slice(&chunk[..read]),
            _ => break,
        }
    }
    Attacker::new(stream, Vec::new())
}

/// Holds so many attackers of a kind at the gateway until it is over.
fn press(count: usize, gateway: &Endpoints, shared: &Shared, open: fn(&Endpoints, usize) -> Attacker) {
    let mut attackers = Vec::with_capacity(count);
    let (mut turn, mut turns) = (Instant::now(), 0);
    while !shared.over.load(Relaxed) {
        // Those that are there go on while the others come.
        for at in attackers.len()..count.min(attackers.len() + 200) {
            attackers.push(open(gateway, at));
            shared.there.fetch_add(1, Relaxed);
        }
        if turn.elapsed() >= TURN {
            (turn, turns) = (Instant::now(), turns + 1);
            for (at, attacker) in attackers.iter_mut().enumerate() {
                if !attacker.goes_on((turns + at) % TURNS == 0) {
                    *attacker = open(gateway, at);
                    shared.returns.fetch_add(1, Relaxed);
                }
            }
        } else if attackers.len() == count {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
