//! What servers and clients say that they can do, as the other era says it.

use crate::{Edit, Version};
use std::borrow::Cow;

/// A legacy server's capabilities as a modern one's: tasks have become an extension, and without negotiation there are none.
pub fn server_to_modern(capabilities: &str) -> Cow<'_, str> {
    Edit::of(capabilities).remove("tasks").finish()
}

/// A modern server's capabilities as those of a version with sessions.
pub fn server_to_legacy(capabilities: &str, version: Version) -> Cow<'_, str> {
    let edit = Edit::of(capabilities).remove("extensions");
    // They came with 2025-03-26.
    if version < Version::V2025_03_26 { edit.remove("completions").finish() } else { edit.finish() }
}

/// A modern client's capabilities as `initialize` tells them: `listChanged` of roots is not promised, since such a client
/// never notifies.
pub fn client_to_legacy(capabilities: &str, version: Version) -> Cow<'_, str> {
    let edit = Edit::of(capabilities).remove("extensions");
    // It came with 2025-06-18.
    let edit = if version < Version::V2025_06_18 { edit.remove("elicitation") } else { edit };
    edit.within("roots", |edit| edit.remove("listChanged")).finish()
}

/// A legacy client's capabilities as each modern request tells them.
pub fn client_to_modern(capabilities: &str) -> Cow<'_, str> {
    Edit::of(capabilities).remove("tasks").within("roots", |edit| edit.remove("listChanged")).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_version_has_not_is_left_out() {
        let server = r#"{"tools":{},"completions":{},"extensions":{},"x":1}"#;
        assert_eq!(server_to_legacy(server, Version::V2024_11_05), r#"{"tools":{},"x":1}"#);
        assert_eq!(server_to_legacy(server, Version::V2025_11_25), r#"{"tools":{},"completions":{},"x":1}"#);
        let client = r#"{"roots":{"listChanged":true},"elicitation":{}}"#;
        assert_eq!(client_to_legacy(client, Version::V2025_03_26), r#"{"roots":{}}"#);
        assert_eq!(client_to_modern(client), r#"{"roots":{},"elicitation":{}}"#);
    }
}
