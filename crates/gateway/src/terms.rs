//! What holds for clients at this moment, made of the settings at once. It never changes: new settings make new terms, and
//! each shard is handed them.

use crate::config::Config;
use crate::door::Door;
use crate::gateway::{Error, verifier};
use crate::limits::Limits;
use crate::ws;
use std::fmt;
use std::sync::Arc;

/// The terms under which clients are served.
#[derive(Clone)]
pub(crate) struct Terms {
    /// Tells them from those before and after.
    pub(crate) number: u32,
    pub(crate) config: Arc<Config>,
    pub(crate) verifier: Arc<auth::Verifier>,
    pub(crate) door: Arc<Door>,
    /// Who may do what.
    pub(crate) authorization: Arc<auth::Rules>,
    /// What one client may take.
    pub(crate) limits: Arc<Limits>,
    /// What frames may be.
    pub(crate) frames: ws::Rules,
    /// What messages may be.
    pub(crate) messages: protocol::Limits,
}

impl Terms {
    /// Those of these settings. Files that they name are read.
    ///
    /// # Errors
    /// What in them can't be used.
    pub(crate) fn new(config: Arc<Config>, limits: Limits) -> Result<Self, Error> {
        let websocket = &config.websocket;
        Ok(Self {
            number: 0,
            verifier: Arc::new(verifier(&config)?),
            door: Arc::new(Door::new(&config)?),
            authorization: Arc::new(auth::Rules::new(&config.authorization)?),
            limits: Arc::new(limits),
            frames: ws::Rules {
                max_frame: websocket.max_frame_size,
                max_message: websocket.max_message_size,
                max_fragments: websocket.max_fragments,
            },
            messages: protocol::Limits {
                depth: websocket.max_json_depth,
                batch: websocket.message_batch_size,
                inflated_bytes: websocket.max_message_size,
                ..protocol::Limits::default()
            },
            config,
        })
    }

    /// Those that follow them. What is counted for a limit that stays goes on being counted, and the keys of an issuer that
    /// stays are kept until they have been fetched anew.
    ///
    /// # Errors
    /// What in the settings can't be used.
    pub(crate) fn renewed(&self, config: Arc<Config>) -> Result<Self, Error> {
        let limits = self.limits.renewed(&config);
        let next = Self { number: self.number.wrapping_add(1), ..Self::new(config, limits)? };
        next.verifier.inherit(&self.verifier);
        Ok(next)
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms").field("number", &self.number).finish_non_exhaustive()
    }
}
