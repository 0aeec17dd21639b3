//! What each thing costs a Redis and the pods on it, counted. Small: a minute for each number of pods.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::fleet::{Fleet, Used};
use crate::bench::events::{Published, Subscriber};
use crate::bench::frames;
use crate::bench::socket::{Connection, Endpoint};
use crate::bench::wire::{Method, Wire};

const WIRE: Wire = Wire::Json;
/// Sessions at each pod.
const SESSIONS: usize = 200;
/// Connections at each pod that call, how many calls each sends at once, and how often.
const CALLS: (usize, usize, usize) = (4, 16, 40);
/// Events that are published, ten at a time.
const EVENTS: (usize, usize) = (40, 10);
/// How long nothing is done.
const IDLE: Duration = Duration::from_secs(5);
/// How long what is done needs to be done with.
const SETTLE: Duration = Duration::from_millis(500);

/// What one thing costs, at this number of pods.
pub(super) fn run(programs: &Path, pods: usize, folder: &Path) -> Result<Value> {
    let fleet = Fleet::start(programs, pods, folder)?;
    std::thread::sleep(SETTLE);
    let idle = costs(&fleet, None, || {
        std::thread::sleep(IDLE);
        Ok(IDLE.as_secs_f64() * pods as f64)
    })?;

    let endpoints = fleet.endpoints();
    let mut sessions = Vec::new();
    let bytes = fleet.redis_bytes()?;
    let opened = costs(&fleet, Some(&idle), || {
        for endpoint in &endpoints {
            for _ in 0..SESSIONS {
                sessions.push(open(endpoint, r#"{"client":"scaling"}"#)?);
            }
        }
        Ok(sessions.len() as f64)
    })?;
    let session_bytes = (fleet.redis_bytes()? - bytes) / sessions.len() as f64;
    let waiting = costs(&fleet, Some(&idle), || {
        std::thread::sleep(IDLE);
        Ok(sessions.len() as f64 * IDLE.as_secs_f64())
    })?;
    let mut told = Vec::new();
    let detached = costs(&fleet, Some(&idle), || {
        told.extend(sessions.drain(..).map(|(_, told)| told));
        std::thread::sleep(SETTLE);
        Ok(told.len() as f64)
    })?;
    let resumed = costs(&fleet, Some(&idle), || {
        // Each at the next pod, as after a pod has gone.
        for (index, told) in told.iter().enumerate() {
            let (session, token) = (&told["session_id"], &told["resume_token"]);
            let attempt = format!("{index:032}");
            let resume = json!({ "session_id": session, "resume_token": token, "attempt": attempt });
            let endpoint = &endpoints[(index / SESSIONS + 1) % endpoints.len()];
            let (connection, again) = open(endpoint, &json!({ "resume": resume }).to_string())?;
            ensure!(again["resumed"] == true, "not resumed: {again}");
            sessions.push((connection, again));
        }
        Ok(told.len() as f64)
    })?;
    drop(sessions);
    std::thread::sleep(SETTLE);

    let mut callers = Vec::new();
    for endpoint in &endpoints {
        for _ in 0..CALLS.0 {
            callers.push((Connection::open(endpoint)?, 1_000_000));
        }
    }
    // The first calls find scripts that Redis does not have yet.
    call(&mut callers, 1)?;
    let mut rate = 0.0;
    let called = costs(&fleet, Some(&idle), || {
        let started = Instant::now();
        let calls = call(&mut callers, CALLS.2)?;
        rate = calls / started.elapsed().as_secs_f64();
        Ok(calls)
    })?;
    drop(callers);
    std::thread::sleep(SETTLE);

    let subscribers = endpoints.iter().map(Connection::open).collect::<Result<Vec<_>>>()?;
    let mut events = Events {
        publisher: Connection::open(&endpoints[0])?,
        subscribers: Subscriber::all(subscribers, WIRE)?,
        published: Published::new(WIRE, 32),
    };
    events.publish(1)?;
    let published = costs(&fleet, Some(&idle), || {
        for _ in 0..EVENTS.0 {
            events.publish(EVENTS.1)?;
        }
        Ok((EVENTS.0 * EVENTS.1) as f64)
    })?;
    Ok(json!({
        "pods": pods,
        "calls_per_second": rate.round(),
        "session_bytes": session_bytes.round(),
        "idle pod, a second": idle.value(),
        "idle session, a second": waiting.value(),
        "session opened": opened.value(),
        "session left": detached.value(),
        "session resumed": resumed.value(),
        "call": called.value(),
        "event": published.value(),
    }))
}

/// What one of many costs.
#[derive(Clone, Copy, Debug)]
struct Costs(Used);

impl Costs {
    fn value(&self) -> Value {
        let Used { scripts, commands, redis_micros, pod_micros } = self.0;
        let rounded = |number: f64| (number * 100.0).round() / 100.0;
        json!({
            "scripts": rounded(scripts),
            "commands": rounded(commands),
            "redis_micros": rounded(redis_micros),
            "pod_micros": rounded(pod_micros),
        })
    }
}

/// Does something and divides what it cost by how much that was, without what idle pods cost meanwhile.
fn costs(fleet: &Fleet, idle: Option<&Costs>, work: impl FnOnce() -> Result<f64>) -> Result<Costs> {
    let (before, started) = (fleet.used()?, Instant::now());
    let count = work()?;
    let (after, pods) = (fleet.used()?, fleet.endpoints().len() as f64);
    let seconds = started.elapsed().as_secs_f64() * pods;
    let each = |of: fn(&Used) -> f64| {
        let besides = idle.map_or(0.0, |idle| of(&idle.0) * seconds);
        ((of(&after) - of(&before) - besides) / count).max(0.0)
    };
    Ok(Costs(Used {
        scripts: each(|used| used.scripts),
        commands: each(|used| used.commands),
        redis_micros: each(|used| used.redis_micros),
        pod_micros: each(|used| used.pod_micros),
    }))
}

/// A connection with a session, and what the client was told of it.
fn open(endpoint: &Endpoint, params: &str) -> Result<(Connection, Value)> {
    let mut connection = Connection::knock(endpoint, None)?;
    connection.enter(endpoint)?;
    connection.send_request(WIRE, 0, Method::Initialize, params)?;
    let told = connection.receive_answer(WIRE, 0).context("initialize")?;
    ensure!(told["resumable"] == true, "the session can't be resumed: {told}");
    Ok((connection, told))
}

/// So many rounds of calls on all connections at once; how many calls these are.
fn call(callers: &mut [(Connection, u64)], rounds: usize) -> Result<f64> {
    for _ in 0..rounds {
        for (connection, next) in &mut *callers {
            let mut out = Vec::new();
            for id in *next..*next + CALLS.1 as u64 {
                let params = format!(r#"{{"tool":"echo","args":{{"n":{id}}}}}"#);
                frames::append_masked(
                    &mut out,
                    WIRE.opcode(),
                    &WIRE.request(id, Method::ToolExecute, &params),
                );
            }
            connection.stream.write_all(&out)?;
        }
        for (connection, next) in &mut *callers {
            let mut open: std::collections::HashSet<_> = (*next..*next + CALLS.1 as u64).collect();
            *next += CALLS.1 as u64;
            while !open.is_empty() {
                let payload = connection.receive()?;
                let Some(answer) = WIRE.answer(&payload)? else { continue };
                ensure!(open.remove(&answer.id), "an answer to {} which nobody asked", answer.id);
                ensure!(answer.result["n"] == answer.id, "the answer to {} is {}", answer.id, answer.result);
            }
        }
    }
    Ok((rounds * callers.len() * CALLS.1) as f64)
}

/// One publisher, and a subscriber at each pod.
struct Events {
    publisher: Connection,
    subscribers: Vec<Subscriber>,
    published: Published,
}

impl Events {
    fn publish(&mut self, count: usize) -> Result<()> {
        self.published.publish(&mut self.publisher, count)?;
        let (all, mut space) = (self.published.count(), vec![0; 64 * 1024]);
        let until = Instant::now() + Duration::from_secs(20);
        for subscriber in &mut self.subscribers {
            while subscriber.count() < all {
                subscriber.read(&mut self.published, &mut space)?;
                ensure!(Instant::now() < until, "a subscriber lacks an event after 20 s");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.published.forget();
        Ok(())
    }
}
