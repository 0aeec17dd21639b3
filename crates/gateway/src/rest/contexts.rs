//! `/contexts`: the methods `context.*` of whichever backend serves them, with the version as entity tag.

use super::answer::{self, Answer};
use super::ask::{Ask, JSON, MERGE_PATCH};
use super::body::object;
use super::execute::{told, with_repetition};
use super::problem::Problem;
use super::query::{Query, wrong};
use super::route;
use super::schema::Content;
use crate::kept::Work;
use bytes::Bytes;
use hyper::header::{ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION};
use hyper::{Method, StatusCode};
use protocol::{ErrorCode, json};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// What `context.update` takes.
#[derive(Serialize)]
struct Update<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_version: Option<u64>,
}

/// What `context.create` takes.
#[derive(Serialize)]
struct Create<'a> {
    content: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
}

/// What `context.get` and `context.delete` take.
#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_version: Option<u64>,
}

/// `/contexts`.
pub(super) async fn all(mut ask: Ask) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    if ask.head.method == Method::POST {
        let body = ask.needed_json(JSON).await?;
        let Content { content, metadata } = object(&body)?;
        let work = work(&ask, "context.create", &Create { content, metadata })?;
        let mut running = ask.run(work, &body).await?;
        let made = running.end().await.map_err(|failure| with_repetition(failure.into(), &running))?;
        return Ok(told(created(made), running.is_repeated()));
    }
    let params = params(
        &ask.query()?,
        &["cursor", "order", "agent", "created_after", "created_before", "updated_after", "updated_before"],
    )?;
    Ok(answer::json(StatusCode::OK, invoke(&ask, "context.list", &params).await?))
}

/// `/contexts/search`.
pub(super) async fn search(ask: Ask) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    let query = ask.query()?;
    let mut params = params(&query, &["id"])?;
    params.insert("query", raw(&query.needed("q")?)?);
    Ok(answer::json(StatusCode::OK, invoke(&ask, "context.search", &params).await?))
}

/// `/contexts/{id}`.
pub(super) async fn one(mut ask: Ask, id: &str) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    let method = ask.head.method.clone();
    match method {
        Method::PUT => {
            let body = ask.needed_json(JSON).await?;
            let Content { content, metadata } = object(&body)?;
            let none = raw(&serde_json::Map::new())?;
            let metadata = Some(metadata.unwrap_or(&none));
            update(&ask, Update { id, content: Some(content), metadata, patch: None, expected_version: None })
                .await
        }
        Method::PATCH => {
            let body = ask.needed_json(MERGE_PATCH).await?;
            let patch = serde_json::from_str(&body).map_err(|error| wrong(format!("the body: {error}")))?;
            let patch = Some(patch);
            update(&ask, Update { id, content: None, metadata: None, patch, expected_version: None }).await
        }
        Method::DELETE => {
            let expected_version = expected(&ask)?;
            change(&ask, "context.delete", &Named { id, expected_version }).await?;
            Ok(answer::empty(StatusCode::NO_CONTENT))
        }
        _ => {
            let found = invoke(&ask, "context.get", &Named { id, expected_version: None }).await?;
            let tag = tag(&found);
            if let (Some(known), Some(tag)) = (ask.header(&IF_NONE_MATCH)?, &tag)
                && tags(known).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
            {
                return Ok(tagged(answer::empty(StatusCode::NOT_MODIFIED), Some(tag)));
            }
            Ok(tagged(answer::json(StatusCode::OK, found), tag.as_deref()))
        }
    }
}

async fn update(ask: &Ask, mut update: Update<'_>) -> Result<Answer, Problem> {
    update.expected_version = expected(ask)?;
    let updated = change(ask, "context.update", &update).await?;
    let tag = tag(&updated);
    Ok(tagged(answer::json(StatusCode::OK, updated), tag.as_deref()))
}

