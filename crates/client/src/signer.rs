//! Signs what is sent on one connection, with the key that the gateway gave for it. Does no I/O.

use std::fmt;
use std::time::UNIX_EPOCH;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{Format, signed};
use serde::Deserialize;

use crate::Error;

/// The one algorithm that is known.
const ALGORITHM: &str = "HMAC-SHA256";

/// The key of a connection as `initialize` tells it. How wrong clocks may be is the gateway's to judge.
#[derive(Deserialize)]
pub(crate) struct Key {
    algorithm: String,
    key: String,
    connection_id: String,
}

/// Signs each frame once, however many messages it has.
pub(crate) struct Signer {
    format: Format,
    /// What every MAC of the connection begins with has gone in already.
    begun: hmac::Context,
}

struct Mac(hmac::Context);

impl Signer {
    /// # Errors
    /// [`Error::Protocol`]: the key is not one, or it is for something unknown.
    pub(crate) fn new(key: &Key, format: Format) -> Result<Self, Error> {
        let Key { algorithm, key, connection_id } = key;
        if algorithm != ALGORITHM {
            return Err(Error::Protocol(format!(
                "messages are to be signed with {algorithm:?}, and {ALGORITHM} is all that is known"
            )));
        }
        let key = URL_SAFE_NO_PAD
            .decode(key)
            .map_err(|_| Error::Protocol("the key for signatures is not base64url".to_owned()))?;
        let mut begun = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        begun.update(signed::preamble(format, connection_id).as_bytes());
        Ok(Self { format, begun })
    }

    /// The messages of a frame, signed now. Each nonce has to be higher than the one before.
    pub(crate) fn sign(&self, messages: &[u8], nonce: u64) -> Vec<u8> {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let mut payload = Vec::with_capacity(messages.len() + signed::OVERHEAD);
        signed::write(self.format, messages, now, nonce, &mut payload, Mac(self.begun.clone()));
        payload
    }
}

impl signed::Mac for Mac {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn end(self) -> [u8; signed::MAC_LEN] {
        let mut mac = [0; signed::MAC_LEN];
        mac.copy_from_slice(self.0.sign().as_ref());
        mac
    }
}

/// Shows no key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
