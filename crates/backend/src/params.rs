//! From the bytes of a call's params to what a handler takes.
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::Failure;

/// What a handler can take: any type that serde can read, or [`Raw`](crate::Raw).
pub trait Params: Sized {
    /// Reads the params. Empty bytes mean that the caller gave none; a serde type is then read from `{}`, or
    /// from `null` where it doesn't take an object.
    ///
    /// # Errors
    /// [`InvalidParams`](crate::ErrorCode::InvalidParams) with a message that names the field.
    fn from_json(json: &Bytes) -> Result<Self, Failure>;
}

impl<T: DeserializeOwned> Params for T {
    fn from_json(json: &Bytes) -> Result<Self, Failure> {
        if json.is_empty() {
            return read(b"{}").or_else(|failure| read(b"null").map_err(|_| failure));
        }
        read(json)
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    // Following the path of a field costs time, so it is only done once reading has failed.
    serde_json::from_slice(json).map_err(|error| {
        let error =
            match serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(json)) {
                Err(error) if error.path().iter().next().is_some() => {
                    format!("{}: {}", error.path(), error.inner())
                }
                _ => error.to_string(),
            };
        Failure::invalid_params(error)
    })
}
