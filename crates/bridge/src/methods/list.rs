//! Lists: each server's in order, a page of one server at a time. A cursor tells the server, and where in its list.
use crate::calls::raw;
use crate::federation::Federation;
use crate::settings::Partial;
use backend::{Call, Failure, Raw};
use mcp::cursor::Cursor;
use mcp::translate::result::{Cache, to_modern};
use mcp::{Edit, Error, method, text};
use protocol::json;

pub(super) async fn resources(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let kind = Kind { method: method::RESOURCES_LIST, capability: "resources", member: "resources" };
    page(federation, call, params, &kind).await
}

pub(super) async fn templates(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let kind = Kind { method: method::TEMPLATES_LIST, capability: "resources", member: "resourceTemplates" };
    page(federation, call, params, &kind).await
}

pub(super) async fn prompts(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let kind = Kind { method: method::PROMPTS_LIST, capability: "prompts", member: "prompts" };
    page(federation, call, params, &kind).await
}

struct Kind {
    method: &'static str,
    capability: &'static str,
    member: &'static str,
}

async fn page(federation: &Federation, call: &Call, params: &str, kind: &Kind) -> Result<Raw, Failure> {
    let cursor = match text::member(params, "cursor") {
        Some(cursor) => Some(
            Cursor::read(&cursor)
                .ok_or_else(|| Failure::invalid_params("cursor: it is not one of this list"))?,
        ),
        None => None,
    };
    let (mut at, mut inside) = match cursor {
        Some(Cursor { source, at }) => {
            let place = federation.servers.iter().position(|server| server.name() == source);
            (place.ok_or_else(|| Failure::invalid_params("cursor: its server is gone; begin anew"))?, at)
        }
        None => (0, None),
    };
    while at < federation.servers.len() {
        let server = &federation.servers[at];
        let next =
            federation.servers.get(at + 1).map(|next| Cursor { source: next.name().to_owned(), at: None });
        match of_server(federation, call, params, kind, at, inside.take().as_deref()).await {
            Ok(Some(found)) => {
                let rest =
                    found.cursor.map(|rest| Cursor { source: server.name().to_owned(), at: Some(rest) });
                let cursor = rest.or(next);
                // An empty page in the middle would only be asked past.
                if found.entries.is_empty() && cursor.is_some() && found.is_end {
                    at += 1;
                    continue;
                }
                return raw(written(kind, &found.entries, cursor));
            }
            Ok(None) => {}
            Err(error) if federation.settings.partial == Partial::Fail => {
                return Err(crate::calls::failure(&error.to_json()));
            }
            Err(error) => {
                let (server, method) = (server.name(), kind.method);
                tracing::warn!(
                    server,
                    method,
                    error = error.message,
                    "a server's part of a list is left out"
                );
            }
        }
        at += 1;
    }
    raw(written(kind, &[], None))
}

/// A page of one server's list.
struct Found {
    entries: Vec<String>,
    cursor: Option<String>,
    is_end: bool,
}

async fn of_server(
    federation: &Federation,
    call: &Call,
    params: &str,
    kind: &Kind,
    at: usize,
    cursor: Option<&str>,
) -> Result<Option<Found>, Error> {
    // A session's child is not started to be told what is known already.
    if federation.catalog().offered(at).is_some_and(|offers| !offers.terms.has(kind.capability)) {
        return Ok(None);
    }
    let down = |failure: Failure| Error::new(mcp::error::INTERNAL_ERROR, failure.message);
    let conversation = federation.conversation(at, call).await.map_err(down)?;
    if !conversation.terms().has(kind.capability) {
        return Ok(None);
    }
    let edit = Edit::of(params);
    let edit = match cursor {
        Some(cursor) => edit.set_text("cursor", cursor),
        None => edit.remove("cursor"),
    };
    let page = match conversation.ask(kind.method, &edit.finish(), federation.patience()).await {
        Ok(page) => page,
        // Some have resources and know of no templates.
        Err(error) if error.code == mcp::error::METHOD_NOT_FOUND => return Ok(None),
        Err(error) => return Err(error),
    };
    let catalog = federation.catalog();
    let entries = text::elements(json::member(&page, kind.member).unwrap_or("[]"));
    let named = |entry: &str| {
        if kind.method != method::PROMPTS_LIST {
            return Some(entry.to_owned());
        }
        let own = text::member(entry, "name")?;
        let name = catalog.prompt_name(at, &own)?;
        Some(if name == own {
            entry.to_owned()
        } else {
            Edit::of(entry).set_text("name", name).finish().into_owned()
        })
    };
    let entries = entries.filter_map(named).collect();
    let cursor = text::member(&page, "nextCursor").map(|cursor| cursor.into_owned());
    let is_end = cursor.is_none();
    Ok(Some(Found { entries, cursor, is_end }))
}

fn written(kind: &Kind, entries: &[String], cursor: Option<Cursor>) -> String {
    let cursor =
        cursor.map(|cursor| format!(",\"nextCursor\":{}", text::quoted(&cursor.write()))).unwrap_or_default();
    let result = format!("{{\"{}\":[{}]{cursor}}}", kind.member, entries.join(","));
    to_modern(&result, kind.method, Cache::NONE, None).into_owned()
}
