//! One running server: started, spoken with, and started again when it is lost. Dropped, it is ended.
use crate::backoff::Backoff;
use crate::conversation::{Conversation, shake};
use crate::link::Link;
use crate::link::child;
use crate::link::http::Http;
use crate::link::stdio::{self, Stdio};
use crate::settings::{Era, Server};
use crate::tasks::Owned;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Who stays up for this long is not taken for one that only ever falls.
const STEADY: Duration = Duration::from_secs(10);

/// How long the end of a child and that of its pipes may be apart.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What an instance is started with.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) server: Server,
    /// The program that knows `supervise`.
    pub(crate) supervisor: PathBuf,
    pub(crate) patience: Duration,
    pub(crate) longest: usize,
}

/// Whether the server can be asked.
#[derive(Clone)]
pub(crate) enum State {
    /// Not yet.
    Starting,
    Up(Arc<Conversation>),
    /// Why not. It is started again.
    Down(String),
}

pub(crate) struct Instance {
    state: watch::Receiver<State>,
    keeper: Owned,
}

impl Instance {
    /// Starts a server, and keeps it running.
    pub(crate) fn new(start: Arc<Start>) -> Self {
        let (states, state) = watch::channel(State::Starting);
        Self { state, keeper: Owned::spawn(keep(start, states)) }
    }

    /// What becomes of it from now on.
    pub(crate) fn states(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends it, whoever still holds it.
    pub(crate) fn end(&self) {
        self.keeper.end();
    }

    /// Whether it was ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.has_changed().is_err()
    }

    /// The conversation with it, as soon as it can be asked.
    ///
    /// # Errors
    /// Why it is down, or that it still starts.
    pub(crate) async fn conversation(&self, patience: Duration) -> Result<Arc<Conversation>, String> {
        let mut states = self.states();
        let settled = states.wait_for(|state| match state {
            State::Up(conversation) => !conversation.is_lost(),
            State::Down(_) => true,
            State::Starting => false,
        });
        match tokio::time::timeout(patience, settled).await {
            Ok(Ok(state)) => match &*state {
                State::Up(conversation) => Ok(Arc::clone(conversation)),
                State::Down(reason) => Err(reason.clone()),
                State::Starting => Err("it starts".to_owned()),
            },
            Ok(Err(_)) => Err("it was ended".to_owned()),
            Err(_) => Err(format!("it was not ready within {} ms", patience.as_millis())),
        }
    }
}

/// A conversation whose answers are read for as long as this is there. Whoever still asks then is told.
struct Heard(Arc<Conversation>);

impl Drop for Heard {
    fn drop(&mut self) {
        self.0.lose("it was ended");
    }
}

async fn keep(start: Arc<Start>, states: watch::Sender<State>) {
    let Server { name, backoff_ms, backoff_max_ms, era, .. } = &start.server;
    let mut backoff = Backoff::new(*backoff_ms, *backoff_max_ms);
    let mut era = *era;
    loop {
        let began = Instant::now();
        let reason = run(&start, &mut era, &states).await;
        if began.elapsed() > STEADY {
            backoff.reset();
        }
        let pause = backoff.pause();
        tracing::warn!(
            server = name,
            reason,
            pause_ms = pause.as_millis() as u64,
            "a server is down; it is started again"
        );
        states.send_replace(State::Down(reason));
        tokio::time::sleep(pause).await;
        // Who asks from now on waits for it.
        states.send_replace(State::Starting);
    }
}

/// Runs it once; says why it ended.
async fn run(start: &Start, era: &mut Era, states: &watch::Sender<State>) -> String {
    match &start.server.url {
        Some(_) => match Http::new(&start.server, start.patience, start.longest) {
            Ok(http) => {
                let conversation = Heard(Conversation::new(Link::Http(Arc::new(http))));
                converse(start, &conversation.0, era, states, std::future::pending()).await
            }
            Err(reason) => reason,
        },
        None => {
            let (mut running, pipes) = match child::start(&start.server, &start.supervisor) {
                Ok(started) => started,
                Err(reason) => return reason,
            };
            let (stdio, writing) = Stdio::new(pipes.input);
            let heard = Heard(Conversation::new(Link::Stdio(stdio)));
            let conversation = &heard.0;
            let _writing = Owned::spawn(writing);
            let _logging = Owned::spawn(stdio::log(pipes.errors, start.server.name.clone()));
            let reading = stdio::read(pipes.output, Arc::downgrade(conversation), start.longest);
            let mut conversing = std::pin::pin!(converse(start, conversation, era, states, reading));
            let reason = tokio::select! {
                reason = &mut conversing => reason,
                how = running.ended() => {
                    // What it wrote last is still to be read.
                    let _ = tokio::time::timeout(LAST_WORDS, conversing).await;
                    conversation.lose(&how);
                    return how;
                }
            };
            // How it ended says more than that it did.
            match tokio::time::timeout(LAST_WORDS, running.ended()).await {
                Ok(how) if reason == stdio::ENDED => how,
                _ => reason,
            }
        }
    }
}

/// Agrees with the server on what is spoken, and lets others ask it until it is lost.
async fn converse(
    start: &Start,
    conversation: &Arc<Conversation>,
    era: &mut Era,
    states: &watch::Sender<State>,
    reading: impl Future<Output = String>,
) -> String {
    let talking = async {
        if let Err(reason) = shake(conversation, *era, start.patience).await {
            return format!("no conversation with it: {reason}");
        }
        tracing::info!(
            server = start.server.name,
            version = conversation.terms().version.name(),
            "a server is up"
        );
        states.send_replace(State::Up(Arc::clone(conversation)));
        conversation.lost().await;
        "the conversation was lost".to_owned()
    };
    let reason = tokio::select! {
        reason = talking => reason,
        reason = reading => {
            // Some of the old ones end at what they don't know.
            if *era == Era::Auto && !matches!(*states.borrow(), State::Up(_)) {
                *era = Era::Legacy;
            }
            reason
        }
    };
    conversation.lose(&reason);
    reason
}
