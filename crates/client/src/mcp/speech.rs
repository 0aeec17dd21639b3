//! What the client says of itself, and how its requests are written. Does no I/O.

use std::time::Duration;

use mcp::{Edit, Era, Id, Version, meta, method, write};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::asking::Handler;
use crate::session::{Server, Welcome};
use crate::ticket::Ticket;
use crate::wire::milliseconds;
use crate::{Error, Request, Session};

/// How the protocol is spoken on the connections of a client.
#[derive(Clone)]
pub(crate) struct Speech {
    pub(crate) version: Version,
    /// Raw objects.
    pub(crate) info: String,
    pub(crate) capabilities: String,
    /// How often something has to come on a connection: no gateway says so here.
    pub(crate) heartbeat: Duration,
    /// Who answers what servers ask.
    pub(crate) handler: Option<Handler>,
}

/// The answer to `initialize` or `server/discover`, as far as the client needs it.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "protocolVersion")]
    version: Option<String>,
    #[serde(rename = "serverInfo", default)]
    server: Server,
    #[serde(rename = "_meta", default)]
    meta: AnswerMeta,
}

#[derive(Default, Deserialize)]
struct AnswerMeta {
    #[serde(rename = "mcpw/session")]
    session: Option<Resumable>,
    #[serde(rename = "io.modelcontextprotocol/serverInfo")]
    server: Option<Server>,
}

/// How a session is resumed.
#[derive(Deserialize)]
struct Resumable {
    session_id: String,
    resume_token: String,
    resume_window_ms: u64,
    resumed: bool,
    #[serde(default)]
    resend: Vec<Value>,
}

impl Speech {
    pub(crate) fn is_modern(&self) -> bool {
        self.version.era() == Era::Modern
    }

    /// The first request of a connection: it opens a session, or takes this one up again, or there are none.
    pub(crate) fn opening(&self, resume: Option<Value>) -> Result<Request, Error> {
        if self.is_modern() {
            return Request::new(method::DISCOVER, json!({}));
        }
        let raw = |text: &str| RawValue::from_string(text.to_owned()).map_err(|error| unsendable(&error));
        let mut params = json!({
            "protocolVersion": self.version.name(),
            "capabilities": raw(&self.capabilities)?,
            "clientInfo": raw(&self.info)?,
        });
        if let Some(resume) = resume {
            params["_meta"] = json!({ meta::RESUME: resume });
        }
        Request::new(method::INITIALIZE, params)
    }

    /// What is said once a session is open.
    pub(crate) fn greeted(&self) -> Option<Request> {
        if self.is_modern() { None } else { Request::new(method::INITIALIZED, ()).ok() }
    }

    /// What the opening was answered with.
    ///
    /// # Errors
    /// It is no such answer, or in a version that was not asked for.
    pub(crate) fn welcome(&self, raw: &RawValue) -> Result<Welcome, Error> {
        let answer: Answer = serde_json::from_str(raw.get()).map_err(|error| {
            Error::Protocol(format!("the answer to the first request is not understood: {error}"))
        })?;
        if let Some(version) = answer.version.filter(|version| version != self.version.name()) {
            let reason = format!("version {} was asked for, the answer is in {version}", self.version);
            return Err(Error::Protocol(reason));
        }
        let session = answer.meta.session;
        let id = session.as_ref().map(|session| session.session_id.clone()).unwrap_or_default();
        let window = session.as_ref().map(|session| Duration::from_millis(session.resume_window_ms));
        Ok(Welcome {
            session: Session {
                session_id: id,
                resumable: session.is_some(),
                resumed: session.as_ref().is_some_and(|session| session.resumed),
                resume_window: window.filter(|window| !window.is_zero()),
                server: answer.meta.server.unwrap_or(answer.server),
                heartbeat: Some(self.heartbeat).filter(|period| !period.is_zero()),
                raw: raw.to_owned(),
                ..Session::unopened()
            },
            resend: session.iter().flat_map(|session| &session.resend).filter_map(Value::as_u64).collect(),
            ticket: session.map(|session| Ticket::new(session.session_id, session.resume_token)),
            subscriptions: Vec::new(),
            position: None,
            key: None,
        })
    }

