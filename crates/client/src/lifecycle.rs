//! The life of a client: connect, run until the connection ends, decide, wait, connect again. Knows no messages.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use protocol::CloseCode;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::endpoint::Endpoint;
use crate::greeting::Introduction;
use crate::heartbeat::Pulse;
use crate::session::Welcome;
use crate::shared::Shared;
use crate::tls::{Files, Tls};
use crate::verdict::Verdict;
use crate::writer::Parcel;
use crate::{Error, Reconnect, State, connection, handshake, renewal};

/// So long a gateway that was no use has to take note of the end.
const PARTING: Duration = Duration::from_secs(1);

/// So long a connection has to end that is closed, whether its close frame can be written or not.
const CLOSING: Duration = Duration::from_secs(10);

/// A connection that ended earlier was no success, whatever it ended with: it would be made and lost in a circle.
const LASTING: Duration = Duration::from_secs(1);

/// So long a pod that drains has for the answers of calls that run, before the client goes on elsewhere. Their answers
/// find the session.
const ANSWERS: Duration = Duration::from_millis(250);

/// Where a client connects to.
pub(crate) struct Target {
    endpoint: Endpoint,
    /// Where the endpoint asks for it.
    tls: Option<Tls>,
}

impl Target {
    /// Reads the files that its TLS is made with.
    pub(crate) fn new(url: &str, files: &Files) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(url)?;
        let tls = if endpoint.secure { Some(Tls::new(files, &endpoint)?) } else { None };
        Ok(Self { endpoint, tls })
    }
}

/// What a client was told about its connections.
pub(crate) struct Plan {
    /// At least one; tried in turn.
    pub(crate) targets: Vec<Target>,
    pub(crate) introduction: Introduction,
    pub(crate) max_message_size: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) reconnect: Reconnect,
}

/// The task of a client.
pub(crate) struct Lifecycle {
    plan: Plan,
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Parcel>,
    /// Whoever waits for the first session.
    first: Option<oneshot::Sender<Result<(), Error>>>,
    /// The number of the next attempt at a connection, which chooses its target.
    turn: usize,
    connections: u64,
    /// When the connection was lost, or the first attempt at one, while there is none.
    lost: Option<Instant>,
    /// The number of the next attempt since then, from 1.
    attempt: u32,
    /// Attempts in a row that came to nothing, or to a connection that did not last.
    failures: u32,
    /// A fresh token was asked for since the last session, because the one before was refused.
    renewed: bool,
}

/// How a connection, or an attempt at one, ended.
struct End {
    error: Error,
    /// When its session was opened, if it was.
    opened: Option<Instant>,
    /// A session was to be resumed.
    resuming: bool,
}

impl Lifecycle {
    pub(crate) fn new(
        plan: Plan,
        shared: Arc<Shared>,
        queue: mpsc::Receiver<Parcel>,
        first: oneshot::Sender<Result<(), Error>>,
    ) -> Self {
        let first = Some(first);
        Self {
            plan,
            shared,
            queue,
            first,
            turn: 0,
            connections: 0,
            lost: None,
            attempt: 0,
            failures: 0,
            renewed: false,
        }
    }

    /// Runs the client to its end.
    pub(crate) async fn run(mut self) {
        let reason = loop {
            let end = self.connect().await;
            self.shared.lost(&end.error);
            self.turn += 1;
            let Some(delay) = self.next(&end) else { break end.error };
            let since = *self.lost.get_or_insert_with(Instant::now);
            self.shared.state.send_replace(State::Reconnecting {
                since: since.into_std(),
                attempt: self.attempt,
                reason: end.error.clone(),
            });
            tokio::select! {
                () = sleep(delay) => {}
                _ = self.shared.quit.wait() => break closed(),
            }
        };
        self.shared.end(reason);
    }

    /// How long to wait before the next attempt; `None` if there is to be none.
    fn next(&mut self, end: &End) -> Option<Duration> {
        let reconnect = self.plan.reconnect;
        // More than one attempt at each target is the caller's to make before there was a session.
        if self.connections == 0 && self.shared.quit.get().is_none() {
            return (self.turn < self.plan.targets.len()).then_some(Duration::ZERO);
        }
        if self.shared.quit.get().is_some() || reconnect.is_never() {
            return None;
        }
        if let Some(opened) = end.opened {
            if opened.elapsed() >= reconnect.cap(self.failures).max(LASTING) {
                self.failures = 0;
                self.renewed = false;
            }
            self.attempt = 0;
        }
        let delay = match Verdict::on(&end.error, end.resuming && end.opened.is_none()) {
            Verdict::End => return None,
            Verdict::Renew if !self.shared.token.is_renewable() => return None,
            Verdict::Renew if !std::mem::replace(&mut self.renewed, true) => Duration::ZERO,
            Verdict::Afresh => {
                *self.shared.ticket() = None;
                Duration::ZERO
            }
            Verdict::After(delay) if self.failures == 0 => delay,
            Verdict::After(delay) => delay.max(reconnect.delay(self.failures)),
            Verdict::Renew | Verdict::Later => reconnect.delay(self.failures),
        };
        self.failures = self.failures.saturating_add(1);
        self.attempt = self.attempt.saturating_add(1);
        let away = self.lost.map_or(Duration::ZERO, |lost| lost.elapsed());
        reconnect.give_up_after.is_none_or(|most| away.saturating_add(delay) <= most).then_some(delay)
    }

