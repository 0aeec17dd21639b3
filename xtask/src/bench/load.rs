//! The load: connections that keep a number of requests in flight, on one thread. Every answer is compared with
//! the one that was read in whole the first time; what costs time is prepared before, so that the server is the slower one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::frames::{self, Head};
use super::secure::{self, Signer};
use super::socket::{Connection, Endpoint};
use super::wire::{Method, Wire};
use crate::server::Process;

/// How many connections, and how many requests each keeps in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Responder {
    /// Sends every payload back as it came.
    Mirror,
    /// Answers the method `echo`.
    Gateway,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) messages_per_second: f64,
    pub(crate) cpu_nanos_per_message: f64,
    /// CPU of the server, as a part of one core.
    pub(crate) busy: f64,
}

/// Puts the load on a server and measures for `window`, after `warm_up`.
///
/// # Errors
/// If an answer is missing, wrong, out of order or different from the one before.
pub(crate) fn measure(
    server: &Process,
    endpoint: &Endpoint,
    (responder, wire): (Responder, Wire),
    shape: Shape,
    (warm_up, window): (Duration, Duration),
) -> Result<Sample> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let answered = Rc::new(Cell::new(0));
        let stop = Rc::new(Cell::new(false));
        let mut driven = JoinSet::new();
        let drive = |signer| Drive {
            slots: Slots::new(responder, wire, shape.in_flight, signer),
            answered: Rc::clone(&answered),
            stop: Rc::clone(&stop),
        };
        match endpoint.security() {
            None => {
                let open = || Connection::open(endpoint)?.stream.into_socket();
                for stream in (0..shape.connections).map(|_| open()).collect::<Result<Vec<_>>>()? {
                    stream.set_nonblocking(true)?;
                    driven.spawn_local(drive(None).run(TcpStream::from_std(stream)?));
                }
            }
            Some(security) => {
                let mut opened = Vec::new();
                for _ in 0..shape.connections {
                    opened.push(secure::open(endpoint, security, wire).await?);
                }
                for (stream, signer) in opened {
                    driven.spawn_local(drive(signer).run(stream));
                }
            }
        }
        tokio::time::sleep(warm_up).await;
        let (messages, cpu, started) = (answered.get(), server.cpu_nanos()?, Instant::now());
        tokio::time::sleep(window).await;
        let (messages, cpu) = (answered.get() - messages, server.cpu_nanos()? - cpu);
        let elapsed = started.elapsed();
        stop.set(true);
        let drained = async {
            while let Some(ended) = driven.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(10), drained)
            .await
            .context("answers are missing after 10 s")??;
        ensure!(messages > 0, "nothing was answered");
        Ok(Sample {
            messages_per_second: messages as f64 / elapsed.as_secs_f64(),
            cpu_nanos_per_message: cpu as f64 / messages as f64,
            busy: cpu as f64 / elapsed.as_nanos() as f64,
        })
    })
}

/// The requests of one connection, encoded once, and the answers that were seen to be right.
struct Slots {
    responder: Responder,
    wire: Wire,
    frames: Vec<u8>,
    /// Every frame has this length.
    frame: usize,
    requests: Vec<(u64, Value, Vec<u8>)>,
    answers: Vec<Vec<u8>>,
    /// Signs each request when it is sent.
    signer: Option<Signer>,
    /// Frames that were signed just now.
    fresh: Vec<u8>,
    /// The nonce that each slot was sent with last, if it is the sequence id too.
    sequence_ids: Vec<u64>,
}

