//! A conversation with a server: from the first message of the bridge's until one of them is gone.
pub(crate) mod desk;
pub(crate) mod event;
mod handshake;
mod lists;
pub(crate) mod running;
mod subscriptions;

use crate::level::Level;
use crate::link::Link;
use crate::tasks::Owned;
use desk::Desk;
use event::{Ending, Lost, Notice};
pub(crate) use handshake::{Terms, shake};
use mcp::{Edit, Era, Error, Id, Version, meta, method, translate, write};
use running::{Running, Said};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use subscriptions::Subscriptions;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Who the bridge says that it is, to servers that are not told who asks.
pub(crate) const CLIENT_INFO: &str =
    concat!(r#"{"name":"mcpw-bridge","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

/// How long a call waits for its level of logs.
const LEVEL_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Conversation {
    pub(crate) desk: Desk,
    link: Link,
    terms: OnceLock<Terms>,
    /// The level of logs that a legacy server was told last.
    level: Mutex<Option<Level>>,
    subscriptions: Subscriptions,
    lost: CancellationToken,
    listening: OnceLock<Option<Owned>>,
}

impl Conversation {
    pub(crate) fn new(link: Link) -> Arc<Self> {
        Arc::new(Self {
            desk: Desk::new(),
            link,
            terms: OnceLock::new(),
            level: Mutex::default(),
            subscriptions: Subscriptions::default(),
            lost: CancellationToken::new(),
            listening: OnceLock::new(),
        })
    }

    /// What was agreed on. Before that it is what a modern server would be told.
    pub(crate) fn terms(&self) -> &Terms {
        static MODERN: Terms = Terms::MODERN;
        self.terms.get().unwrap_or(&MODERN)
    }

    fn agree(self: &Arc<Self>, terms: Terms) {
        let era = terms.version.era();
        let _ = self.terms.set(terms);
        if era == Era::Legacy {
            self.tell(method::INITIALIZED, "");
            let _ = self.listening.set(self.link.listen(self));
        }
    }

    /// Takes what the server sent, on the stream of a request or on none.
    pub(crate) fn take(self: &Arc<Self>, text: &str, stream: Option<u64>) {
        if let Some(answer) = self.desk.take(text, stream) {
            self.link.tell(self, answer);
        }
    }

    /// Ends it: nothing is asked any more, and nothing answered.
    pub(crate) fn lose(&self, reason: &str) {
        self.desk.lose(reason);
        self.lost.cancel();
    }

    /// What the server tells of itself from now on.
    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.desk.notices()
    }

    /// Sees to it that arguments of tools become headers where a server wants that. Takes the tools out that break its rules,
    /// and says why.
    pub(crate) fn mirror(&self, tools: &mut Vec<String>) -> Vec<String> {
        match &self.link {
            Link::Http(http) if self.terms().version.era() == Era::Modern => http.mirror(tools),
            Link::Http(_) | Link::Stdio(_) => Vec::new(),
        }
    }

    /// Ready once the server is lost.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Sends a request, whose params are those of a modern one. `is_call`: somebody can be asked for input.
    ///
    /// # Errors
    /// The server is lost; nothing was sent.
    pub(crate) async fn start(
        self: &Arc<Self>,
        name: &str,
        params: &str,
        is_call: bool,
    ) -> Result<Running, Lost> {
        let running = self.enter(is_call)?;
        if is_call && self.terms().version.era() == Era::Legacy {
            self.set_level(running.id(), params).await;
        }
        Ok(self.send(running, name, params).await)
    }

    /// Before it is sent, which takes as long as the server reads nothing: given up meanwhile, it leaves the desk.
    fn enter(self: &Arc<Self>, is_call: bool) -> Result<Running, Lost> {
        Ok(Running::new(Arc::clone(self), self.desk.enter(is_call)?))
    }

    async fn send(self: &Arc<Self>, mut running: Running, name: &str, params: &str) -> Running {
        let id = running.id();
        let params = self.outgoing(name, params, id);
        let mut text = Vec::new();
        write::request(Id::Sequence(id), name, params.as_bytes(), &mut text);
        let text = String::from_utf8(text).unwrap_or_default();
        running.sent(self.link.request(self, id, name, &params, text).await);
        running
    }

    /// Asks for something on the bridge's own behalf.
    ///
    /// # Errors
    /// The server's error, or that there is no answer.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        name: &str,
        params: &str,
        patience: Duration,
    ) -> Result<String, Error> {
        let lost = |Lost(reason)| Error::new(mcp::error::INTERNAL_ERROR, reason);
        let answer = async {
            let mut running = self.send(self.enter(false).map_err(lost)?, name, params).await;
            loop {
                match running.next().await {
                    Said::Event(_) => {}
                    Said::Ended(Ending::Result(result)) => return Ok(result),
                    Said::Ended(Ending::Error(error)) => return Err(read(&error)),
                    Said::Ended(Ending::Lost(reason)) => return Err(lost(reason)),
                }
            }
        };
        let late = |_| lost(Lost(format!("it did not answer {name} within {} ms", patience.as_millis())));
        tokio::time::timeout(patience, answer).await.map_err(late)?
    }

    /// Sends a notification. Params are raw, or "".
    pub(crate) fn tell(self: &Arc<Self>, name: &str, params: &str) {
        let mut text = Vec::new();
        write::notification(name, params.as_bytes(), &mut text);
        self.link.tell(self, String::from_utf8(text).unwrap_or_default());
    }

    /// Answers a request of the server's, unless it does not wait for it any more.
    pub(crate) async fn answer(self: &Arc<Self>, asked: &str, result: Result<&str, &Error>) {
        if self.desk.answers(asked) {
            let id = Id::Token(asked);
            let text = match result {
                Ok(result) => desk::answer(id, result),
                Err(error) => desk::refusal(id, error),
            };
            self.link.answer(self, text).await;
        }
    }

    /// Tells the server that an answer is not wanted any more. By HTTP a modern one sees it by the stream that was closed.
    pub(crate) fn cancel(self: &Arc<Self>, id: u64) {
        let is_told = matches!(self.link, Link::Stdio(_)) || self.terms().version.era() == Era::Legacy;
        if is_told && !self.is_lost() {
            self.tell(method::CANCELLED, &format!("{{\"requestId\":{id},\"reason\":\"cancelled\"}}"));
        }
    }

    /// Params as this server takes them, with a token of progress that is the bridge's own.
    fn outgoing(&self, name: &str, params: &str, id: u64) -> String {
        if name == method::INITIALIZE {
            return params.to_owned();
        }
        let wants_progress = mcp::Meta::of(params).progress_token.is_some();
        let with_token = |edit: Edit<'_>| match wants_progress {
            true => edit
                .within(meta::NAME, |edit| edit.set(meta::PROGRESS_TOKEN, id.to_string()))
                .finish()
                .into_owned(),
            false => edit.finish().into_owned(),
        };
        match self.terms().version.era() {
            Era::Legacy => with_token(Edit::of(&translate::request::to_legacy(params))),
            Era::Modern => {
                let known = mcp::Meta::of(params);
                let capabilities = known.client_capabilities.unwrap_or("{}").to_owned();
                let info = known.client_info.unwrap_or(CLIENT_INFO).to_owned();
                let edit = Edit::of(params).within(meta::NAME, |edit| {
                    let edit = edit
                        .set_text(meta::PROTOCOL_VERSION, Version::LATEST.name())
                        .set(meta::CLIENT_INFO, info)
                        .set(meta::CLIENT_CAPABILITIES, capabilities);
                    if wants_progress { edit.set(meta::PROGRESS_TOKEN, id.to_string()) } else { edit }
                });
                edit.finish().into_owned()
            }
        }
    }

    /// A legacy server is told which logs are wanted before the call that wants them, and is not told less while others run;
    /// a modern one is told by each request.
    async fn set_level(self: &Arc<Self>, call: u64, params: &str) {
        let Some(wanted) = mcp::Meta::of(params).log_level.as_deref().and_then(Level::read) else { return };
        if protocol::json::member(&self.terms().capabilities, "logging").is_none() {
            return;
        }
        let wanted = self.desk.wants(call, wanted);
        let told = self.level.lock().unwrap_or_else(PoisonError::into_inner).replace(wanted);
        if told == Some(wanted) {
            return;
        }
        let params = format!("{{\"level\":\"{}\"}}", wanted.name());
        if let Err(error) = self.ask(method::SET_LEVEL, &params, LEVEL_PATIENCE).await {
            tracing::debug!(error = error.message, "the level of logs was not taken");
        }
    }

    /// A result of this server's as a modern one.
    pub(crate) fn modern<'a>(&self, name: &str, result: &'a str) -> std::borrow::Cow<'a, str> {
        match self.terms().version.era() {
            Era::Modern => result.into(),
            Era::Legacy => {
                let info = self.terms().info.as_deref();
                translate::result::to_modern(result, name, translate::result::Cache::NONE, info)
            }
        }
    }
}

