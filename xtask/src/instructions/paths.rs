//! The hot paths: what a client does, as often as it is told, with nothing left to chance. One connection, batches of one size,
//! and the next only when all of the last is answered.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::subject::Gateway;
use crate::bench::events::{Published, Subscriber};
use crate::bench::frames;
use crate::bench::socket::{Connection, Endpoint};
use crate::bench::wire::{Method, Wire};

/// How long an event may take to all subscribers.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of padding in each event's data.
const PADDING: usize = 32;

/// Something that is done `count` times.
pub(crate) trait Path {
    fn walk(&mut self, count: usize) -> Result<()>;
}

/// A hot path, and how it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// How often it is done in the shorter of two laps.
    pub(crate) count: usize,
    /// For how many each time counts: an event that is published counts for every delivery.
    pub(crate) weight: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Echo(Wire, usize),
    Call(Wire, usize),
    Event(Wire, usize),
    Upgrade,
}

/// How many events reach how many subscribers.
const SUBSCRIBERS: usize = 32;

/// All that is counted of the gateway, in the order in which it is shown.
pub(crate) const PATHS: [Spec; 7] = [
    Spec::new("echo, JSON, 64 at once", 4_096, Kind::Echo(Wire::Json, 64)),
    Spec::new("echo, binary, 64 at once", 4_096, Kind::Echo(Wire::Binary, 64)),
    Spec::new("call of a tool, JSON, 64 at once", 2_048, Kind::Call(Wire::Json, 64)),
    Spec::new("call of a tool, binary, 64 at once", 2_048, Kind::Call(Wire::Binary, 64)),
    Spec::new("event to each of 32 subscribers, JSON", 64, Kind::Event(Wire::Json, SUBSCRIBERS)),
    Spec::new("event to each of 32 subscribers, binary", 64, Kind::Event(Wire::Binary, SUBSCRIBERS)),
    Spec::new("upgrade, session and end of a connection", 128, Kind::Upgrade),
];

impl Spec {
    const fn new(name: &'static str, count: usize, kind: Kind) -> Self {
        let weight = match kind {
            Kind::Event(_, subscribers) => subscribers,
            Kind::Echo(..) | Kind::Call(..) | Kind::Upgrade => 1,
        };
        Self { name, count, weight, kind }
    }

    /// The path to this gateway, ready to be walked.
    pub(crate) fn open(&self, gateway: &Gateway) -> Result<Box<dyn Path>> {
        Ok(match self.kind {
            Kind::Echo(wire, batch) => Box::new(Asker::open(gateway, wire, batch, Request::Echo)?),
            Kind::Call(wire, batch) => Box::new(Asker::open(gateway, wire, batch, Request::Call)?),
            Kind::Event(wire, subscribers) => Box::new(Events::open(gateway, wire, subscribers)?),
            Kind::Upgrade => Box::new(Visits(gateway.endpoint(Wire::Json)?)),
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Request {
    Echo,
    Call,
}

/// Requests on one connection, so many in one write.
struct Asker {
    connection: Connection,
    wire: Wire,
    batch: usize,
    request: Request,
    next_id: u64,
}

impl Asker {
    fn open(gateway: &Gateway, wire: Wire, batch: usize, request: Request) -> Result<Self> {
        let connection = Connection::open(&gateway.endpoint(wire)?)?;
        // Ids of one length, and none twice.
        Ok(Self { connection, wire, batch, request, next_id: 1_000_000 })
    }
}

impl Path for Asker {
    fn walk(&mut self, count: usize) -> Result<()> {
        ensure!(count.is_multiple_of(self.batch), "{count} is no multiple of {}", self.batch);
        for _ in 0..count / self.batch {
            let ids = self.next_id..self.next_id + self.batch as u64;
            self.next_id = ids.end;
            let mut out = Vec::new();
            for id in ids.clone() {
                let message = match self.request {
                    Request::Echo => self.wire.request(id, Method::Echo, &value(id)),
                    Request::Call => {
                        let params = format!(r#"{{"tool":"echo","args":{}}}"#, value(id));
                        self.wire.request(id, Method::ToolExecute, &params)
                    }
                };
                frames::append_masked(&mut out, self.wire.opcode(), &message);
            }
            self.connection.stream.write_all(&out)?;
            for id in ids {
                let result = self.connection.receive_answer(self.wire, id)?;
                ensure!(result["n"] == id, "the answer to {id} is {result}");
            }
        }
        Ok(())
    }
}

fn value(id: u64) -> String {
    format!(r#"{{"n":{id}}}"#)
}

/// One publisher, and subscribers that each get every event.
struct Events {
    publisher: Connection,
    subscribers: Vec<Subscriber>,
    published: Published,
    space: Vec<u8>,
}

impl Events {
    fn open(gateway: &Gateway, wire: Wire, subscribers: usize) -> Result<Self> {
        let endpoint = gateway.endpoint(wire)?;
        let open = || Connection::open(&endpoint);
        Ok(Self {
            publisher: open()?,
            subscribers: Subscriber::all((0..subscribers).map(|_| open()).collect::<Result<_>>()?, wire)?,
            published: Published::new(wire, PADDING),
            space: vec![0; 64 * 1024],
        })
    }
}

impl Path for Events {
    fn walk(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.published.publish(&mut self.publisher, 1)?;
            let (all, until) = (self.published.count(), Instant::now() + PATIENCE);
            for subscriber in &mut self.subscribers {
                loop {
                    subscriber.read(&mut self.published, &mut self.space)?;
                    if subscriber.count() == all {
                        break;
                    }
                    ensure!(Instant::now() < until, "a subscriber lacks an event after {PATIENCE:?}");
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            self.published.forget();
        }
        Ok(())
    }
}

/// Clients that come, open a session, and go.
struct Visits(Endpoint);

impl Path for Visits {
    fn walk(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            Connection::open(&self.0).context("a client that comes and goes")?;
        }
        Ok(())
    }
}
