//! A message from the gateway, read in whole: what is neither the answer that was expected nor an event.

use protocol::binary::{HEADER_LEN, Header};
use protocol::{ErrorCode, Format, Kind};
use serde_json::Value;

/// The most of an error that is shown.
const TOLD_CHARS: usize = 300;

/// A message.
#[derive(Debug)]
pub(crate) struct Answer {
    kind: Kind,
    /// The method of a notification.
    pub(crate) method: String,
    /// The result; or the kind of an error, and what it says.
    pub(crate) outcome: Result<Value, (String, String)>,
}

impl Answer {
    /// Reads it.
    ///
    /// # Errors
    /// That it is no message, and what it is instead.
    pub(crate) fn read(format: Format, payload: &[u8]) -> Result<Self, String> {
        let text = || String::from_utf8_lossy(payload).chars().take(TOLD_CHARS).collect::<String>();
        let mut body: Value = match format {
            Format::Json => {
                serde_json::from_slice(payload).map_err(|error| format!("{error}: {}", text()))?
            }
            Format::Binary => {
                let header = Header::decode(payload.first_chunk().ok_or("less than a header")?);
                let kind = header.kind;
                let body: Value = serde_json::from_slice(&payload[HEADER_LEN..]).unwrap_or_default();
                let method = protocol::Method::from_code(header.method).map(protocol::Method::name);
                let field = if kind == Kind::Error.as_u8() { "error" } else { "result" };
                serde_json::json!({ "type": kind, "method": method, field: body })
            }
        };
        let kind = body["type"].as_u64().and_then(|kind| u8::try_from(kind).ok()).and_then(Kind::from_u8);
        let kind = kind.ok_or_else(|| format!("a message without a type: {}", text()))?;
        let outcome = match kind {
            Kind::Error => Err(error(&body["error"])),
            _ => Ok(body["result"].take()),
        };
        Ok(Self { kind, method: body["method"].as_str().unwrap_or_default().to_owned(), outcome })
    }

    /// Whether nothing asked for it.
    pub(crate) fn is_notification(&self) -> bool {
        !matches!(self.kind, Kind::Response | Kind::Error)
    }
}

fn error(error: &Value) -> (String, String) {
    let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default();
    let known = ErrorCode::ALL.iter().find(|known| known.as_u16() == code);
    let kind =
        known.map_or_else(|| format!("error {code}"), |known| format!("error {code} {}", known.name()));
    let told = error["message"].as_str().unwrap_or_default().chars().take(TOLD_CHARS).collect();
    (kind, told)
}
