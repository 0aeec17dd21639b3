//! Names that the platform allows, and which server a name is of.

/// Between a server's name and its own name for a tool or prompt.
pub(crate) const SEPARATOR: &str = "__";
/// The longest name of a tool or prompt.
const LONGEST: usize = 128;

/// Whether a server may be called so.
pub(crate) fn is_server(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(fits)
        && !name.contains(SEPARATOR)
        && !name.ends_with('_')
}

/// The name with the server's before it, made to fit.
pub(crate) fn prefixed(server: &str, name: &str) -> String {
    fitting(&format!("{server}{SEPARATOR}{name}"), LONGEST)
}

/// The name as the platform allows it: each character that it does not becomes `_`, and what is too long is cut.
pub(crate) fn fit(name: &str) -> String {
    fitting(name, LONGEST)
}

/// The same of another length.
pub(crate) fn fitting(name: &str, longest: usize) -> String {
    let fitting = |character: char| match u8::try_from(character) {
        Ok(byte) if fits(byte) => character,
        _ => '_',
    };
    let name: String = name.chars().take(longest).map(fitting).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

fn fits(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_fit() {
        for (name, expected) in [("a/b c", "a_b_c"), ("é", "_"), ("", "_"), ("A.b_c-1", "A.b_c-1")] {
            assert_eq!(fit(name), expected, "{name}");
        }
        assert_eq!(fit(&"x".repeat(200)).len(), 128);
        assert_eq!(prefixed("s", "a b"), "s__a_b");
        assert!(is_server("a_b") && !is_server("a__b") && !is_server("a_") && !is_server(""));
    }
}
