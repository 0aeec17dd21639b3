//! What tools and prompts answer with.

use rmcp::model::{AudioContent, CallToolResult, ContentBlock, ResourceContents};

/// A red point, as PNG.
pub(crate) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";

/// No sound, as WAV.
const SOUND: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

pub(crate) fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

pub(crate) fn failure(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

pub(crate) fn image() -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::image(IMAGE, "image/png")])
}

pub(crate) fn sound() -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::Audio(AudioContent::new(SOUND, "audio/wav"))])
}

pub(crate) fn embedded() -> CallToolResult {
    let resource =
        document("test://embedded-resource", "text/plain", "This is an embedded resource content.");
    CallToolResult::success(vec![ContentBlock::resource(resource)])
}

pub(crate) fn mixed() -> CallToolResult {
    let resource =
        document("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#);
    CallToolResult::success(vec![
        ContentBlock::text("Multiple content types test:"),
        ContentBlock::image(IMAGE, "image/png"),
        ContentBlock::resource(resource),
    ])
}

pub(crate) fn document(uri: &str, kind: &str, text: impl Into<String>) -> ResourceContents {
    ResourceContents::TextResourceContents {
        uri: uri.into(),
        mime_type: Some(kind.into()),
        text: text.into(),
        meta: None,
    }
}
