//! What an update does to a context, and what a context may be at most.
use serde_json::value::RawValue;

use crate::Error;
use crate::context::{Context, Outline};
use crate::limits::MEMBERS;
use crate::merge::{members, merge};
use crate::time::Time;
use crate::words;

/// How large the parts of a context may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) content: usize,
    pub(crate) metadata: usize,
}

/// What happens to one part of a context.
#[derive(Debug)]
pub(crate) enum Part {
    Kept,
    Replaced(Box<RawValue>),
    /// A JSON merge patch.
    Patched(Box<RawValue>),
}

/// An update.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) content: Part,
    pub(crate) metadata: Part,
    /// The version that the context must have.
    pub(crate) expected: Option<i64>,
    pub(crate) bounds: Bounds,
}

impl Bounds {
    /// Whether this may be a context's content and metadata.
    ///
    /// # Errors
    /// Names the field and what would be right.
    pub(crate) fn check(self, content: &RawValue, metadata: &RawValue) -> Result<(), Error> {
        let nested = |field| move |error: serde_json::Error| Error::invalid(field, error.to_string());
        within("content", content, self.content)?;
        within("metadata", metadata, self.metadata)?;
        words::check(content).map_err(nested("content"))?;
        words::check(metadata).map_err(nested("metadata"))?;
        match members(metadata).map_err(nested("metadata"))? {
            Some(members) if members.len() <= MEMBERS => Ok(()),
            Some(_) => Err(Error::invalid("metadata", format!("use at most {MEMBERS} members"))),
            None => Err(Error::invalid("metadata", "use a JSON object")),
        }
    }
}

/// A text counts as itself, other JSON as it was written.
fn within(field: &'static str, value: &RawValue, bound: usize) -> Result<(), Error> {
    let written = value.get();
    let found = match serde_json::from_str::<String>(written) {
        Ok(text) => text.len(),
        Err(_) => written.len(),
    };
    if found > bound { Err(Error::TooLarge { field, found, bound }) } else { Ok(()) }
}

impl Change {
    /// The context after the update.
    ///
    /// # Errors
    /// It has another version than was expected, or would be over its bounds.
    pub(crate) fn apply(self, context: Context) -> Result<Context, Error> {
        let Context { outline, content } = context;
        if self.expected.is_some_and(|expected| expected != outline.version) {
            return Err(Error::Conflict { version: outline.version });
        }
        let content = self.content.apply(content)?;
        let metadata = self.metadata.apply(outline.metadata)?;
        self.bounds.check(&content, &metadata)?;
        let updated_at = Time::now().max(outline.updated_at);
        Ok(Context {
            outline: Outline { version: outline.version + 1, updated_at, metadata, ..outline },
            content,
        })
    }
}

impl Part {
    fn apply(self, old: Box<RawValue>) -> Result<Box<RawValue>, Error> {
        match self {
            Self::Kept => Ok(old),
            Self::Replaced(new) => Ok(new),
            Self::Patched(patch) => merge(Some(&old), &patch).map_err(Error::failed),
        }
    }
}
