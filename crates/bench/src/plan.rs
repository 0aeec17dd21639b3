//! What a run is to do. Plain data, checked once before anything is dialled.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::Format;
use rustls::ClientConfig;

use crate::pending::MOST;
use crate::{Error, Target};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Connections are opened.
    Connect,
    /// The gateway answers by itself.
    Echo,
    /// A backend answers through the gateway.
    Calls,
    /// Events from a publisher to all connections.
    Events,
    /// Connections do nothing.
    Idle,
    /// All connections are dropped, and come back at once.
    Storm,
    /// Several kinds of messages on each connection.
    Mixed,
}

impl Scenario {
    /// Its name, in commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Echo => "echo",
            Self::Calls => "calls",
            Self::Events => "events",
            Self::Idle => "idle",
            Self::Storm => "storm",
            Self::Mixed => "mixed",
        }
    }
}

/// A kind of message that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// `echo` of these params, JSON text.
    Echo(String),
    /// `tool.execute` of a tool with these args, JSON text.
    Call {
        /// The tool.
        tool: String,
        /// What it takes.
        args: String,
    },
    /// `event.publish` of an event with so many bytes of padding.
    Publish(usize),
}

impl Message {
    /// Its name, in files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Echo(_) => "echo",
            Self::Call { .. } => "call",
            Self::Publish(_) => "publish",
        }
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is measured.
    pub scenario: Scenario,
    /// The gateways; connections go to them in turns.
    pub targets: Vec<Target>,
    /// The tokens; connections have them in turns. Without any, none is shown.
    pub tokens: Vec<String>,
    /// What handshakes under TLS are made with; needed for a target at `wss://`.
    pub tls: Option<Arc<ClientConfig>>,
    /// How messages are written down.
    pub format: Format,
    /// Whether the target is a bare WebSocket server that sends each message back as it came: no token, no
    /// subprotocol, no session.
    pub mirror: bool,
    /// How many connections.
    pub connections: usize,
    /// How many further connections publish; in [`Scenario::Events`] alone.
    pub publishers: usize,
    /// How many threads make the load.
    pub threads: usize,
    /// Addresses of this machine that connections come from in turns; without any the system chooses.
    pub sources: Vec<IpAddr>,
    /// How many handshakes are under way at once.
    pub burst: usize,
    /// How many connections are dialled in a second; without it the next one follows on one that is open.
    pub connect_rate: Option<f64>,
    /// How many messages are due in a second, on all connections together; without it each answer is followed by the
    /// next request.
    pub rate: Option<f64>,
    /// Whether threads look for answers all the time instead of sleeping until they come.
    pub spin: bool,
    /// How many requests a connection may have under way.
    pub depth: usize,
    /// What is sent, and how often in proportion.
    pub messages: Vec<(Message, u16)>,
    /// What is sent at the beginning without being measured lasts so long.
    pub warm_up: Duration,
    /// How long is measured.
    pub duration: Duration,
    /// How long a handshake may take, and an answer after the end.
    pub patience: Duration,
}

impl Plan {
    /// Looks whether all of it goes together.
    ///
    /// # Errors
    /// [`Error::Plan`]: what doesn't, and what would be right.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Plan(reason));
        if self.targets.is_empty() {
            return refuse("a target is needed".to_owned());
        }
        if self.connections == 0 || self.threads == 0 || self.depth == 0 || self.burst == 0 {
            return refuse("connections, threads, depth and burst must each be 1 at least".to_owned());
        }
        if self.threads > self.connections {
            let (threads, connections) = (self.threads, self.connections);
            return refuse(format!("{threads} threads have nothing to do with {connections} connections"));
        }
        for (name, rate) in [("rate", self.rate), ("connect rate", self.connect_rate)] {
            if rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
                return refuse(format!("the {name} must be a positive number"));
            }
        }
        let under_way = self.senders().div_ceil(self.threads).saturating_mul(self.depth);
        if under_way > MOST {
            let threads = (self.senders() * self.depth).div_ceil(MOST);
            return refuse(format!(
                "{under_way} requests under way are more than the {MOST} of a thread; take a smaller depth, or {threads} threads"
            ));
        }
        if self.messages.iter().any(|(_, weight)| *weight == 0) {
            return refuse("the weight of a message must be 1 at least".to_owned());
        }
        if self.targets.iter().any(Target::is_secure) && self.tls.is_none() {
            return refuse("a target at wss:// needs TLS".to_owned());
        }
        let resumes = self.scenario == Scenario::Storm || self.publishes();
        if self.mirror && resumes {
            return refuse("a bare WebSocket server has neither sessions nor events".to_owned());
        }
        Ok(())
    }

    /// Whether events are published.
    pub(crate) fn publishes(&self) -> bool {
        self.messages.iter().any(|(message, _)| matches!(message, Message::Publish(_)))
    }

    /// How many connections send messages.
    pub(crate) fn senders(&self) -> usize {
        match (self.messages.is_empty(), self.scenario) {
            (true, _) => 0,
            (false, Scenario::Events) => self.publishers,
            (false, _) => self.connections,
        }
    }

    /// All connections, those that publish too.
    pub(crate) fn all(&self) -> usize {
        self.connections + self.publishers
    }

    /// The numbers of the connections of one thread.
    pub(crate) fn share(&self, thread: usize) -> impl Iterator<Item = usize> + use<> {
        (thread..self.all()).step_by(self.threads)
    }

    /// Whether the connection of this number sends, and whether it listens to events.
    pub(crate) fn roles(&self, number: usize) -> (bool, bool) {
        let publisher = number >= self.connections;
        let sends = !self.messages.is_empty() && (publisher || self.scenario != Scenario::Events);
        (sends, self.publishes() && !publisher)
    }

    /// The target of the connection of this number.
    pub(crate) fn target(&self, number: usize) -> &Target {
        &self.targets[number % self.targets.len()]
    }

    /// Its token. Publishers have the first one.
    pub(crate) fn token(&self, number: usize) -> Option<&str> {
        let turn = if number >= self.connections { 0 } else { number / self.targets.len() };
        self.tokens.get(turn % self.tokens.len().max(1)).map(String::as_str)
    }

    /// The address that it comes from.
    pub(crate) fn source(&self, number: usize) -> Option<IpAddr> {
        self.sources.get(number / self.targets.len() % self.sources.len().max(1)).copied()
    }
}
