//! A backend that serves `context.*` out of memory, each tenant its own.

use backend::{Backend, Call, ErrorCode, Failure, Handler, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What it holds; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Contexts(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    made: u64,
    /// In the order of their making.
    contexts: Vec<Context>,
}

#[derive(Clone, Debug)]
struct Context {
    number: u64,
    tenant: String,
    agent: String,
    content: Value,
    metadata: Map<String, Value>,
    version: u64,
}

#[derive(Deserialize)]
struct Create {
    content: Value,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Update {
    id: String,
    content: Option<Value>,
    metadata: Option<Map<String, Value>>,
    patch: Option<Value>,
    expected_version: Option<u64>,
}

#[derive(Deserialize)]
struct List {
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(default)]
    metadata: Map<String, Value>,
    agent: Option<String>,
}

#[derive(Deserialize)]
struct Search {
    query: String,
    id: Option<String>,
}

impl Context {
    fn id(&self) -> String {
        format!("c-{}", self.number)
    }

    fn shown(&self) -> Value {
        let at = "2026-01-31T12:00:00Z";
        json!({
            "id": self.id(), "agent": self.agent, "content": self.content, "metadata": self.metadata,
            "version": self.version, "created_at": at, "updated_at": at,
        })
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

fn unknown(id: &str) -> Failure {
    Failure::new(ErrorCode::NotFound, format!("no context {id:?}"))
}

impl Contexts {
    /// A backend of them.
    pub fn backend(&self) -> Backend {
        let held = |of: &Self| of.clone();
        let (create, find, update, delete, list, search) =
            (held(self), held(self), held(self), held(self), held(self), held(self));
        Backend::new("contexts")
            .method(Handler::new("context.create", move |call: Call, params: Create| {
                std::future::ready(create.create(&call, params))
            }))
            .method(
                Handler::new("context.get", move |call: Call, Named { id }: Named| {
                    std::future::ready(find.locked().find(&call, &id).map(|context| Json(context.shown())))
                })
                .read_only(),
            )
            .method(Handler::new("context.update", move |call: Call, params: Update| {
                std::future::ready(update.update(&call, params))
            }))
            .method(Handler::new("context.delete", move |call: Call, Named { id }: Named| {
                std::future::ready(delete.delete(&call, &id))
            }))
            .method(
                Handler::new("context.list", move |call: Call, params: List| {
                    std::future::ready(list.list(&call, &params))
                })
                .read_only(),
            )
            .method(
                Handler::new("context.search", move |call: Call, params: Search| {
                    std::future::ready(search.search(&call, &params))
                })
                .read_only(),
            )
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.locked().contexts.len()
    }

    fn locked(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create(&self, call: &Call, Create { content, metadata }: Create) -> Result<Json<Value>, Failure> {
        let mut held = self.locked();
        held.made += 1;
        let context = Context {
            number: held.made,
            tenant: call.tenant().to_owned(),
            agent: call.agent().to_owned(),
            content,
            metadata,
            version: 1,
        };
        held.contexts.push(context.clone());
        Ok(Json(context.shown()))
    }

    fn update(&self, call: &Call, update: Update) -> Result<Json<Value>, Failure> {
        let mut held = self.locked();
        let context = held.find(call, &update.id)?;
        if update.expected_version.is_some_and(|expected| expected != context.version) {
            let message = format!("the version is {}", context.version);
            return Err(Failure::new(ErrorCode::Conflict, message));
        }
        if let Some(content) = update.content {
            context.content = content;
        }
        if let Some(metadata) = update.metadata {
            context.metadata = metadata;
        }
        if let Some(patch) = update.patch {
            merge(&mut context.content, patch);
        }
        context.version += 1;
        Ok(Json(context.shown()))
    }

    fn delete(&self, call: &Call, id: &str) -> Result<Json<Value>, Failure> {
        let mut held = self.locked();
        let number = held.find(call, id)?.number;
        held.contexts.retain(|context| context.number != number);
        Ok(Json(json!({})))
    }

    fn list(&self, call: &Call, list: &List) -> Result<Json<Value>, Failure> {
        let after = match &list.cursor {
            None => 0,
            Some(cursor) => cursor.parse().map_err(|_| Failure::invalid_params("cursor: not one of ours"))?,
        };
        let limit = list.limit.unwrap_or(20).clamp(1, 100);
        let held = self.locked();
        let mut fitting = held.contexts.iter().filter(|context| {
            context.tenant == call.tenant()
                && context.number > after
                && list.agent.as_ref().is_none_or(|agent| *agent == context.agent)
                && list.metadata.iter().all(|(name, value)| context.metadata.get(name) == Some(value))
        });
        let page: Vec<&Context> = fitting.by_ref().take(limit).collect();
        let mut answer = json!({"contexts": page.iter().map(|context| context.shown()).collect::<Vec<_>>()});
        if let (Some(last), Some(_)) = (page.last(), fitting.next()) {
            answer["next_cursor"] = last.number.to_string().into();
        }
        Ok(Json(answer))
    }

    fn search(&self, call: &Call, search: &Search) -> Result<Json<Value>, Failure> {
        let held = self.locked();
        let matches = held.contexts.iter().filter(|context| {
            context.tenant == call.tenant() && search.id.as_ref().is_none_or(|id| *id == context.id())
        });
        let matches = matches.filter_map(|context| {
            let text = context.content.to_string();
            let at = text.find(&search.query)?;
            let snippet: String = text[at..].chars().take(40).collect();
            Some(json!({"id": context.id(), "snippet": snippet, "rank": 1.0}))
        });
        Ok(Json(json!({"matches": matches.collect::<Vec<_>>()})))
    }
}

impl Held {
    fn find(&mut self, call: &Call, id: &str) -> Result<&mut Context, Failure> {
        let mut own = self.contexts.iter_mut().filter(|context| context.tenant == call.tenant());
        own.find(|context| context.id() == id).ok_or_else(|| unknown(id))
    }
}