/// The error of a raw object; one that is none is told as it is.
pub(crate) fn read(error: &str) -> Error {
    Error::read(error).unwrap_or_else(|| Error::new(mcp::error::INTERNAL_ERROR, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::stdio::{Stdio, UNWRITTEN};
    use futures_util::FutureExt as _;
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    /// As many calls as fill the way to a child that reads nothing.
    async fn fill(conversation: &Arc<Conversation>) -> Vec<Running> {
        let mut running = Vec::new();
        for _ in 0..UNWRITTEN {
            running.push(conversation.start(method::TOOLS_CALL, "{}", true).await.expect("it is not lost"));
        }
        running
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_child_does_not_read_is_waited_for_no_longer_than_it_may_take() {
        let (stdio, _unwritten) = Stdio::new(tokio::io::sink());
        let conversation = Conversation::new(Link::Stdio(stdio));
        let running = fill(&conversation).await;
        let one_more = conversation.start(method::TOOLS_CALL, "{}", true).now_or_never();
        assert!(one_more.is_none(), "it waits to be written");
        let error = conversation.ask(method::TOOLS_LIST, "{}", Duration::from_secs(1)).await;
        assert!(error.expect_err("nobody answers").message.contains("within 1000 ms"));
        drop(running);
        assert!(!conversation.desk.has_calls(), "what was given up is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_is_told_to_log_less_once_no_call_wants_more() {
        let (to, from) = tokio::io::duplex(1 << 16);
        let (stdio, writing) = Stdio::new(to);
        let _writing = Owned::spawn(writing);
        let conversation = Conversation::new(Link::Stdio(stdio));
        let capabilities = r#"{"logging":{}}"#.to_owned();
        conversation.agree(Terms { version: Version::LATEST_LEGACY, capabilities, ..Terms::MODERN });
        let start = async |level: &str| {
            let params = format!(r#"{{"_meta":{{"{}":"{level}"}}}}"#, meta::LOG_LEVEL);
            conversation.start(method::TOOLS_CALL, &params, true).await.expect("it is not lost")
        };
        let debug = start("debug").await;
        let _error = start("error").await;
        drop(debug);
        let _last = start("error").await;
        let mut lines = BufReader::new(from).lines();
        let (mut said, mut calls) = (Vec::new(), 0);
        while calls < 3 {
            let line = lines.next_line().await.expect("it is text").expect("all three are sent");
            if line.contains(method::SET_LEVEL) {
                said.push(if line.contains("debug") { "debug" } else { "error" });
            } else if line.contains(method::TOOLS_CALL) {
                said.push("call");
                calls += 1;
            }
        }
        assert_eq!(said, ["debug", "call", "call", "error", "call"]);
    }

    #[tokio::test]
    async fn an_answer_waits_until_the_child_reads() {
        let (to, from) = tokio::io::duplex(64);
        let (stdio, writing) = Stdio::new(to);
        let conversation = Conversation::new(Link::Stdio(stdio));
        let one = conversation.start(method::TOOLS_CALL, "{}", true).await.expect("it is not lost");
        conversation.take(r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#, None);
        let mut filling = std::pin::pin!(fill(&conversation));
        assert!(filling.as_mut().now_or_never().is_none());
        let answered = async {
            let mut lines = BufReader::new(from).lines();
            while let Some(line) = lines.next_line().await.expect("it is text") {
                if line.contains(r#""id":"q""#) {
                    return line;
                }
            }
            String::new()
        };
        let answering = conversation.answer("\"q\"", Ok(r#"{"roots":[]}"#));
        let line = tokio::select! {
            () = writing => String::new(),
            ((), line) = async { tokio::join!(answering, answered) } => line,
        };
        assert!(line.contains("roots"), "{line}");
        drop(one);
    }
}
