//! Messages as requests of HTTP, and answers as bodies or streams of events. `basic/transports/streamable-http`, and the one
//! of 2025-11-25 for servers with sessions. What the bridge shows of itself is its own; nothing of a caller's comes here.
mod connector;
mod events;
#[cfg(feature = "fuzzing")]
mod fuzzing;
mod headers;

use crate::conversation::Conversation;
use crate::settings::Server;
use connector::Connector;
use events::events;
use futures_util::StreamExt as _;
#[cfg(feature = "fuzzing")]
pub use fuzzing::mcp_headers;
use headers::{Mirrored, encoded};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mcp::{Era, method, text};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const EVENTS: &str = "text/event-stream";
/// Between two attempts to listen to a server with sessions.
const LISTEN_PAUSE: Duration = Duration::from_secs(2);

/// The endpoint of a server.
pub(crate) struct Http {
    client: Client<Connector, Full<Bytes>>,
    uri: Uri,
    server: Server,
    /// That of a server of the legacy era, once it has named one.
    session: Mutex<Option<HeaderValue>>,
    /// Which arguments of a tool are headers too.
    mirrored: Mutex<HashMap<String, Mirrored>>,
    /// How long it may take for what has no answer.
    patience: Duration,
    longest: usize,
}

impl Http {
    /// # Errors
    /// What is wrong with the settings.
    pub(crate) fn new(server: &Server, patience: Duration, longest: usize) -> Result<Self, String> {
        let url = server.url.as_deref().unwrap_or_default();
        let uri = url.parse().map_err(|error| format!("url: {error}"))?;
        let client = Client::builder(TokioExecutor::new()).build(Connector::new(server)?);
        let (session, mirrored) = (Mutex::default(), Mutex::default());
        Ok(Self { client, uri, server: server.clone(), session, mirrored, patience, longest })
    }

    /// Notes which arguments of these tools are sent as headers too. Takes those out that break the rules for it, and says why.
    pub(crate) fn mirror(&self, tools: &mut Vec<String>) -> Vec<String> {
        let (mut mirrored, mut wrong) = (HashMap::new(), Vec::new());
        tools.retain(|tool| {
            let name = text::member(tool, "name").unwrap_or_default();
            match Mirrored::of(protocol::json::member(tool, "inputSchema").unwrap_or("{}")) {
                Ok(found) => {
                    if !found.is_empty() {
                        mirrored.insert(name.into_owned(), found);
                    }
                    true
                }
                Err(reason) => {
                    wrong.push(format!("{name}: {reason}"));
                    false
                }
            }
        });
        *self.mirrored.lock().unwrap_or_else(PoisonError::into_inner) = mirrored;
        wrong
    }

    /// What the headers of a message say of it.
    pub(crate) fn headers(&self, of: &Arc<Conversation>, name: &str, params: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let version = of.terms().version;
        if name != method::INITIALIZE {
            headers.insert(VERSION, HeaderValue::from_static(version.name()));
        }
        if version.era() == Era::Legacy || name == method::INITIALIZE {
            if let Some(session) = &*self.session.lock().unwrap_or_else(PoisonError::into_inner) {
                headers.insert(SESSION, session.clone());
            }
            return headers;
        }
        if !name.is_empty() {
            headers.insert(METHOD, encoded(name));
        }
        let member = match name {
            method::TOOLS_CALL | method::PROMPTS_GET => "name",
            method::RESOURCES_READ => "uri",
            _ => return headers,
        };
        let Some(value) = text::member(params, member) else { return headers };
        headers.insert(NAME, encoded(&value));
        if name == method::TOOLS_CALL
            && let Some(mirrored) = self.mirrored.lock().unwrap_or_else(PoisonError::into_inner).get(&*value)
        {
            mirrored.put(params, &mut headers);
        }
        headers
    }

    /// Sends a request, and hands over what comes back until its answer has.
    pub(crate) async fn exchange(
        self: Arc<Self>,
        to: Weak<Conversation>,
        headers: HeaderMap,
        id: u64,
        text: String,
    ) {
        let reason = match self.send(Method::POST, headers, text).await {
            Ok(response) => self.read(&to, response, Some(id)).await,
            Err(reason) => Err(reason),
        };
        if let Some(conversation) = to.upgrade() {
            let reason = reason.err().unwrap_or_else(|| "it ended its answer without a result".to_owned());
            // Most often the answer has come, and nothing is left to fail.
            conversation.desk.fail(id, &reason);
        }
    }

