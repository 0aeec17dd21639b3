//! Signs what one connection sends, with the key that the gateway gave for it. Does no I/O.

use std::time::UNIX_EPOCH;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use protocol::{Format, signed};
use serde_json::Value;

/// The key of a connection.
#[derive(Debug)]
pub(crate) struct Signer {
    format: Format,
    /// What every MAC of the connection begins with has gone in already.
    begun: hmac::Context,
    nonce: u64,
}

struct Mac(hmac::Context);

impl Signer {
    /// From what `initialize` answered; nothing where it gave no key.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub(crate) fn of(result: &Value, format: Format) -> Result<Option<Self>, String> {
        let Some(signing) = result.get("signing") else { return Ok(None) };
        let text = |name: &str| signing[name].as_str().ok_or_else(|| format!("no signing.{name}"));
        let key =
            BASE64_URL_SAFE_NO_PAD.decode(text("key")?).map_err(|error| format!("signing.key: {error}"))?;
        let mut begun = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        begun.update(signed::preamble(format, text("connection_id")?).as_bytes());
        Ok(Some(Self { format, begun, nonce: 0 }))
    }

    /// The message, signed now.
    pub(crate) fn sign(&mut self, message: &[u8]) -> Vec<u8> {
        self.sign_at(message, UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64)
    }

    fn sign_at(&mut self, message: &[u8], now: u64) -> Vec<u8> {
        self.nonce += 1;
        let mut payload = Vec::with_capacity(message.len() + signed::OVERHEAD);
        signed::write(self.format, message, now, self.nonce, &mut payload, Mac(self.begun.clone()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_example_of_the_protocol_is() {
        let result = serde_json::json!({ "signing": {
            "algorithm": "HMAC-SHA256",
            "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "connection_id": "AAECAwQFBgcICQoLDA0ODw",
            "skew_ms": 30000,
        }});
        let mut signer = Signer::of(&result, Format::Json).expect("a key").expect("it is there");
        let message = br#"{"id":1,"type":0,"method":"echo","params":"hi"}"#;
        let signed = String::from_utf8(signer.sign_at(message, 1_769_860_800_000)).expect("text");
        assert!(
            signed.ends_with(r#""nonce":1,"signature":"7mWq_FLXESc3RwULIy13q6s_u-DOiTtTzZLiMuOh0uA"}"#),
            "{signed}"
        );
        assert!(Signer::of(&serde_json::json!({}), Format::Json).expect("no key is none").is_none());
    }
}
