//! The names of requests and notifications that are known by name.

/// `basic/lifecycle` of 2025-11-25 and earlier.
pub const INITIALIZE: &str = "initialize";
/// The client has read the answer to `initialize`.
pub const INITIALIZED: &str = "notifications/initialized";
/// `basic/utilities/ping` of 2025-11-25 and earlier.
pub const PING: &str = "ping";
/// `server/discover`.
pub const DISCOVER: &str = "server/discover";
/// `server/tools`.
pub const TOOLS_LIST: &str = "tools/list";
/// `server/tools`.
pub const TOOLS_CALL: &str = "tools/call";
/// `server/resources`.
pub const RESOURCES_LIST: &str = "resources/list";
/// `server/resources`.
pub const TEMPLATES_LIST: &str = "resources/templates/list";
/// `server/resources`.
pub const RESOURCES_READ: &str = "resources/read";
/// `server/resources` of 2025-11-25 and earlier.
pub const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
/// `server/resources` of 2025-11-25 and earlier.
pub const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
/// `server/prompts`.
pub const PROMPTS_LIST: &str = "prompts/list";
/// `server/prompts`.
pub const PROMPTS_GET: &str = "prompts/get";
/// `server/utilities/completion`.
pub const COMPLETE: &str = "completion/complete";
/// `server/utilities/logging` of 2025-11-25 and earlier.
pub const SET_LEVEL: &str = "logging/setLevel";
/// `basic/patterns/subscriptions`.
pub const LISTEN: &str = "subscriptions/listen";
/// `basic/patterns/subscriptions`.
pub const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// `basic/patterns/cancellation`.
pub const CANCELLED: &str = "notifications/cancelled";
/// `basic/patterns/progress`.
pub const PROGRESS: &str = "notifications/progress";
/// `server/utilities/logging`.
pub const LOG: &str = "notifications/message";
/// `server/tools`.
pub const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
/// `server/resources`.
pub const RESOURCES_CHANGED: &str = "notifications/resources/list_changed";
/// `server/prompts`.
pub const PROMPTS_CHANGED: &str = "notifications/prompts/list_changed";
/// `server/resources`.
pub const RESOURCE_UPDATED: &str = "notifications/resources/updated";
/// `client/roots` of 2025-11-25 and earlier.
pub const ROOTS_CHANGED: &str = "notifications/roots/list_changed";
/// `client/sampling`.
pub const SAMPLE: &str = "sampling/createMessage";
/// `client/elicitation`.
pub const ELICIT: &str = "elicitation/create";
/// `client/roots`.
pub const ROOTS_LIST: &str = "roots/list";