    /// Appends a request, with all that it says of itself.
    pub(crate) fn request(&self, id: u64, request: &Request, timeout: Option<Duration>, out: &mut Vec<u8>) {
        let params = Edit::of(&request.params).within(meta::NAME, |mut edit| {
            if request.method != method::INITIALIZE {
                edit = edit.set(meta::PROGRESS_TOKEN, id.to_string());
            }
            if let Some(traceparent) = &request.traceparent {
                edit = edit.set_text("traceparent", traceparent);
            }
            if let Some(timeout) = timeout {
                edit = edit.set(meta::TIMEOUT_MS, milliseconds(timeout).to_string());
            }
            if self.is_modern() {
                edit = edit
                    .set_text(meta::PROTOCOL_VERSION, self.version.name())
                    .set(meta::CLIENT_INFO, &*self.info)
                    .set(meta::CLIENT_CAPABILITIES, &*self.capabilities);
            }
            edit
        });
        write::request(Id::Sequence(id), &request.method, params.finish().as_bytes(), out);
    }

    /// A request as its caller puts it, with a key if it has to be executed once and no session sees to that.
    ///
    /// # Errors
    /// The params are no object.
    pub(crate) fn prepared(&self, mut request: Request) -> Result<Request, Error> {
        if !request.params.is_empty() && !request.params.starts_with('{') {
            let reason = "params of this protocol are an object, or none";
            return Err(Error::Unsendable(reason.to_owned()));
        }
        if self.is_modern() && request.method == method::TOOLS_CALL {
            let key = mcp::text::quoted(&uuid::Uuid::now_v7().to_string());
            let edit = Edit::of(&request.params)
                .within(meta::NAME, |edit| edit.set_default(meta::IDEMPOTENCY_KEY, key));
            request.params = edit.finish().into_owned();
        }
        Ok(request)
    }
}

fn unsendable(error: &serde_json::Error) -> Error {
    Error::Unsendable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(version: Version) -> Speech {
        Speech {
            version,
            info: r#"{"name":"n"}"#.to_owned(),
            capabilities: r#"{"roots":{}}"#.to_owned(),
            heartbeat: Duration::from_secs(1),
            handler: None,
        }
    }

    fn written(version: Version, params: Value) -> Value {
        let speech = speech(version);
        let request = speech.prepared(Request::new("tools/call", params).expect("JSON")).expect("an object");
        let mut out = Vec::new();
        speech.request(7, &request, Some(Duration::from_millis(5)), &mut out);
        serde_json::from_slice(&out).expect("JSON")
    }

    #[test]
    fn a_modern_request_says_who_asks_and_has_a_key() {
        let request = written(Version::LATEST, json!({"name": "t", "_meta": {"own": 1}}));
        let meta = &request["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"], json!({"name": "n"}));
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({"roots": {}}));
        assert_eq!(
            (&meta["progressToken"], &meta["mcpw/timeoutMs"], &meta["own"]),
            (&json!(7), &json!(5), &json!(1))
        );
        assert!(meta["mcpw/idempotencyKey"].as_str().is_some_and(|key| key.len() == 36), "{request}");
        let own =
            written(Version::LATEST, json!({"_meta": {"mcpw/idempotencyKey": "k", "progressToken": 6}}));
        let meta = &own["params"]["_meta"];
        assert_eq!((&meta["mcpw/idempotencyKey"], &meta["progressToken"]), (&json!("k"), &json!(7)));
    }

    #[test]
    fn a_legacy_request_has_a_token_for_progress_and_no_key() {
        let request = written(Version::LATEST_LEGACY, json!({}));
        let meta = json!({"progressToken": 7, "mcpw/timeoutMs": 5});
        assert_eq!(
            request,
            json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"_meta": meta}})
        );
        let refused = speech(Version::LATEST).prepared(Request::new("a", [1]).expect("JSON"));
        assert!(matches!(refused, Err(Error::Unsendable(_))), "{refused:?}");
    }
}
