//! The one connection for commands, made anew whenever it is lost. It knows no command.
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::trace::{Kind, Span};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, Value};
use tokio::sync::{Notify, watch};

use super::dial::{Connection, Dial};
use super::failure::{Verdict, judge};
use super::scripts::Script;
use crate::mailbox::lock;
use crate::{Availability, Error, Mode, Settings};

/// How long to wait between attempts: from the first to the last, doubled each time.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

pub(super) struct Link {
    dial: Arc<Dial>,
    /// `None` while there is none that could work.
    connection: Mutex<Option<Connection>>,
    availability: watch::Sender<Availability>,
    doubted: Notify,
    command_timeout: Duration,
    check_interval: Duration,
    cluster: bool,
}

const EVALSHA: &str = "EVALSHA";

/// A command or a script with its keys and arguments.
pub(super) struct Request {
    name: &'static str,
    script: Option<&'static Script>,
    command: Cmd,
}

impl Request {
    pub(super) fn command(name: &'static str) -> Self {
        Self { name, script: None, command: ::redis::cmd(name) }
    }

    pub(super) fn script(script: &'static Script, keys: &[String]) -> Self {
        let mut command = ::redis::cmd(EVALSHA);
        command.arg(&script.hash).arg(keys.len()).arg(keys);
        Self { name: EVALSHA, script: Some(script), command }
    }

    pub(super) fn arg(mut self, argument: impl ::redis::ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }

    /// The same with the script's text, which teaches it to the server.
    fn teaching(&self, script: &Script) -> Cmd {
        let mut command = ::redis::cmd("EVAL");
        command.arg(&script.text);
        for argument in self.command.args_iter().skip(2) {
            if let ::redis::Arg::Simple(argument) = argument {
                command.arg(argument);
            }
        }
        command
    }
}

impl Link {
    pub(super) fn new(dial: Arc<Dial>, settings: &Settings) -> Self {
        let down = Availability::Down { reason: "it was not reached yet".to_owned() };
        Self {
            dial,
            connection: Mutex::new(None),
            availability: watch::Sender::new(down),
            doubted: Notify::new(),
            command_timeout: Duration::from_millis(settings.command_timeout_ms),
            check_interval: Duration::from_millis(settings.check_interval_ms),
            cluster: settings.mode == Mode::Cluster,
        }
    }

    pub(super) fn availability(&self) -> watch::Receiver<Availability> {
        self.availability.subscribe()
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// Runs a request within the timeout.
    pub(super) async fn run<T: FromRedisValue>(&self, request: Request) -> Result<T, Error> {
        let (name, script) = (request.name, request.script);
        let traced = metrics::trace::current();
        let done = self.run_untold(request).await;
        if let Some((tracer, open)) = traced {
            let mut span = Span::new(open, Kind::Client, name)
                .text("db.system.name", "redis")
                .text("db.operation.name", name);
            if let Some(script) = script {
                span = span.text("db.stored_procedure.name", script.name);
            }
            tracer.tell(if let Err(error) = &done { span.failed(error.kind()) } else { span });
        }
        done
    }

    async fn run_untold<T: FromRedisValue>(&self, request: Request) -> Result<T, Error> {
        match tokio::time::timeout(self.command_timeout, self.attempt(&request)).await {
            Ok(Ok(value)) => {
                T::from_redis_value(value).map_err(|error| Error::Corrupt { reason: error.to_string() })
            }
            Ok(Err((verdict, error))) => {
                if verdict != Verdict::Command {
                    self.doubted.notify_one();
                }
                Err(error)
            }
            Err(_) => {
                self.doubted.notify_one();
                Err(self.timeout())
            }
        }
    }

    fn timeout(&self) -> Error {
        Error::Timeout { milliseconds: u64::try_from(self.command_timeout.as_millis()).unwrap_or(u64::MAX) }
    }

    async fn attempt(&self, request: &Request) -> Result<Value, (Verdict, Error)> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(5);
        let mut taught = None;
        loop {
            let Some(mut connection) = lock(&self.connection).clone() else {
                return Err((Verdict::Connection, self.down()));
            };
            let command = taught.as_ref().unwrap_or(&request.command);
            let error = match connection.send(command).await.and_then(Value::extract_error) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if let (Some(script), true) = (request.script, unknown_script(&error)) {
                taught = Some(request.teaching(script));
                continue;
            }
            let (verdict, error) = judge(&error);
            if verdict != Verdict::Retry || started.elapsed() + wait > self.command_timeout {
                return Err((verdict, error));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    fn down(&self) -> Error {
        let reason = match &*self.availability.borrow() {
            Availability::Up => "the connection was lost".to_owned(),
            Availability::Down { reason } => reason.clone(),
        };
        Error::Unavailable { reason }
    }

    /// Keeps the connection for as long as it is polled.
    pub(super) async fn keep(&self) {
        let mut wait = WAITS.0;
        loop {
            match self.dial.connect(None).await {
                Ok(connection) => *lock(&self.connection) = Some(connection),
                Err(error) => self.lost(&error),
            }
            while self.check().await {
                wait = WAITS.0;
                // A server that was doubted is asked at once, any other now and then.
                let _ = tokio::time::timeout(self.check_interval, self.doubted.notified()).await;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// Whether the connection leads to a server that takes writes.
    async fn check(&self) -> bool {
        let Some(mut connection) = lock(&self.connection).clone() else { return false };
        let question = ::redis::cmd(if self.cluster { "PING" } else { "ROLE" });
        let answer = tokio::time::timeout(self.command_timeout, connection.send(&question)).await;
        let error = match answer {
            Ok(Ok(answer)) if self.cluster || is_master(&answer) => {
                if !self.availability.borrow().is_up() {
                    tracing::info!("the store is in reach");
                }
                self.availability
                    .send_if_modified(|known| !std::mem::replace(known, Availability::Up).is_up());
                return true;
            }
            Ok(Ok(_)) => Error::ReadOnly { reason: "it is a replica".to_owned() },
            Ok(Err(error)) => judge(&error).1,
            Err(_) => self.timeout(),
        };
        self.lost(&error);
        false
    }

    fn lost(&self, error: &Error) {
        // A replica still says that it is one, and a part of a cluster still works: they are kept.
        if !self.cluster && !matches!(error, Error::ReadOnly { .. }) {
            *lock(&self.connection) = None;
        }
        let reason = error.to_string();
        self.availability.send_if_modified(|known| {
            let down = Availability::Down { reason };
            if known.is_up() {
                tracing::warn!(%error, "the store is out of reach");
            }
            let changed = *known != down;
            *known = down;
            changed
        });
    }
}

fn is_master(role: &Value) -> bool {
    match role {
        Value::Array(role) => match role.first() {
            Some(Value::BulkString(name)) => name == b"master",
            Some(Value::SimpleString(name)) => name == "master",
            _ => false,
        },
        _ => false,
    }
}

fn unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
