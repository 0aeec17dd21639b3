//! Why a bridge could not be started. What a single call can be told is a [`backend::Failure`].

/// Why [`Service::start`](crate::Service::start) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The backend can't be served.
    #[error(transparent)]
    Backend(#[from] backend::Error),
    /// A setting is out of its range.
    #[error("bridge.{key} = {value}: {right} is needed")]
    Setting {
        /// Its key.
        key: &'static str,
        /// The value found.
        value: String,
        /// What would be right.
        right: String,
    },
}
