//! A context as it is kept and shown.
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::time::Time;
use crate::words;

/// What a context is, without its content.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    pub(crate) id: Uuid,
    /// Who made it.
    pub(crate) agent: String,
    /// From 1, one more with each update.
    pub(crate) version: i64,
    pub(crate) updated_at: Time,
    /// A JSON object.
    pub(crate) metadata: Box<RawValue>,
}

/// A context.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) outline: Outline,
    /// Any JSON.
    pub(crate) content: Box<RawValue>,
}

impl Context {
    /// A context that is made now.
    pub(crate) fn new(id: Uuid, agent: &str, content: Box<RawValue>, metadata: Box<RawValue>) -> Self {
        let agent = agent.to_owned();
        Self { outline: Outline { id, agent, version: 1, updated_at: Time::of(id), metadata }, content }
    }

    /// What a search looks at, and what snippets are cut from: every string of the content, then of the metadata.
    pub(crate) fn text(&self) -> String {
        words::text(&[&self.content, &self.outline.metadata])
    }
}

impl Serialize for Outline {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::of(self, None).serialize(serializer)
    }
}

impl Serialize for Context {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::of(&self.outline, Some(&self.content)).serialize(serializer)
    }
}

/// How both look on the wire.
#[derive(Serialize)]
struct Shown<'a> {
    id: Uuid,
    agent: &'a str,
    version: i64,
    created_at: Time,
    updated_at: Time,
    metadata: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a RawValue>,
}

impl<'a> Shown<'a> {
    fn of(outline: &'a Outline, content: Option<&'a RawValue>) -> Self {
        Self {
            id: outline.id,
            agent: &outline.agent,
            version: outline.version,
            created_at: Time::of(outline.id),
            updated_at: outline.updated_at,
            metadata: &outline.metadata,
            content,
        }
    }
}
