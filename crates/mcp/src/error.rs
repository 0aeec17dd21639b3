//! Errors of JSON-RPC and of the protocol, and what the platform's own become. `basic`, "Error Codes".

use crate::text;
use crate::version::{Era, Version};
use protocol::{ErrorCode, json};

/// It is no JSON.
pub const PARSE_ERROR: i64 = -32700;
/// It is no message.
pub const INVALID_REQUEST: i64 = -32600;
/// There is no such method, or it is not offered.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The params are not what the method takes; also an unknown tool, prompt or resource.
pub const INVALID_PARAMS: i64 = -32602;
/// The server has failed.
pub const INTERNAL_ERROR: i64 = -32603;
/// There is no such resource: 2025-11-25 and earlier.
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// A page has to be visited before the request can be answered: 2025-11-25 alone.
pub const URL_NEEDED: i64 = -32042;
/// The headers say something else than the body.
pub const HEADER_MISMATCH: i64 = -32020;
/// The client would have to be able to do more.
pub const MISSING_CAPABILITY: i64 = -32021;
/// The version is not spoken here.
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// A code of JSON-RPC, of the protocol, or one of the platform's 4000s.
    pub code: i64,
    /// What was wrong and what would be right.
    pub message: String,
    /// Raw JSON.
    pub data: Option<String>,
}

impl Error {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The params are wrong.
    pub fn params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// There is no such method.
    pub fn no_method(method: &str) -> Self {
        Self::new(METHOD_NOT_FOUND, format!("there is no method {method:?} here"))
    }

    /// The version is not spoken here. `basic/versioning`, "Protocol Version Negotiation".
    pub fn version(asked: &str) -> Self {
        let data = format!("{{\"supported\":{},\"requested\":{}}}", Version::list(), text::quoted(asked));
        Self { data: Some(data), ..Self::new(UNSUPPORTED_VERSION, "Unsupported protocol version") }
    }

    /// What the client would have to be able to do, as an object of its capabilities. `basic`, "Per-request protocol fields".
    pub fn capability(member: &str) -> Self {
        let data = format!("{{\"requiredCapabilities\":{{{}:{{}}}}}}", text::quoted(member));
        let message = format!("the client would need the capability {member:?}");
        Self { data: Some(data), ..Self::new(MISSING_CAPABILITY, message) }
    }

    /// There is no such resource. `server/resources`, "Error Handling": the code depends on the era.
    pub fn no_resource(uri: &str, era: Era) -> Self {
        let code = match era {
            Era::Legacy => RESOURCE_NOT_FOUND,
            Era::Modern => INVALID_PARAMS,
        };
        let data = format!("{{\"uri\":{}}}", text::quoted(uri));
        Self { data: Some(data), ..Self::new(code, "Resource not found") }
    }

    /// What an error of the platform is here. Those of a server behind a bridge, `{"mcp": {code, message, data}}` in
    /// `details`, are passed on as they are; so are `details` as `data`. Codes without a counterpart in JSON-RPC keep their
    /// number, which is outside of all that is reserved.
    pub fn of(code: ErrorCode, message: &str, details: Option<&str>) -> Self {
        if let Some(error) = details.and_then(Self::of_server) {
            return error;
        }
        let code = match code {
            ErrorCode::InvalidMessage => INVALID_REQUEST,
            ErrorCode::MethodNotFound => METHOD_NOT_FOUND,
            ErrorCode::InvalidParams | ErrorCode::NotFound => INVALID_PARAMS,
            ErrorCode::Internal => INTERNAL_ERROR,
            other => i64::from(other.as_u16()),
        };
        Self { code, message: message.to_owned(), data: details.map(str::to_owned) }
    }

    /// The error of a server behind a bridge.
    fn of_server(details: &str) -> Option<Self> {
        Self::read(json::member(details, "mcp")?)
    }

    /// Reads a raw error object, such as the one of a [`crate::Message::Failure`].
    pub fn read(object: &str) -> Option<Self> {
        Some(Self {
            code: json::member(object, "code")?.parse().ok()?,
            message: text::member(object, "message")?.into_owned(),
            data: json::member(object, "data").map(str::to_owned),
        })
    }

    /// The nearest of the platform's codes, for whoever speaks no JSON-RPC.
    pub fn platform_code(&self) -> ErrorCode {
        match self.code {
            INVALID_PARAMS => ErrorCode::InvalidParams,
            METHOD_NOT_FOUND => ErrorCode::MethodNotFound,
            RESOURCE_NOT_FOUND => ErrorCode::NotFound,
            PARSE_ERROR | INVALID_REQUEST => ErrorCode::InvalidMessage,
            code => u16::try_from(code).ok().and_then(ErrorCode::from_u16).unwrap_or(ErrorCode::Internal),
        }
    }

    /// Appends the error object.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"code\":");
        out.extend_from_slice(itoa::Buffer::new().format(self.code).as_bytes());
        out.extend_from_slice(b",\"message\":");
        json::write_string(&self.message, out);
        if let Some(data) = &self.data {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(data.as_bytes());
        }
        out.push(b'}');
    }

    /// The error object as text.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_own_error_is_passed_on_with_its_data_as_written() {
        let details = r#"{"mcp":{"code":-32050,"message":"no","data":{ "a" : 1.0 }}}"#;
        let error = Error::of(ErrorCode::Internal, "other", Some(details));
        assert_eq!(error.to_json(), r#"{"code":-32050,"message":"no","data":{ "a" : 1.0 }}"#);
    }

    #[test]
    fn every_code_of_the_platform_has_one_here() {
        let code = |code| Error::of(code, "", None).code;
        assert_eq!(code(ErrorCode::NotFound), INVALID_PARAMS);
        assert_eq!(code(ErrorCode::RateLimited), 4002);
        for known in ErrorCode::ALL {
            let number = code(known);
            assert!((4000..4100).contains(&number) || (-32700..=-32600).contains(&number), "{number}");
        }
    }

    #[test]
    fn the_versions_that_are_spoken_are_told() {
        let error = Error::version("1900-01-01").to_json();
        assert!(
            error.contains(r#""code":-32022"#) && error.contains(r#""requested":"1900-01-01""#),
            "{error}"
        );
    }
}
