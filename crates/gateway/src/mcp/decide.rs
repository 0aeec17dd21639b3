//! What becomes of a request or notification. Asks nobody and waits for nothing.

use super::client::{Client, version_of};
use super::lists::{Asking, Listed};
use super::plan::{Ends, Plan, Shape, shown};
use super::{Wish, contexts, hello, sources, tools};
use crate::access::{Access, Forbidden};
use mcp::{Era, Error, Meta, Version, method, text, translate};
use protocol::json;
use router::{Handler, Mcp, Table};
use std::sync::Arc;
use std::time::Duration;

/// Whom a message is for: what there is, and what the caller may do.
pub(crate) struct Server<'a> {
    pub(crate) table: Arc<Table>,
    pub(crate) access: Access<'a>,
}

/// A request or notification.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Raw; "" for none.
    pub(crate) params: &'a str,
    pub(crate) meta: Meta<'a>,
    /// Who asks, in the legacy era; none before `initialize`.
    pub(crate) client: Option<&'a Client>,
    /// In which it is answered.
    pub(crate) version: Version,
}

/// What becomes of it.
#[derive(Debug)]
pub(crate) enum Becomes {
    /// It is answered with this result, which is as the client's version has it.
    Answer(String),
    /// It is answered with this error.
    Failure(Error),
    /// There is no such tool.
    NoTool(Error),
    /// The caller may not do it; what, and why.
    Forbidden(String, String),
    /// A backend is called.
    Call(Box<Plan>),
    /// Several backends are asked, or one whose answer is not the client's yet.
    Ask(Box<Asking>),
    /// News are told until the client wants no more. `basic/patterns/subscriptions`.
    Listen(Wish),
    /// A legacy client wants to hear of this resource, or no more.
    Subscribe(String, bool),
    /// A legacy client opens a session.
    Initialize(Box<Client>),
    /// A legacy client wants log messages from this level on.
    SetLevel(String),
    /// Nothing.
    Nothing,
}

impl<'a> Request<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// It does not say in which version it is written, or in one that is not spoken here.
    pub(crate) fn new(method: &'a str, params: &'a str, client: Option<&'a Client>) -> Result<Self, Error> {
        let meta = Meta::of(params);
        let version = version_of(method, &meta, client)?;
        Ok(Self { method, params, meta, client, version })
    }

    /// Its params as the newest version has them.
    pub(super) fn modern(&self) -> String {
        match (self.version.era(), self.client) {
            (Era::Legacy, Some(client)) => {
                translate::request::to_modern(self.params, &client.said()).into_owned()
            }
            _ => self.params.to_owned(),
        }
    }

    pub(super) fn shape(&self, ends: Ends) -> Shape {
        let level = match self.version.era() {
            Era::Legacy => self.client.map_or("", |client| &client.log_level),
            Era::Modern => self.meta.log_level.as_deref().unwrap_or_default(),
        };
        let token = self.meta.progress_token.map(|token| mcp::raw_id(token).into());
        let logs = matches!(level, "debug" | "info");
        Shape { version: self.version, progress_token: token, logs, ends }
    }

    fn text(&self, name: &str) -> Result<String, Error> {
        let found = text::member(self.params, name).map(std::borrow::Cow::into_owned);
        found.ok_or_else(|| Error::params(format!("params.{name} is missing: a string is needed")))
    }
}

