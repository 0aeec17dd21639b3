//! Which names backends, tools and method patterns may have, and which the gateway keeps for itself.

use protocol::Method;

use crate::Kind;

/// Methods and prefixes that the gateway answers; no backend may offer them.
const OWNED: [&str; 5] = ["initialize", "echo", "tool", "event", "session"];

/// How a tool is called with the params of Model Context Protocol.
const TOOLS_CALL: &str = "tools/call";

/// The longest tool name or method pattern, in bytes.
const LONGEST: usize = 128;

/// Checks a backend's name: 1 to 64 of `[a-z0-9-]`.
pub(crate) fn backend(name: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits { Ok(()) } else { Err(format!("backend name {name:.80?} must be 1 to 64 of [a-z0-9-]")) }
}

/// Checks a tool's name: 1 to 128 of `[A-Za-z0-9._-]`.
pub(crate) fn tool(name: &str) -> Result<(), String> {
    if is_word(name) {
        Ok(())
    } else {
        Err(format!("tool name {name:.140?} must be 1 to 128 of [A-Za-z0-9._-]"))
    }
}

/// Checks a method's name or prefix pattern.
pub(crate) fn pattern(pattern: &str) -> Result<(), String> {
    let name = prefix(pattern).map_or(pattern, |prefix| &prefix[..prefix.len() - 1]);
    if !is_word(name) || pattern.len() > LONGEST || name.split('.').any(str::is_empty) {
        return Err(format!(
            "method {pattern:.140?} must be 1 to 128 of [A-Za-z0-9._-] without empty parts, as a name (`workflow.start`) or a prefix (`workflow.*`)"
        ));
    }
    let first = name.split('.').next().unwrap_or(name);
    if OWNED.contains(&first) {
        return Err(format!("method {pattern:?} belongs to the gateway, as do {}", OWNED.join(", ")));
    }
    Ok(())
}

/// The method that a backend is sent.
pub(crate) fn on_the_wire(kind: Kind, method: &str) -> &str {
    match kind {
        Kind::Tool if method != TOOLS_CALL => Method::ToolExecute.name(),
        _ => method,
    }
}

/// What the methods of Model Context Protocol begin with at this backend.
pub(crate) fn mcp(backend: &str) -> String {
    format!("mcp.{backend}.")
}

/// `workflow.` of the pattern `workflow.*`; `None` for a plain name.
pub(crate) fn prefix(pattern: &str) -> Option<&str> {
    pattern.strip_suffix('*').filter(|prefix| prefix.len() > 1 && prefix.ends_with('.'))
}

fn is_word(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backend_names_are_short_lower_case_words() {
        for good in ["a", "fs-tools", "b2", &"x".repeat(64)] {
            assert_eq!(backend(good), Ok(()), "{good}");
        }
        for bad in ["", "A", "a_b", "a.b", "ü", &"x".repeat(65)] {
            assert!(backend(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tool_names_are_words_of_letters_digits_and_three_marks() {
        for good in ["echo", "fs.read", "A_b-3", "tool.x", &"x".repeat(128)] {
            assert_eq!(tool(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a/b", "a*", "é", "a\n", &"x".repeat(129)] {
            assert!(tool(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_are_names_or_whole_prefixes() {
        for good in ["workflow.start", "workflow.*", "a.b.*", "context.get", "ping2"] {
            assert_eq!(pattern(good), Ok(()), "{good}");
        }
        for bad in ["", "*", ".*", "work*", "workflow.*.x", "a..b", ".a", "a.", "a..*", "a b"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_never_claim_what_the_gateway_owns() {
        for bad in ["initialize", "echo", "tool.execute", "tool.*", "tool", "event.x.*", "event", "session.*"]
        {
            assert!(pattern(bad).expect_err(bad).contains("belongs to the gateway"), "{bad}");
        }
        assert_eq!(pattern("tools.*"), Ok(()));
        assert_eq!(pattern("echoes"), Ok(()));
    }
}