/// The version that the context must have, if the client says so.
fn expected(ask: &Ask) -> Result<Option<u64>, Problem> {
    ask.header(&IF_MATCH)?.filter(|condition| *condition != "*").map(version).transpose()
}

/// Another version than that of `If-Match` is what RFC 9110, section 13.1.1 calls a failed precondition.
async fn change(ask: &Ask, method: &'static str, params: &impl Serialize) -> Result<Bytes, Problem> {
    let is_conditional = ask.head.headers.contains_key(IF_MATCH);
    invoke(ask, method, params).await.map_err(|problem| {
        if is_conditional && problem.is(ErrorCode::Conflict) {
            return problem.status(StatusCode::PRECONDITION_FAILED);
        }
        problem
    })
}

/// The version that an `If-Match` names. One that no context can have is never matched.
fn version(condition: &str) -> Result<u64, Problem> {
    if tags(condition).nth(1).is_some() {
        return Err(wrong("If-Match must be one entity tag, as the ETag of the context was".to_owned()));
    }
    let digits = condition.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or_default();
    let version = digits.parse().ok().filter(|version: &u64| version.to_string() == digits);
    version.ok_or_else(|| {
        let detail = "If-Match is no entity tag of a context: send its ETag as it was told";
        Problem::new(ErrorCode::Conflict, detail).status(StatusCode::PRECONDITION_FAILED)
    })
}

fn tags(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(str::trim)
}

/// The entity tag of a context: its version.
fn tag(context: &Bytes) -> Option<String> {
    let version = member(context, "version")?;
    version.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("\"{version}\""))
}

fn member<'a>(object: &'a Bytes, name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(object).ok()?.trim();
    text.starts_with('{').then(|| json::member(text, name)).flatten()
}

fn tagged(mut answer: Answer, tag: Option<&str>) -> Answer {
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

fn created(context: Bytes) -> Answer {
    let id = member(&context, "id").and_then(|id| serde_json::from_str::<String>(id).ok());
    let location = id.and_then(|id| HeaderValue::from_str(&route::context(&id)).ok());
    let tag = tag(&context);
    let mut answer = tagged(answer::json(StatusCode::CREATED, context), tag.as_deref());
    if let Some(location) = location {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

type Members = std::collections::BTreeMap<&'static str, Box<RawValue>>;

/// The parameters that lists and searches have, as their methods take them.
fn params(query: &Query, texts: &[&'static str]) -> Result<Members, Problem> {
    let mut members = Members::new();
    for name in texts {
        if let Some(text) = query.text(name) {
            members.insert(name, raw(&text)?);
        }
    }
    if let Some(limit) = query.number("limit", u64::from(u32::MAX))? {
        members.insert("limit", raw(&limit)?);
    }
    if let Some(metadata) = query.text("metadata") {
        let right = || wrong("the parameter metadata must be a JSON object".to_owned());
        json::validate(metadata, 8).map_err(|_| right())?;
        let value = RawValue::from_string(metadata.to_owned()).map_err(|_| right())?;
        if !value.get().starts_with('{') {
            return Err(right());
        }
        members.insert("metadata", value);
    }
    Ok(members)
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, Problem> {
    serde_json::value::to_raw_value(value).map_err(|error| wrong(error.to_string()))
}

fn work(ask: &Ask, method: &'static str, params: &impl Serialize) -> Result<Work, Problem> {
    let table = ask.shard().router.table();
    let handler = table.method(method).ok_or_else(|| {
        Problem::new(
            ErrorCode::MethodNotFound,
            format!("no backend serves {method}: there are no contexts here"),
        )
    })?;
    let params = serde_json::to_vec(params).map_err(|error| wrong(error.to_string()))?;
    Ok(Work {
        handler: Arc::clone(handler),
        method: method.into(),
        params: params.into(),
        timeout: None,
        session: None,
    })
}

async fn invoke(ask: &Ask, method: &'static str, params: &impl Serialize) -> Result<Bytes, Problem> {
    Ok(ask.run(work(ask, method, params)?, "").await?.end().await?)
}
