//! One thing that backends can do: a tool, or a method by name or prefix.
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use protocol::pb;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::wire;

/// What a handler declares about being run, and being run again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Annotations {
    /// Changes nothing.
    pub read_only: bool,
    /// Twice is the same as once.
    pub idempotent: bool,
    /// May destroy something that cannot be brought back.
    pub destructive: bool,
    /// A call goes on without its stream, and is found by its key.
    #[serde(skip)]
    pub joinable: bool,
}

impl Annotations {
    fn of(declared: Option<pb::Annotations>) -> Self {
        let declared = declared.unwrap_or_default();
        Self {
            read_only: declared.read_only,
            idempotent: declared.idempotent,
            destructive: declared.destructive,
            joinable: declared.joinable,
        }
    }

    /// What holds wherever the call lands, if replicas disagree.
    fn meet(self, other: Self) -> Self {
        Self {
            read_only: self.read_only && other.read_only,
            idempotent: self.idempotent && other.idempotent,
            destructive: self.destructive || other.destructive,
            joinable: self.joinable && other.joinable,
        }
    }

    /// Whether a call whose outcome is unknown may be sent again.
    pub fn may_repeat(self) -> bool {
        self.read_only || self.idempotent
    }
}

/// What a handler is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// By the tool's name, in tool.execute.
    Tool,
    /// By a method's name.
    Method,
    /// By the longest prefix of a method's name.
    Prefix,
}

/// A handler and the replicas that offer it. Part of one [`Table`](crate::Table), never changed.
#[derive(Clone, Debug)]
pub struct Handler {
    /// A tool's name, or a method's name or pattern (`workflow.*`).
    pub name: String,
    /// What it is found by.
    pub kind: Kind,
    /// The backend that offers it.
    pub backend: String,
    /// The caller must hold every one of these: the union of what the replicas declare.
    pub scopes: Vec<String>,
    /// What all replicas agree on; destructive if one says so.
    pub annotations: Annotations,
    /// Deadline where the caller names none; `None` is the router's default.
    pub timeout: Option<Duration>,
    /// Tools: the JSON object that tool.list shows, encoded. Methods: empty.
    pub listing: Bytes,
    /// Tools of a server of Model Context Protocol: the JSON object that it lists. Else empty.
    pub mcp: Bytes,
    /// See [`Handler::label`].
    pub(crate) label: OnceLock<usize>,
    /// Places in [`Table::replicas`](crate::Table::replicas).
    pub(crate) replicas: Vec<u32>,
    /// The table that those places are in.
    pub(crate) table: u64,
    /// The fields of a CallRequest that name this handler.
    pub(crate) encoded: Bytes,
}

impl Handler {
    /// The number by which whoever counts its calls knows it; 0 until one was given.
    pub fn label(&self) -> usize {
        self.label.get().copied().unwrap_or_default()
    }

    /// Gives it its number, before anybody calls it. It keeps the first.
    pub fn set_label(&self, label: usize) {
        let _ = self.label.set(label);
    }

    /// How many replicas offer it; never 0.
    pub fn replicas(&self) -> usize {
        self.replicas.len()
    }
}

/// One replica's declaration of a handler.
#[derive(Clone, Copy)]
pub(crate) enum Declared<'a> {
    Tool(&'a pb::Tool),
    Method(&'a pb::Method),
}

impl<'a> Declared<'a> {
    pub(crate) fn name(self) -> &'a str {
        match self {
            Self::Tool(tool) => &tool.name,
            Self::Method(method) => &method.pattern,
        }
    }

    fn scopes(self) -> &'a [String] {
        match self {
            Self::Tool(tool) => &tool.scopes,
            Self::Method(method) => &method.scopes,
        }
    }

    fn annotations(self) -> Annotations {
        Annotations::of(match self {
            Self::Tool(tool) => tool.annotations,
            Self::Method(method) => method.annotations,
        })
    }

    fn timeout_ms(self) -> u32 {
        match self {
            Self::Tool(tool) => tool.timeout_ms,
            Self::Method(method) => method.timeout_ms,
        }
    }
}

/// Makes one handler of what the replicas of one backend declare under one name. The first decides
/// what is described; what a call may do is what holds at every replica.
pub(crate) fn merge(table: u64, backend: &str, declared: &[(u32, Declared<'_>)]) -> Option<Handler> {
    let (_, first) = *declared.first()?;
    let mut scopes: Vec<String> = Vec::new();
    let mut annotations = first.annotations();
    for (_, each) in declared {
        annotations = annotations.meet(each.annotations());
        for scope in each.scopes() {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
    }
    let timeout_ms = first.timeout_ms();
    let (kind, listing, encoded) = match first {
        Declared::Tool(tool) => {
            (Kind::Tool, listing(tool, annotations, &scopes, timeout_ms, backend)?, wire::tool(&tool.name))
        }
        Declared::Method(method) if crate::names::prefix(&method.pattern).is_some() => {
            (Kind::Prefix, Bytes::new(), Bytes::new())
        }
        Declared::Method(_) => (Kind::Method, Bytes::new(), Bytes::new()),
    };
    let mcp = match first {
        Declared::Tool(tool) => tool.mcp.clone(),
        Declared::Method(_) => Bytes::new(),
    };
    Some(Handler {
        name: first.name().to_owned(),
        kind,
        backend: backend.to_owned(),
        scopes,
        annotations,
        timeout: (timeout_ms > 0).then(|| Duration::from_millis(u64::from(timeout_ms))),
        listing,
        mcp,
        label: OnceLock::new(),
        replicas: declared.iter().map(|(place, _)| *place).collect(),
        table,
        encoded,
    })
}

/// Checks that this is the JSON text of an object; empty is not declared.
pub(crate) fn object(text: &[u8]) -> Result<Option<&RawValue>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = simdutf8::basic::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| format!("is not JSON ({error})"))?;
    if !raw.get().starts_with('{') {
        return Err("is not a JSON object".to_owned());
    }
    Ok(Some(raw))
}

#[derive(Serialize)]
struct Listing<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'a RawValue>,
    annotations: Annotations,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
    backend: &'a str,
}

fn listing(
    tool: &pb::Tool,
    annotations: Annotations,
    scopes: &[String],
    timeout_ms: u32,
    backend: &str,
) -> Option<Bytes> {
    let any = object(br#"{"type":"object"}"#).ok().flatten()?;
    let listing = Listing {
        name: &tool.name,
        description: &tool.description,
        input_schema: object(&tool.input_schema).ok()?.unwrap_or(any),
        output_schema: object(&tool.output_schema).ok()?,
        annotations,
        scopes,
        timeout_ms: (timeout_ms > 0).then_some(timeout_ms),
        backend,
    };
    serde_json::to_vec(&listing).ok().map(Bytes::from)
}
