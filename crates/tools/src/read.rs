//! `fs.read`: a file, or a window of it.
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use backend::{Call, Failure, Tool};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::open::{Root, refused};
use crate::work::Work;

const DEFAULT_LIMIT: u64 = 1 << 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The file, relative to the root folder.
    path: String,
    /// The byte at which to start. Default 0.
    offset: Option<u64>,
    /// How many bytes to read at most. Default 1 MiB.
    limit: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct Window {
    path: String,
    /// The bytes as text, if they are UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The bytes in base64, if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_base64: Option<String>,
    /// The size of the whole file in bytes.
    size: u64,
    /// Whether the file goes on behind this window.
    truncated: bool,
    /// The offset at which to go on reading, if truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
}

pub(crate) fn tool(root: Arc<Root>, work: Work, max_read: u64) -> Tool {
    Tool::new("fs.read", move |_: Call, args: Args| {
        let (root, work) = (root.clone(), work.clone());
        async move { work.run(move || read(&root, args, max_read)).await }
    })
    .description(
        "Reads a file, or a window of its bytes. Text comes in `content`, anything that is not UTF-8 in \
         `content_base64`; a text window ends at a whole character.",
    )
    .read_only()
    .idempotent()
}

fn read(root: &Root, args: Args, max_read: u64) -> Result<Window, Failure> {
    let offset = args.offset.unwrap_or(0);
    let limit = args.limit.unwrap_or(DEFAULT_LIMIT.min(max_read));
    if limit == 0 || limit > max_read {
        return Err(Failure::invalid_params(format!("limit: use 1 to {max_read} bytes")));
    }
    if i64::try_from(offset).is_err() {
        return Err(Failure::invalid_params(format!("offset: use 0 to {}", i64::MAX)));
    }
    let mut file = root.file(&args.path)?;
    let fault = |error| refused(&args.path, &error);
    file.seek(SeekFrom::Start(offset)).map_err(fault)?;
    let mut bytes = Vec::new();
    // One byte more than asked for tells whether the file goes on.
    file.by_ref().take(limit + 1).read_to_end(&mut bytes).map_err(fault)?;
    let truncated = bytes.len() as u64 > limit;
    bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let (content, content_base64, taken) = match text(bytes, truncated) {
        Ok(text) => {
            let taken = text.len();
            (Some(text), None, taken)
        }
        Err(bytes) => (None, Some(BASE64_STANDARD.encode(&bytes)), bytes.len()),
    };
    let end = offset + taken as u64;
    let size = file.metadata().map_err(fault)?.len();
    // The file may change while it is read; its size must not contradict what was read of it.
    let size = if taken > 0 { size.max(end + u64::from(truncated)) } else { size };
    Ok(Window {
        path: args.path,
        content,
        content_base64,
        size,
        truncated,
        next_offset: truncated.then_some(end),
    })
}

/// The bytes as text; a character that the window cuts off is left for the next window.
fn text(bytes: Vec<u8>, truncated: bool) -> Result<String, Vec<u8>> {
    String::from_utf8(bytes).or_else(|error| {
        let whole = error.utf8_error().valid_up_to();
        let cut_off = truncated && error.utf8_error().error_len().is_none() && whole > 0;
        let mut bytes = error.into_bytes();
        if !cut_off {
            return Err(bytes);
        }
        bytes.truncate(whole);
        String::from_utf8(bytes).map_err(|error| error.into_bytes())
    })
}
