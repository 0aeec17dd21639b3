//! The resources, and the template of more.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

use crate::content::{IMAGE, document};

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";

pub(crate) fn list() -> Vec<Resource> {
    let of = |uri: &str, name: &str, description: &str, kind: &str| {
        Resource::new(uri, name).with_description(description).with_mime_type(kind)
    };
    vec![
        of(TEXT, "Static Text Resource", "A text that stays as it is", "text/plain"),
        of(BINARY, "Static Binary Resource", "An image that stays as it is", "image/png"),
        of(WATCHED, "Watched Resource", "A text that can be subscribed to", "text/plain"),
    ]
}

pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let template = ResourceTemplate::new("test://template/{id}/data", "Dynamic Resource");
    vec![template.with_description("A document for each id").with_mime_type("application/json")]
}

pub(crate) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let contents = match uri {
        TEXT => document(uri, "text/plain", "This is the content of the static text resource."),
        WATCHED => document(uri, "text/plain", "This is what is watched."),
        BINARY => ResourceContents::BlobResourceContents {
            uri: uri.into(),
            mime_type: Some("image/png".into()),
            blob: IMAGE.into(),
            meta: None,
        },
        _ => {
            let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
            let Some(id) = id else {
                return Err(ErrorData::resource_not_found(
                    format!("no resource {uri}"),
                    Some(json!({"uri": uri})),
                ));
            };
            let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            document(uri, "application/json", data.to_string())
        }
    };
    Ok(ReadResourceResult::new(vec![contents]))
}
