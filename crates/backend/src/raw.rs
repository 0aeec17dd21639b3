//! JSON that is carried and not looked into.
use std::borrow::Cow;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::value::RawValue;

use crate::{Answer, Failure, Params};

/// One JSON value as its bytes. As a handler's params: the caller's bytes, unchanged (`{}` if it gave none).
/// As a result: sent unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(Bytes);

impl Raw {
    /// Takes JSON text.
    ///
    /// # Errors
    /// The text is not exactly one JSON value.
    pub fn parse(json: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let json = json.into();
        serde_json::from_slice::<&RawValue>(&json)?;
        Ok(Self(json))
    }

    /// The text `{}`.
    pub const fn empty() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON text.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Params for Raw {
    fn from_json(json: &Bytes) -> Result<Self, Failure> {
        Ok(Self(if json.is_empty() { Bytes::from_static(b"{}") } else { json.clone() }))
    }
}

impl Answer for Raw {
    fn into_json(self) -> Result<Bytes, Failure> {
        Ok(self.0)
    }
}

/// Any JSON.
impl JsonSchema for Raw {
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
