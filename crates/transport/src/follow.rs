//! Files that are looked at again before each use. Whatever goes wrong, what the last good ones made stays.

use crate::TlsError;
use std::sync::{Arc, Mutex, PoisonError};

/// What `M`, the files as they were at one time, made: a `C`.
pub(crate) struct Followed<M, C>(Mutex<State<M, C>>);

struct State<M, C> {
    /// What was judged last, good or not.
    judged: M,
    made: Arc<C>,
    /// The last failure that was told.
    told: String,
}

impl<M: PartialEq, C> Followed<M, C> {
    pub(crate) fn new(judged: M, judge: impl FnOnce(&M) -> Result<C, TlsError>) -> Result<Self, TlsError> {
        let made = Arc::new(judge(&judged)?);
        Ok(Self(Mutex::new(State { judged, made, told: String::new() })))
    }

    /// Takes what was read now, if it is another than before and good.
    pub(crate) fn look(
        &self,
        read: Result<M, TlsError>,
        judge: impl FnOnce(&M) -> Result<C, TlsError>,
    ) -> Arc<C> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(material) if material == state.judged => {}
            Ok(material) => {
                match judge(&material) {
                    Ok(made) => {
                        (state.made, state.told) = (Arc::new(made), String::new());
                        tracing::info!("certificates and keys were read again");
                    }
                    Err(error) => state.tell(&error),
                }
                state.judged = material;
            }
            Err(error) => state.tell(&error),
        }
        Arc::clone(&state.made)
    }
}

impl<M, C> State<M, C> {
    /// Logs a failure once for as long as it stays the same.
    fn tell(&mut self, error: &TlsError) {
        let error = error.to_string();
        if error != self.told {
            tracing::error!(error, "certificates and keys were not taken; the last good ones stay");
            self.told = error;
        }
    }
}
