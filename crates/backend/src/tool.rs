//! A tool: a handler for `tool.execute` with what the platform shows of it.
use std::fmt;

use bytes::Bytes;
use protocol::pb;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RestrictFormats, Transform as _};
use schemars::{JsonSchema, Schema};

use crate::handlers::{Run, erase};
use crate::promises::promises;
use crate::{Answer, Call, Failure, Params, Raw};

/// A tool and the function that executes it.
pub struct Tool {
    pub(crate) declared: pb::Tool,
    pub(crate) run: Run,
}

impl Tool {
    /// A tool of this name, 1 to 128 of `[A-Za-z0-9._-]`. The JSON Schemas of args and result are derived from
    /// the function's types. The future is dropped when the call is cancelled; it must not block its thread.
    pub fn new<A, R, F, Fut>(name: impl Into<String>, execute: F) -> Self
    where
        A: Params + JsonSchema,
        R: Answer + JsonSchema,
        F: Fn(Call, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let output_schema = schema::<R>(SchemaSettings::draft2020_12().for_serialize());
        let declared = pb::Tool {
            name: name.into(),
            input_schema: schema::<A>(SchemaSettings::draft2020_12().for_deserialize()),
            // A schema that allows anything declares nothing.
            output_schema: if output_schema == "{}" { Bytes::new() } else { output_schema },
            annotations: Some(pb::Annotations::default()),
            ..pb::Tool::default()
        };
        Self { declared, run: erase(execute) }
    }

    /// A tool of a server of Model Context Protocol: `listed` is how that lists it, and the function answers both
    /// `tool.execute`, with the tool's arguments, and `tools/call`, with the params of that request. Either way its
    /// result is a CallToolResult.
    pub fn mcp<F, Fut>(name: impl Into<String>, listed: Raw, execute: F) -> Self
    where
        F: Fn(Call, Raw) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Raw, Failure>> + Send + 'static,
    {
        let declared = pb::Tool {
            name: name.into(),
            annotations: Some(pb::Annotations::default()),
            mcp: listed.into_bytes(),
            ..pb::Tool::default()
        };
        Self { declared, run: erase(execute) }
    }

    /// The JSON Schema of its args, where it is not derived from a type.
    #[must_use]
    pub fn input_schema(mut self, schema: Raw) -> Self {
        self.declared.input_schema = schema.into_bytes();
        self
    }

    /// The JSON Schema of its result, where it is not derived from a type.
    #[must_use]
    pub fn output_schema(mut self, schema: Raw) -> Self {
        self.declared.output_schema = schema.into_bytes();
        self
    }

    /// What the tool does, for whoever chooses among tools.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.declared.description = description.into();
        self
    }
}

promises!(Tool);

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.declared.name).finish_non_exhaustive()
    }
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Bytes {
    let mut schema: Schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    // Some clients complain of formats that are Rust's own, such as `uint64`, each time that they see them.
    RestrictFormats::default().transform(&mut schema);
    // `true` allows the same as `{}`, but readers of schemas expect an object.
    let fields = schema.ensure_object();
    // The dialect is that of the platform, and the title only the name of a Rust type.
    fields.remove("$schema");
    fields.remove("title");
    Bytes::from(schema.to_value().to_string())
}
