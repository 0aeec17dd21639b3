//! From what a handler returns to the bytes of a result.
use std::borrow::Cow;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::Failure;

/// What a handler can return: any type that serde can write, or [`Raw`](crate::Raw).
pub trait Answer {
    /// Writes the answer as JSON text.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorCode::Internal) where the value has no JSON form.
    fn into_json(self) -> Result<Bytes, Failure>;
}

impl<T: Serialize> Answer for T {
    fn into_json(self) -> Result<Bytes, Failure> {
        serde_json::to_vec(&self).map(Bytes::from).map_err(Failure::internal)
    }
}

/// A tool's result without a schema: wraps any type that serde can write.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T> JsonSchema for Json<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}
