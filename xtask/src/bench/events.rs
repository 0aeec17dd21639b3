//! Events from one publisher to many subscribers. Each subscriber must get every event, once, in order, and the same
//! octets as all others: the first that gets an event reads it in whole.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};

use super::frames::{self, Head};
use super::socket::Connection;
use super::wire::{Method, Wire};

const NAME: &str = "bench.event";
const FILTER: &str = r#"{"names":["bench.*"]}"#;

/// The events of one gateway, numbered from 0 in the order of publishing.
#[derive(Debug)]
pub(crate) struct Published {
    wire: Wire,
    /// Bytes of padding in each event's data.
    padding: usize,
    /// The offsets that the publisher was told.
    offsets: Vec<u64>,
    /// Where the events after `forgotten` were first received: their payloads.
    received: Vec<Vec<u8>>,
    forgotten: usize,
}

impl Published {
    pub(crate) fn new(wire: Wire, padding: usize) -> Self {
        Self { wire, padding, offsets: Vec::new(), received: Vec::new(), forgotten: 0 }
    }

    /// How many events were published.
    pub(crate) fn count(&self) -> usize {
        self.offsets.len()
    }

    /// Publishes `count` events in one write and waits until all are in the log.
    pub(crate) fn publish(&mut self, publisher: &mut Connection, count: usize) -> Result<()> {
        let numbers = self.count()..self.count() + count;
        publisher.stream.write_all(&self.requests(numbers.clone()))?;
        for number in numbers {
            let result = publisher.receive_answer(self.wire, 1 + number as u64).context("event.publish")?;
            let offset = result["offset"].as_u64().with_context(|| format!("no offset in {result}"))?;
            ensure!(
                self.offsets.last().is_none_or(|last| *last < offset),
                "the event {number} has the offset {offset}, behind {:?}",
                self.offsets.last()
            );
            self.offsets.push(offset);
        }
        Ok(())
    }

    fn requests(&self, numbers: Range<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        for number in numbers {
            let params = format!(r#"{{"name":"{NAME}","data":{}}}"#, self.data(number));
            let request = self.wire.request(1 + number as u64, Method::EventPublish, &params);
            frames::append_masked(&mut out, self.wire.opcode(), &request);
        }
        out
    }

    fn data(&self, number: usize) -> serde_json::Value {
        serde_json::json!({ "n": number, "padding": "x".repeat(self.padding) })
    }

    /// Octets of the last event's frame; it has been received.
    pub(crate) fn frame_len(&self) -> usize {
        let payload = self.received.last().map_or(0, Vec::len);
        payload + if payload < 126 { 2 } else { 4 }
    }

    /// Forgets the payloads of events that every subscriber has.
    pub(crate) fn forget(&mut self) {
        self.forgotten += self.received.len();
        self.received.clear();
    }

    #[inline]
    fn check(&mut self, number: usize, payload: &[u8]) -> Result<()> {
        let index = number.checked_sub(self.forgotten).context("an event that all had already")?;
        if let Some(known) = self.received.get(index) {
            ensure!(
                known == payload,
                "the event {number} came as {:?} and as {:?}",
                String::from_utf8_lossy(known),
                String::from_utf8_lossy(payload)
            );
            return Ok(());
        }
        let event = self.wire.event(payload)?;
        ensure!(event.name == NAME, "an event {:?} that nobody subscribed to", event.name);
        ensure!(event.data == self.data(number), "the event {number} came with the data {}", event.data);
        let offset = self.offsets.get(number).copied();
        ensure!(offset == Some(event.seq), "the event {number} came as {}, not as {offset:?}", event.seq);
        self.received.push(payload.to_vec());
        Ok(())
    }
}

/// A connection that subscribes to all that is published. It never waits in a read: a reader that sleeps in the kernel
/// would be woken on the server's time.
#[derive(Debug)]
pub(crate) struct Subscriber {
    connection: Connection,
    /// The number of the next event.
    next: usize,
    /// The start of a frame whose rest is to come.
    cut: Vec<u8>,
}

impl Subscriber {
    /// Subscribes on each of these connections, before anything is published.
    pub(crate) fn all(connections: Vec<Connection>, wire: Wire) -> Result<Vec<Self>> {
        let mut subscribers = Vec::new();
        for mut connection in connections {
            connection.send_request(wire, 1, Method::EventSubscribe, FILTER)?;
            connection.receive_answer(wire, 1).context("event.subscribe")?;
            connection.stream.socket().set_nonblocking(true)?;
            subscribers.push(Self { connection, next: 0, cut: Vec::new() });
        }
        Ok(subscribers)
    }

    /// How many events came so far.
    pub(crate) fn count(&self) -> usize {
        self.next
    }

    /// The socket, for its options.
    pub(crate) fn socket(&self) -> &std::net::TcpStream {
        self.connection.stream.socket()
    }

    /// Takes the events that are there, through the buffer `space`.
    ///
    /// # Errors
    /// If one is missing, comes twice, or is not what was published.
    pub(crate) fn read(&mut self, published: &mut Published, space: &mut [u8]) -> Result<()> {
        loop {
            let cut = self.cut.len();
            space[..cut].copy_from_slice(&self.cut);
            self.cut.clear();
            let length = match self.connection.stream.read(&mut space[cut..]) {
                Ok(0) => bail!("the server closed the connection after {} events", self.next),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error).context("reading events"),
            };
            let filled = cut + length;
            let mut start = 0;
            while let Some(head) = Head::parse(&space[start..filled])? {
                let Some(payload) = space[..filled].get(start + head.head..start + head.total()) else {
                    break;
                };
                match head.opcode {
                    frames::TEXT | frames::BINARY => {
                        ensure!(head.fin, "an event in fragments");
                        published.check(self.next, payload)?;
                        self.next += 1;
                    }
                    frames::PING => self.connection.pong(payload)?,
                    opcode => bail!("a frame of opcode {opcode}: {:?}", String::from_utf8_lossy(payload)),
                }
                start += head.total();
            }
            self.cut.extend_from_slice(&space[start..filled]);
            if filled < space.len() {
                return Ok(());
            }
            ensure!(start > 0, "an event of more than {} bytes", space.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: usize, seq: u64) -> String {
        format!(
            r#"{{"type":2,"method":"event","params":{{"name":"{NAME}","data":{{"n":{n},"padding":"xx"}}}},"seq":{seq}}}"#
        )
    }

    #[test]
    fn an_event_that_is_missing_or_comes_twice_or_differs_is_an_error() {
        let mut published = Published::new(Wire::Json, 2);
        published.offsets = vec![4, 5];
        published.check(0, event(0, 4).as_bytes()).expect("the first event");
        published.check(0, event(0, 4).as_bytes()).expect("the same at another subscriber");
        for (number, payload) in [(0, event(0, 5)), (1, event(0, 4)), (1, event(1, 4)), (2, event(2, 6))] {
            published.check(number, payload.as_bytes()).expect_err(&payload);
        }
        published.check(1, event(1, 5).as_bytes()).expect("the second event");
        published.forget();
        published.check(1, event(1, 5).as_bytes()).expect_err("all have it already");
    }
}
