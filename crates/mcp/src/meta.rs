//! `_meta`: what a message says about itself. `basic`, "_meta".

use crate::id::{Id, read_id};
use crate::text;
use protocol::json;
use std::borrow::Cow;

/// The member of params and results that it is.
pub const NAME: &str = "_meta";
/// The version that a request is written in.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Which client asks.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// What the client can be asked for.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Which log messages the client wants.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Which server has answered.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Which `subscriptions/listen` a notification is for.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// What notifications of progress are told apart by.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// Our own: what names a modern request in the journal.
pub const IDEMPOTENCY_KEY: &str = "mcpw/idempotencyKey";
/// Our own: how long the caller waits, in milliseconds.
pub const TIMEOUT_MS: &str = "mcpw/timeoutMs";
/// Our own: which session `initialize` takes up again.
pub const RESUME: &str = "mcpw/resume";
/// Our own: which session `initialize` has opened.
pub const SESSION: &str = "mcpw/session";

/// What a request says about itself. Raw values, but texts where only texts mean something; what is of another type counts as
/// absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta<'a> {
    /// Whether there was an object at all.
    pub is_there: bool,
    /// A string or an integer, raw.
    pub progress_token: Option<Id<'a>>,
    /// The version, as it was named.
    pub version: Option<Cow<'a, str>>,
    /// An object, raw.
    pub client_info: Option<&'a str>,
    /// An object, raw.
    pub client_capabilities: Option<&'a str>,
    /// A level, as it was named.
    pub log_level: Option<Cow<'a, str>>,
    /// W3C trace context.
    pub traceparent: Option<Cow<'a, str>>,
    /// W3C trace state.
    pub tracestate: Option<Cow<'a, str>>,
    /// 1 to 128 bytes where it counts; not checked here.
    pub idempotency_key: Option<Cow<'a, str>>,
    /// Above zero.
    pub timeout_ms: Option<u64>,
    /// An object, raw.
    pub resume: Option<&'a str>,
}

impl<'a> Meta<'a> {
    /// The `_meta` of these params.
    pub fn of(params: &'a str) -> Self {
        let Some(raw) = json::member(params, NAME).filter(|raw| raw.starts_with('{')) else {
            return Self::default();
        };
        let mut meta = Self { is_there: true, ..Self::default() };
        let object = |raw: &'a str| raw.starts_with('{').then_some(raw);
        for (name, value) in json::members(raw) {
            match &*name {
                PROGRESS_TOKEN => meta.progress_token = read_id(value),
                PROTOCOL_VERSION => meta.version = text::string(value),
                CLIENT_INFO => meta.client_info = object(value),
                CLIENT_CAPABILITIES => meta.client_capabilities = object(value),
                LOG_LEVEL => meta.log_level = text::string(value),
                "traceparent" => meta.traceparent = text::string(value),
                "tracestate" => meta.tracestate = text::string(value),
                IDEMPOTENCY_KEY => meta.idempotency_key = text::string(value),
                TIMEOUT_MS => meta.timeout_ms = value.parse().ok().filter(|timeout| *timeout > 0),
                RESUME => meta.resume = object(value),
                _ => {}
            }
        }
        meta
    }

    /// Whether the client can be asked this, by raw params or "". `client/*`: members of its capabilities say so.
    pub fn can_be_asked(&self, method: &str, params: &str) -> bool {
        can_be_asked(self.client_capabilities.unwrap_or("{}"), method, params)
    }
}

/// Whether a client with these capabilities can be asked this, by raw params or "".
pub fn can_be_asked(capabilities: &str, method: &str, params: &str) -> bool {
    use crate::method::{ELICIT, ROOTS_LIST, SAMPLE};
    let object = |of, name| json::member(of, name).filter(|value| value.starts_with('{'));
    match method {
        ROOTS_LIST => object(capabilities, "roots").is_some(),
        SAMPLE => object(capabilities, "sampling").is_some_and(|sampling| {
            let has_tools =
                json::member(params, "tools").or_else(|| json::member(params, "toolChoice")).is_some();
            !has_tools || object(sampling, "tools").is_some()
        }),
        ELICIT => object(capabilities, "elicitation").is_some_and(|elicitation| {
            match text::member(params, "mode").as_deref() {
                Some("url") => object(elicitation, "url").is_some(),
                // Without any mode it is forms, as it was before there were modes.
                _ => object(elicitation, "form").is_some() || object(elicitation, "url").is_none(),
            }
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_read_and_those_of_another_type_are_not() {
        let params = r#"{"_meta":{"progressToken":"t","traceparent":"00-x","mcpw/timeoutMs":5,
            "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},
            "io.modelcontextprotocol/logLevel":7,"other":[1]}}"#;
        let meta = Meta::of(params);
        assert_eq!(meta.progress_token, Some(Id::Token("\"t\"")));
        assert_eq!(meta.version.as_deref(), Some("2026-07-28"));
        assert_eq!(meta.timeout_ms, Some(5));
        assert_eq!(meta.log_level, None);
        assert!(meta.can_be_asked("roots/list", "") && !meta.can_be_asked("sampling/createMessage", ""));
        assert_eq!(Meta::of(r#"{"_meta":1}"#), Meta::default());
        assert_eq!(Meta::of(""), Meta::default());
    }

    #[test]
    fn a_client_is_asked_in_the_ways_that_it_knows() {
        let (url, form) = (r#"{"mode":"url"}"#, r#"{"mode":"form"}"#);
        for (elicitation, can) in [
            ("{}", [true, false]),
            (r#"{"form":{}}"#, [true, false]),
            (r#"{"url":{}}"#, [false, true]),
            (r#"{"form":{},"url":{}}"#, [true, true]),
            ("1", [false, false]),
        ] {
            let capabilities = format!(r#"{{"elicitation":{elicitation}}}"#);
            let asked = [form, url].map(|params| can_be_asked(&capabilities, "elicitation/create", params));
            assert_eq!(asked, can, "{elicitation}");
        }
        let tools = r#"{"messages":[],"tools":[]}"#;
        assert!(can_be_asked(r#"{"sampling":{}}"#, "sampling/createMessage", "{}"));
        assert!(!can_be_asked(r#"{"sampling":{}}"#, "sampling/createMessage", tools));
        assert!(can_be_asked(r#"{"sampling":{"tools":{}}}"#, "sampling/createMessage", tools));
    }
}
