//! The token by which gateways know the backend: the text of a file, read again each time that the backend registers.
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::Error;

/// Puts the token on each request. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Token(Option<Arc<Inner>>);

struct Inner {
    path: PathBuf,
    value: Mutex<MetadataValue<Ascii>>,
}

impl Token {
    pub(crate) fn new(path: Option<PathBuf>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self(None)) };
        let value = read(&path)?;
        Ok(Self(Some(Arc::new(Inner { path, value: Mutex::new(value) }))))
    }

    /// Reads the file again. Whatever goes wrong, the last good token stays.
    pub(crate) async fn refresh(&self) {
        let Some(inner) = self.0.clone() else { return };
        let refreshed = tokio::task::spawn_blocking(move || match read(&inner.path) {
            Ok(value) => *inner.value.lock().unwrap_or_else(PoisonError::into_inner) = value,
            Err(error) => tracing::error!(%error, "the token was not taken; the last good one stays"),
        });
        // It fails only where the runtime ends.
        let _ = refreshed.await;
    }
}

fn read(path: &std::path::Path) -> Result<MetadataValue<Ascii>, Error> {
    let wrong = |reason: String| Error::RegistryToken { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong("it is empty; the text of the token is needed".to_owned()));
    }
    let mut value = MetadataValue::try_from(format!("Bearer {text}"))
        .map_err(|_| wrong("a token is one line of printable ASCII".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(inner) = &self.0 {
            let value = inner.value.lock().unwrap_or_else(PoisonError::into_inner).clone();
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}
