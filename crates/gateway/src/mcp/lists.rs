//! Questions to several backends, one after the other: lists that have parts at each, and things that nobody else claims.

use super::contexts;
use super::decide::Request;
use super::plan::{Ends, Shape};
use crate::kept::Work;
use crate::rest::Plain;
use crate::shard::Shard;
use auth::Identity;
use bridge::Partial;
use bytes::Bytes;
use mcp::cursor::Cursor;
use mcp::{Edit, method, text};
use protocol::{ErrorCode, json};
use router::{Failure, Handler, Mcp};
use session_store::SessionId;
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A page ends with the part that makes it longer than this, in bytes.
const PAGE: usize = 256 << 10;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Resources,
    Templates,
    Prompts,
}

impl Listed {
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::Resources => method::RESOURCES_LIST,
            Self::Templates => method::TEMPLATES_LIST,
            Self::Prompts => method::PROMPTS_LIST,
        }
    }

    pub(super) const fn capability(self) -> &'static str {
        match self {
            Self::Resources | Self::Templates => "resources",
            Self::Prompts => "prompts",
        }
    }

    /// The member of the result that holds the list.
    const fn member(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }
}

/// A question.
#[derive(Debug)]
pub(crate) struct Asking {
    what: What,
    sources: Vec<Arc<Mcp>>,
    /// As the newest version has them.
    params: String,
    timeout: Option<Duration>,
    trace: (Box<str>, Box<str>),
    pub(crate) shape: Shape,
}

#[derive(Debug)]
enum What {
    /// The parts of a list from this place on; the first is that of the service of contexts.
    List(Listed, Option<Cursor>, Option<Arc<Handler>>),
    /// What the first one answers that knows of it.
    Each(&'static str),
}

/// A part of a list, and where the rest of it begins.
type Part = (Vec<String>, Option<String>);

impl Asking {
    pub(super) fn list(
        listed: Listed,
        cursor: Option<Cursor>,
        contexts: Option<Arc<Handler>>,
        sources: Vec<Arc<Mcp>>,
        request: &Request<'_>,
    ) -> Self {
        Self::new(What::List(listed, cursor, contexts), listed.method(), sources, request)
    }

    pub(super) fn each(method: &'static str, sources: Vec<Arc<Mcp>>, request: &Request<'_>) -> Self {
        Self::new(What::Each(method), method, sources, request)
    }

    fn new(what: What, method: &'static str, sources: Vec<Arc<Mcp>>, request: &Request<'_>) -> Self {
        let said = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or_default().into();
        Self {
            what,
            sources,
            params: request.modern(),
            timeout: request.meta.timeout_ms.map(Duration::from_millis),
            trace: (said(&request.meta.traceparent), said(&request.meta.tracestate)),
            shape: request.shape(Ends::Server(method)),
        }
    }

    /// Asks, for somebody who may have a session. The result is as the newest version has it. Dropped, what runs is cancelled.
    ///
    /// # Errors
    /// Nobody has answered, or nobody knows.
    pub(crate) async fn answer(
        self,
        shard: Rc<Shard>,
        identity: Identity,
        session: Option<SessionId>,
    ) -> Result<Bytes, Failure> {
        let asker = Asker { shard, identity, session, asking: &self };
        match &self.what {
            What::Each(method) => asker.each(method).await,
            What::List(listed, cursor, contexts) => {
                asker.list(*listed, cursor.as_ref(), contexts.as_ref()).await
            }
        }
    }
}

/// For whom is asked.
struct Asker<'a> {
    shard: Rc<Shard>,
    identity: Identity,
    session: Option<SessionId>,
    asking: &'a Asking,
}