    /// Sends what has no answer.
    pub(crate) async fn post(&self, headers: HeaderMap, text: String) {
        let sending = tokio::time::timeout(self.patience, self.send(Method::POST, headers, text));
        let sent = sending.await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()));
        if let Err(reason) = sent {
            tracing::debug!(server = self.server.name, reason, "a notification was not taken");
        }
    }

    /// Holds the stream of a server with sessions on which it tells what belongs to no request, for as long as it is polled.
    pub(crate) async fn listen(self: Arc<Self>, to: Weak<Conversation>) {
        let mut last: Option<HeaderValue> = None;
        loop {
            let Some(conversation) = to.upgrade() else { return };
            let mut headers = self.headers(&conversation, "", "");
            drop(conversation);
            headers.extend(last.clone().map(|last| (LAST_EVENT, last)));
            match self.send(Method::GET, headers, String::new()).await {
                Ok(response) if is_events(&response) => {
                    let mut events = events(response.into_body().into_data_stream(), self.longest);
                    while let Some(Ok(event)) = events.next().await {
                        if let Some(id) = event.id.and_then(|id| HeaderValue::from_str(&id).ok()) {
                            last = Some(id);
                        }
                        let (Some(conversation), Some(data)) = (to.upgrade(), event.data) else { continue };
                        conversation.take(&data, None);
                    }
                }
                Ok(response) if is_passing(response.status()) => {}
                // It offers none.
                Ok(_) => return,
                Err(reason) => tracing::trace!(server = self.server.name, reason, "nothing to listen to"),
            }
            tokio::time::sleep(LISTEN_PAUSE).await;
        }
    }

    async fn send(
        &self,
        method: Method,
        mut headers: HeaderMap,
        text: String,
    ) -> Result<Response<Incoming>, String> {
        let is_get = method == Method::GET;
        let accept = if is_get { EVENTS } else { "application/json, text/event-stream" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if !is_get {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &self.server.headers.0 {
            let (name, value) = (name.parse::<HeaderName>(), HeaderValue::from_str(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        if let Some(token) = self.token().await? {
            headers.insert(AUTHORIZATION, token);
        }
        let mut request = Request::new(Full::new(Bytes::from(text)));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) =
            (method, self.uri.clone(), headers);
        let sent = self.client.request(request).await;
        let response = sent.map_err(|error| format!("it can't be reached: {}", innermost(&error)))?;
        if let Some(session) = response.headers().get(SESSION) {
            *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
        }
        Ok(response)
    }

    /// The token that the bridge itself has for this server.
    async fn token(&self) -> Result<Option<HeaderValue>, String> {
        let token = match (&self.server.bearer_token_file, &self.server.bearer_token_env) {
            (Some(path), _) => {
                let read = tokio::task::spawn_blocking({
                    let path = path.clone();
                    move || std::fs::read_to_string(path)
                });
                let read = read.await.map_err(|error| error.to_string())?;
                read.map_err(|error| format!("bearer_token_file: {}: {error}", path.display()))?
            }
            (None, Some(name)) => {
                std::env::var(name).map_err(|_| format!("bearer_token_env: {name} is not set"))?
            }
            (None, None) => return Ok(None),
        };
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| "its bearer token has characters that HTTP does not allow".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Hands over what an answer holds.
    async fn read(
        &self,
        to: &Weak<Conversation>,
        response: Response<Incoming>,
        id: Option<u64>,
    ) -> Result<(), String> {
        let status = response.status();
        if is_events(&response) && status.is_success() {
            let mut events = events(response.into_body().into_data_stream(), self.longest);
            while let Some(event) = events.next().await {
                let event = event.map_err(|reason| format!("its answer broke off: {reason}"))?;
                let (Some(conversation), Some(data)) = (to.upgrade(), event.data) else { continue };
                if !data.is_empty() {
                    conversation.take(&data, id);
                }
            }
            return Ok(());
        }
        let body = Limited::new(response.into_body(), self.longest).collect().await.map_err(|error| {
            match error.downcast_ref::<LengthLimitError>() {
                Some(_) => format!("it sent a message of more than {} bytes", self.longest),
                None => format!("its answer broke off: {error}"),
            }
        })?;
        let body = body.to_bytes();
        let Some(conversation) = to.upgrade() else { return Ok(()) };
        if status == StatusCode::NOT_FOUND && conversation.terms().version.era() == Era::Legacy {
            conversation.lose("it has forgotten the session");
        }
        let text = std::str::from_utf8(&body).unwrap_or_default().trim();
        if text.starts_with('{') {
            conversation.take(text, id);
        }
        if status.is_success() { Ok(()) } else { Err(format!("it answered with status {status}")) }
    }
}

fn is_events(response: &Response<Incoming>) -> bool {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with(EVENTS))
}

/// Whether it may answer otherwise a little later.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// The innermost cause says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
