//! Which names the contract allows. Knows nothing of handlers.

pub(crate) const TOOL_EXECUTE: &str = protocol::Method::ToolExecute.name();
pub(crate) const TOOLS_CALL: &str = "tools/call";

pub(crate) fn is_backend_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

pub(crate) fn is_handler_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

/// A name, or a prefix such as `workflow.*`. `tool.execute` is not a method of its own: tools serve it.
pub(crate) fn is_method_pattern(pattern: &str) -> bool {
    let name = pattern.strip_suffix(".*").unwrap_or(pattern);
    pattern.len() <= 128 && is_handler_name(name) && pattern != TOOL_EXECUTE
}
