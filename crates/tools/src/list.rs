//! `fs.list`: what a folder holds.
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use backend::{Call, Failure, Tool};
use cap_std::fs::FileType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::open::{Root, refused};
use crate::walk::{Entry, Walk};
use crate::work::{Work, go_on};

const DEFAULT_LIMIT: usize = 1_000;
const MAX_LIMIT: usize = 10_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The folder, relative to the root folder. Default: the root folder.
    path: Option<String>,
    /// Whether to list what is in folders below too. Default false.
    #[serde(default)]
    recursive: bool,
    /// How many entries to list at most, 1 to 10,000. Default 1,000.
    limit: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
struct Listing {
    path: String,
    /// By rising names; a folder stands before what is in it.
    entries: Vec<Listed>,
    /// Whether there are more entries than the limit let through.
    truncated: bool,
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    name: String,
    /// Relative to the root folder.
    path: String,
    kind: Kind,
    /// In bytes; for files only.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// When the content was last changed, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Folder,
    Symlink,
    Other,
}

pub(crate) fn tool(root: Arc<Root>, work: Work) -> Tool {
    Tool::new("fs.list", move |call: Call, args: Args| {
        let (root, work) = (root.clone(), work.clone());
        async move { work.run(move || list(&call, &root, &args)).await }
    })
    .description("Lists the files and folders in a folder, hidden ones too. Links are listed, not followed.")
    .read_only()
    .idempotent()
}

fn list(call: &Call, root: &Root, args: &Args) -> Result<Listing, Failure> {
    let limit = args.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Failure::invalid_params(format!("limit: use 1 to {MAX_LIMIT}")));
    }
    let asked = args.path.as_deref().unwrap_or(".");
    let folder = root.resolve(asked)?;
    let walk = Walk::all(root, &folder, args.recursive).map_err(|error| refused(asked, &error))?;
    let mut listing = Listing { path: shown(&folder), entries: Vec::new(), truncated: false };
    for entry in walk {
        go_on(call)?;
        if listing.entries.len() == limit {
            listing.truncated = true;
            break;
        }
        listing.entries.push(listed(&entry));
    }
    Ok(listing)
}

/// As callers see paths: relative to the root, `.` for the root itself.
pub(crate) fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.to_string_lossy().into_owned() }
}

fn listed(entry: &Entry) -> Listed {
    let metadata = entry.metadata().ok();
    let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
    Listed {
        name: entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: shown(&entry.path),
        kind: Kind::of(entry.kind),
        size: metadata.filter(|metadata| metadata.is_file()).map(|metadata| metadata.len()),
        modified: modified.and_then(|modified| rfc_3339(modified.into_std())),
    }
}

fn rfc_3339(time: SystemTime) -> Option<String> {
    jiff::Timestamp::try_from(time).ok().map(|time| time.to_string())
}

impl Kind {
    fn of(kind: FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_symlink() {
            Self::Symlink
        } else {
            Self::Other
        }
    }
}