impl Server<'_> {
    /// Whether the rules and the scopes let the caller ask this of a backend.
    pub(super) fn may_ask<'b>(&'b self, handler: &'b Handler, method: &str) -> Result<(), Forbidden<'b>> {
        self.access.permit.check_method(method).map_err(Forbidden::Rules)?;
        self.access.to(handler)
    }

    /// What becomes of a request.
    pub(crate) fn decide(&self, request: &Request<'_>) -> Becomes {
        let era = request.version.era();
        let asked = match request.method {
            method::TOOLS_LIST => Ok(tools::list(request, self, request.version)),
            method::TOOLS_CALL => Ok(tools::call(request, self)),
            method::RESOURCES_LIST | method::TEMPLATES_LIST | method::PROMPTS_LIST => self.list(request),
            method::RESOURCES_READ => self.read(request),
            method::PROMPTS_GET => self.prompt(request),
            method::COMPLETE => self.complete(request),
            method::DISCOVER if era == Era::Modern => Ok(Becomes::Answer(hello::discovered(self))),
            method::LISTEN if era == Era::Modern => Wish::of(request).map(Becomes::Listen),
            method::INITIALIZE if era == Era::Legacy => {
                Client::of(request.params).map(|client| Becomes::Initialize(Box::new(client)))
            }
            method::PING if era == Era::Legacy => Ok(Becomes::Answer("{}".to_owned())),
            method::SET_LEVEL if era == Era::Legacy => request.text("level").and_then(level),
            method::RESOURCES_SUBSCRIBE if era == Era::Legacy => {
                request.text("uri").map(|uri| Becomes::Subscribe(uri, true))
            }
            method::RESOURCES_UNSUBSCRIBE if era == Era::Legacy => {
                request.text("uri").map(|uri| Becomes::Subscribe(uri, false))
            }
            notification if notification.starts_with("notifications/") => Ok(Becomes::Nothing),
            unknown => Err(Error::no_method(unknown)),
        };
        asked.unwrap_or_else(Becomes::Failure)
    }

    /// A list of several sources.
    fn list(&self, request: &Request<'_>) -> Result<Becomes, Error> {
        let listed = match request.method {
            method::RESOURCES_LIST => Listed::Resources,
            method::TEMPLATES_LIST => Listed::Templates,
            _ => Listed::Prompts,
        };
        let cursor = tools::cursor(request.params)?;
        let sources = sources::with(self, listed.capability(), listed.method());
        let contexts = self
            .table
            .method("context.list")
            .filter(|handler| listed != Listed::Prompts && self.may_ask(handler, "context.list").is_ok());
        let contexts = contexts.cloned();
        Ok(Becomes::Ask(Box::new(Asking::list(listed, cursor, contexts, sources, request))))
    }

    fn read(&self, request: &Request<'_>) -> Result<Becomes, Error> {
        let uri = request.text("uri")?;
        let Some(id) = contexts::id_of(&uri) else {
            let sources = sources::of_uri(self, &uri, method::RESOURCES_READ);
            let none = || Error::no_resource(&uri, request.version.era());
            return one_or_each(request, method::RESOURCES_READ, sources).ok_or_else(none);
        };
        let name = "context.get";
        let missing = || Error::no_resource(&uri, request.version.era());
        let handler = self.table.method(name).ok_or_else(missing)?;
        if let Err(why) = self.may_ask(handler, name) {
            return Ok(Becomes::Forbidden(name.to_owned(), why.to_string()));
        }
        Ok(Becomes::Call(Box::new(Plan {
            handler: handler.clone(),
            method: name.into(),
            params: contexts::named(id),
            timeout: request.meta.timeout_ms.map(Duration::from_millis),
            shape: request.shape(Ends::Context),
        })))
    }

    fn complete(&self, request: &Request<'_>) -> Result<Becomes, Error> {
        let reference = json::member(request.params, "ref").unwrap_or("{}");
        let uri = text::member(reference, "uri");
        if uri.as_deref().is_some_and(|uri| uri.starts_with(contexts::SCHEME)) {
            let none = "{\"completion\":{\"values\":[]}}";
            return Ok(Becomes::Answer(shown(none, method::COMPLETE, request.version)));
        }
        let sources = match uri {
            Some(uri) => sources::of_uri(self, &uri, method::COMPLETE),
            // Of a prompt: whoever has completions is asked.
            None => sources::with(self, "completions", method::COMPLETE),
        };
        one_or_each(request, method::COMPLETE, sources).ok_or_else(|| Error::no_method(method::COMPLETE))
    }

    /// A prompt is asked of every backend that has prompts.
    fn prompt(&self, request: &Request<'_>) -> Result<Becomes, Error> {
        let name = request.text("name")?;
        let sources = sources::with(self, "prompts", method::PROMPTS_GET);
        let none = || Error::params(format!("Unknown prompt: {name}"));
        one_or_each(request, method::PROMPTS_GET, sources).ok_or_else(none)
    }
}

/// A call of the one source, or a question to each in turn; `None` without any.
fn one_or_each(request: &Request<'_>, method: &'static str, mut sources: Vec<Arc<Mcp>>) -> Option<Becomes> {
    if sources.len() > 1 {
        return Some(Becomes::Ask(Box::new(Asking::each(method, sources, request))));
    }
    let source = sources.pop()?;
    Some(Becomes::Call(Box::new(Plan {
        handler: source.methods.clone(),
        method: source.method(method).into(),
        params: request.modern(),
        timeout: request.meta.timeout_ms.map(Duration::from_millis),
        shape: request.shape(Ends::Server(method)),
    })))
}

fn level(level: String) -> Result<Becomes, Error> {
    const LEVELS: [&str; 8] =
        ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
    if LEVELS.contains(&&*level) {
        return Ok(Becomes::SetLevel(level));
    }
    Err(Error::params(format!("params.level must be one of {}", LEVELS.join(", "))))
}