impl Asker<'_> {
    async fn ask(&self, handler: &Arc<Handler>, method: String, params: String) -> Result<Bytes, Failure> {
        let work = Work {
            handler: handler.clone(),
            method: method.into(),
            params: params.into_bytes().into(),
            timeout: self.asking.timeout,
            session: self.session,
        };
        let (traceparent, tracestate) = &self.asking.trace;
        let mut running = Plain::begin(&self.shard, &self.identity, &work, (traceparent, tracestate), None)?;
        running.end().await
    }

    async fn each(&self, method: &str) -> Result<Bytes, Failure> {
        let mut last = Failure::new(ErrorCode::NotFound, "nobody here knows of it");
        for source in &self.asking.sources {
            match self.ask(&source.methods, source.method(method), self.asking.params.clone()).await {
                Err(failure) if is_unknown(&failure) => last = failure,
                answered => return answered,
            }
        }
        Err(last)
    }

    async fn list(
        &self,
        listed: Listed,
        cursor: Option<&Cursor>,
        contexts: Option<&Arc<Handler>>,
    ) -> Result<Bytes, Failure> {
        let from = cursor.map_or("", |cursor| &cursor.source);
        let at = |source: &str| {
            cursor.filter(|cursor| cursor.source == source).and_then(|cursor| cursor.at.as_deref())
        };
        let partial = self.shard.terms().config.mcp.partial;
        let mut page = Page { partial, items: String::new(), heard: false, failed: None };
        if from.is_empty()
            && let Some(handler) = contexts
        {
            let part = self.contexts(listed, handler, at("")).await;
            if let Some(next) = page.take("", part)? {
                return Ok(page.written(listed, Some(&next)));
            }
        }
        for source in self.asking.sources.iter().filter(|source| *source.backend >= *from) {
            if page.items.len() > PAGE {
                let next = Cursor { source: source.backend.clone(), at: None };
                return Ok(page.written(listed, Some(&next)));
            }
            let part = self.part(listed, source, at(&source.backend)).await;
            if let Some(next) = page.take(&source.backend, part)? {
                return Ok(page.written(listed, Some(&next)));
            }
        }
        match page.failed.take_if(|_| !page.heard) {
            Some(failure) => Err(failure),
            None => Ok(page.written(listed, None)),
        }
    }

    async fn contexts(
        &self,
        listed: Listed,
        handler: &Arc<Handler>,
        at: Option<&str>,
    ) -> Result<Part, Failure> {
        if listed == Listed::Templates {
            return Ok((vec![contexts::TEMPLATE.to_owned()], None));
        }
        let params = at.map_or_else(|| "{}".to_owned(), |at| format!("{{\"cursor\":{}}}", text::quoted(at)));
        let page = self.ask(handler, "context.list".to_owned(), params).await?;
        Ok(contexts::resources(&String::from_utf8_lossy(&page)))
    }

    async fn part(&self, listed: Listed, source: &Mcp, at: Option<&str>) -> Result<Part, Failure> {
        let edit = Edit::of(&self.asking.params);
        let params = match at {
            Some(at) => edit.set_text("cursor", at),
            None => edit.remove("cursor"),
        };
        let params = params.finish().into_owned();
        let result = self.ask(&source.methods, source.method(listed.method()), params).await?;
        let result = String::from_utf8_lossy(&result);
        let items = text::elements(json::member(&result, listed.member()).unwrap_or("[]"));
        let next = text::member(&result, "nextCursor").map(Cow::into_owned);
        Ok((items.map(str::to_owned).collect(), next))
    }
}

/// What was gathered.
struct Page {
    partial: Partial,
    items: String,
    /// Somebody has answered.
    heard: bool,
    failed: Option<Failure>,
}

impl Page {
    /// Takes in a part; where the rest of it begins. A part that can't be had is left out, if that is tolerated.
    fn take(&mut self, source: &str, part: Result<Part, Failure>) -> Result<Option<Cursor>, Failure> {
        match part {
            Ok((items, next)) => {
                self.heard = true;
                for item in items {
                    if !self.items.is_empty() {
                        self.items.push(',');
                    }
                    self.items += &item;
                }
                Ok(next.map(|at| Cursor { source: source.to_owned(), at: Some(at) }))
            }
            Err(failure) if self.partial == Partial::Fail => {
                let source = if source.is_empty() { "the service of contexts" } else { source };
                Err(Failure { message: format!("{source}: {}", failure.message).into(), ..failure })
            }
            Err(failure) => {
                tracing::warn!(source, code = failure.code.as_u16(), reason = %failure.message, "a part of a list is left out");
                self.failed = Some(failure);
                Ok(None)
            }
        }
    }

    fn written(&self, listed: Listed, next: Option<&Cursor>) -> Bytes {
        let next = next.map(|next| format!(",\"nextCursor\":\"{}\"", next.write())).unwrap_or_default();
        Bytes::from(format!("{{\"{}\":[{}]{next}}}", listed.member(), self.items))
    }
}

/// Whether a backend has said that it has no such thing.
const fn is_unknown(failure: &Failure) -> bool {
    matches!(failure.code, ErrorCode::NotFound | ErrorCode::InvalidParams | ErrorCode::MethodNotFound)
}