impl Slots {
    fn new(responder: Responder, wire: Wire, in_flight: usize, signer: Option<Signer>) -> Self {
        let mut frames = Vec::new();
        let mut requests = Vec::new();
        // Ids of three digits: frames of one length, 54 bytes of payload or one less.
        for id in (100..).take(in_flight) {
            let params = match wire {
                Wire::Json => format!(r#"{{"n":{id}}}"#),
                Wire::Binary => format!(r#"{{"n":{id},"text":"0123456789"}}"#),
            };
            let payload = wire.request(id, Method::Echo, &params);
            frames::append_masked(&mut frames, wire.opcode(), &payload);
            requests.push((id, serde_json::from_str(&params).expect("params are JSON"), payload));
        }
        let frame = frames.len() / in_flight;
        let (answers, sequence_ids) = (vec![Vec::new(); in_flight], vec![0; in_flight]);
        Self { responder, wire, frames, frame, requests, answers, signer, fresh: Vec::new(), sequence_ids }
    }

    fn len(&self) -> usize {
        self.requests.len()
    }

    /// The frames of `count` slots from `first` on, up to the last slot, and how many they are.
    fn frames(&mut self, first: usize, count: usize) -> (&[u8], usize) {
        let until = self.len().min(first + count);
        let Some(signer) = &mut self.signer else {
            return (&self.frames[first * self.frame..until * self.frame], until - first);
        };
        self.fresh.clear();
        for slot in first..until {
            let (signed, nonce) = signer.sign(&self.requests[slot].2);
            self.sequence_ids[slot] = nonce;
            frames::append_masked(&mut self.fresh, self.wire.opcode(), &signed);
        }
        (&self.fresh, until - first)
    }

    /// Puts the id of the slot into an answer whose sequence id was a nonce, so that it is like the one before.
    fn renumber(&self, slot: usize, payload: &mut [u8]) -> Result<()> {
        if self.signer.is_none() || self.wire == Wire::Json {
            return Ok(());
        }
        let sequence_id = payload.get_mut(8..16).context("an answer without a header")?;
        ensure!(sequence_id == self.sequence_ids[slot].to_be_bytes(), "the answer to another request");
        sequence_id.copy_from_slice(&self.requests[slot].0.to_be_bytes());
        Ok(())
    }

    /// Checks the answer to a slot: in whole the first time, octet by octet from then on.
    #[inline]
    fn check(&mut self, slot: usize, payload: &[u8]) -> Result<()> {
        if self.answers[slot] == payload {
            return Ok(());
        }
        ensure!(
            self.answers[slot].is_empty(),
            "one request had two answers: {:?} and {:?}",
            String::from_utf8_lossy(&self.answers[slot]),
            String::from_utf8_lossy(payload)
        );
        let (id, params, request) = &self.requests[slot];
        match self.responder {
            Responder::Mirror => ensure!(request == payload, "the echo differs from what was sent"),
            Responder::Gateway => {
                let answer = self.wire.answer(payload)?.context("a notification instead of an answer")?;
                ensure!(answer.id == *id, "the answer to {} instead of {id}", answer.id);
                ensure!(answer.result == *params, "echo of {params} is {}", answer.result);
            }
        }
        payload.clone_into(&mut self.answers[slot]);
        Ok(())
    }
}

/// One connection.
struct Drive {
    slots: Slots,
    answered: Rc<Cell<u64>>,
    stop: Rc<Cell<bool>>,
}

impl Drive {
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(mut self, mut stream: S) -> Result<()> {
        let in_flight = self.slots.len();
        let mut inbox = vec![0; 128 * 1024];
        let (mut sent, mut received, mut filled) = (0, 0, 0);
        loop {
            while !self.stop.get() && sent - received < in_flight {
                let (frames, count) = self.slots.frames(sent % in_flight, in_flight - (sent - received));
                stream.write_all(frames).await?;
                sent += count;
            }
            stream.flush().await?;
            if sent == received {
                return Ok(());
            }
            let length = stream.read(&mut inbox[filled..]).await?;
            ensure!(length > 0, "the server closed the connection with {} requests open", sent - received);
            filled += length;
            let mut start = 0;
            let before = received;
            while let Some(head) = Head::parse(&inbox[start..filled])? {
                let Some(payload) = inbox[..filled].get_mut(start + head.head..start + head.total()) else {
                    break;
                };
                match head.opcode {
                    frames::TEXT | frames::BINARY => {
                        ensure!(head.fin && received < sent, "a fragment, or an answer to nothing");
                        self.slots.renumber(received % in_flight, payload)?;
                        self.slots.check(received % in_flight, payload)?;
                        received += 1;
                    }
                    frames::PING => {
                        let mut pong = Vec::new();
                        frames::append_masked(&mut pong, frames::PONG, payload);
                        stream.write_all(&pong).await?;
                    }
                    opcode => bail!("a frame of opcode {opcode}: {:?}", String::from_utf8_lossy(payload)),
                }
                start += head.total();
            }
            inbox.copy_within(start..filled, 0);
            filled -= start;
            ensure!(filled < inbox.len(), "an answer of more than 128 KiB");
            self.answered.set(self.answered.get() + (received - before) as u64);
        }
    }
}