    /// Makes a connection, opens or resumes a session on it, and runs it to its end.
    async fn connect(&mut self) -> End {
        let resuming = self.shared.ticket().is_some();
        let failed = |error| End { error, opened: None, resuming };
        let is_last = self.turn + 1 >= self.plan.targets.len();
        let shared = Arc::clone(&self.shared);
        let most = self.plan.connect_timeout;
        let mut patience = pin!(sleep(most));
        let dialled = tokio::select! {
            dialled = dial(self.target(), &shared) => dialled,
            () = &mut patience => Err(Error::Timeout(most)),
            _ = shared.quit.wait() => Err(closed()),
        };
        let (upgraded, token) = match dialled {
            Ok(dialled) => dialled,
            Err(error) => {
                tell(&mut self.first, is_last, &error);
                return failed(error);
            }
        };
        shared.renew();
        let pulse = Pulse::default();
        let limit = self.plan.max_message_size;
        let mut connection = pin!(connection::run(upgraded, &mut self.queue, &shared, &pulse, limit));
        let mut greeting = pin!(self.plan.introduction.greet(&shared));
        let greeted = tokio::select! {
            // An answer that came right before the end has opened a session all the same.
            error = &mut connection => match greeting.now_or_never() {
                Some(Ok(greeted)) => Ok((greeted, Some(error))),
                _ => Err((error, false)),
            },
            greeted = &mut greeting => greeted.map(|greeted| (greeted, None)).map_err(|error| (error, true)),
            () = &mut patience => Err((Error::Timeout(most), false)),
            _ = shared.quit.wait() => Err((closed(), true)),
        };
        let ((welcome, resubscription), ended) = match greeted {
            Ok(greeted) => greeted,
            Err((error, open)) => {
                tell(&mut self.first, is_last, &error);
                if open {
                    shared.control.close(CloseCode::Normal.as_u16(), "");
                    let _ = timeout(PARTING, connection).await;
                }
                return failed(error);
            }
        };
        if let Some(period) = welcome.session.heartbeat {
            pulse.expect_every(period);
        }
        let opened = Instant::now();
        self.connections += 1;
        let lost = self.lost.take().filter(|_| self.connections > 1);
        let away = lost.map_or(Duration::ZERO, |lost| lost.elapsed());
        shared.state.send_replace(connected(&welcome, self.connections, away));
        if let Some(first) = self.first.take() {
            let _ = first.send(Ok(()));
        }
        let error = match ended {
            Some(error) => error,
            None => tokio::select! {
                error = &mut connection => error,
                error = renewal::run(&shared, token) => error,
                never = shared.answer_questions() => match never {},
                never = resubscription.run(&shared, self.plan.reconnect) => match never {},
                error = leave(&shared) => error,
                _ = shared.quit.wait() => {
                    shared.control.close(CloseCode::Normal.as_u16(), "");
                    let ended = timeout(CLOSING, connection).await;
                    ended.unwrap_or_else(|_| Error::abnormal("the gateway took no close frame"))
                }
            },
        };
        End { error, opened: Some(opened), resuming }
    }

    fn target(&self) -> &Target {
        &self.plan.targets[self.turn % self.plan.targets.len()]
    }
}

/// Whoever waits for the first session is told why there is none, unless there is another target.
fn tell(first: &mut Option<oneshot::Sender<Result<(), Error>>>, is_last: bool, error: &Error) {
    if let Some(first) = first.take_if(|_| is_last) {
        let _ = first.send(Err(error.clone()));
    }
}

/// Leaves a pod that drains.
async fn leave(shared: &Shared) -> Error {
    shared.control.held().await;
    sleep(ANSWERS).await;
    Error::elsewhere()
}

impl Drop for Lifecycle {
    /// Nobody is to wait for a task that was dropped, or that a source of tokens brought to a panic.
    fn drop(&mut self) {
        self.shared.end(Error::abnormal("the task of the client has ended"));
    }
}

async fn dial(target: &Target, shared: &Shared) -> Result<(handshake::Upgraded, Option<String>), Error> {
    let token = shared.token.now().await?;
    let upgraded = handshake::upgrade(
        &target.endpoint,
        target.tls.as_ref(),
        token.as_deref(),
        shared.wire.subprotocol(),
    )
    .await?;
    Ok((upgraded, token))
}

fn connected(welcome: &Welcome, connection: u64, away: Duration) -> State {
    let session = &welcome.session;
    State::Connected {
        session_id: session.session_id.clone(),
        resumable: session.resumable,
        resumed: session.resumed,
        recovered: session.recovered,
        connection,
        away,
    }
}

/// The caller has closed the client while there was no connection.
fn closed() -> Error {
    Error::Closed { code: CloseCode::Normal.as_u16(), reason: "the client was closed".to_owned() }
}
