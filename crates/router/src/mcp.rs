//! Which backends stand for servers of Model Context Protocol, and what they add as such.
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::HashMap;
use protocol::{Replica, pb};

use crate::handler::{Handler, object};
use crate::names;

/// The longest instructions.
const MAX_TEXT: usize = 64 << 10;
/// The largest object of capabilities.
const MAX_CAPABILITIES: usize = 64 << 10;
/// The most prefixes of URIs, and the longest one.
const MAX_PREFIXES: usize = 256;
const MAX_PREFIX: usize = 1_024;

/// A backend that serves methods of Model Context Protocol. Part of one [`Table`](crate::Table), never changed.
#[derive(Clone, Debug)]
pub struct Mcp {
    /// The backend's name.
    pub backend: String,
    /// JSON text of its ServerCapabilities; empty means tools alone.
    pub capabilities: Bytes,
    /// How to use what it offers; may be empty.
    pub instructions: String,
    /// Resources whose URI begins so are its own. Without any it may be asked for every one.
    pub uri_prefixes: Vec<String>,
    /// The handler of its methods, `mcp.NAME.*`.
    pub methods: Arc<Handler>,
}

impl Mcp {
    /// The name under which this backend serves a method of the protocol: `mcp.NAME.resources/read`.
    pub fn method(&self, method: &str) -> String {
        names::mcp(&self.backend) + method
    }
}

/// Those of these replicas, by name. The first replica of a backend decides.
pub(crate) fn servers(replicas: &[Arc<Replica>], by_prefix: &HashMap<String, Arc<Handler>>) -> Vec<Arc<Mcp>> {
    let mut found: BTreeMap<&str, Arc<Mcp>> = BTreeMap::new();
    for replica in replicas {
        let name = replica.backend();
        let methods = by_prefix.get(&names::mcp(name)).filter(|methods| methods.backend == name);
        if let (Some(declared), Some(methods)) = (&replica.description.mcp, methods) {
            found.entry(name).or_insert_with(|| {
                Arc::new(Mcp {
                    backend: name.to_owned(),
                    capabilities: declared.capabilities.clone(),
                    instructions: declared.instructions.clone(),
                    uri_prefixes: declared.uri_prefixes.clone(),
                    methods: Arc::clone(methods),
                })
            });
        }
    }
    found.into_values().collect()
}

/// Checks what a backend of this name declares of itself as a server.
pub(crate) fn check(description: &pb::Description) -> Result<(), String> {
    let own = names::mcp(&description.name) + "*";
    for method in &description.methods {
        if method.pattern.starts_with("mcp.") && (method.pattern != own || description.mcp.is_none()) {
            return Err(format!(
                "method {:.140?} is for a backend with `mcp`, which declares {own} and nothing else below mcp",
                method.pattern
            ));
        }
    }
    let Some(mcp) = &description.mcp else { return Ok(()) };
    if !description.methods.iter().any(|method| method.pattern == own) {
        return Err(format!("it has `mcp`, but does not declare the method {own}"));
    }
    if mcp.instructions.len() > MAX_TEXT {
        return Err(format!("its instructions are longer than {MAX_TEXT} bytes"));
    }
    if mcp.capabilities.len() > MAX_CAPABILITIES {
        return Err(format!("its capabilities are larger than {MAX_CAPABILITIES} bytes"));
    }
    object(&mcp.capabilities).map_err(|why| format!("its object of capabilities {why}"))?;
    let prefixes = &mcp.uri_prefixes;
    let are_short = prefixes.iter().all(|prefix| (1..=MAX_PREFIX).contains(&prefix.len()));
    if prefixes.len() > MAX_PREFIXES || !are_short {
        return Err(format!("its uri_prefixes are not up to {MAX_PREFIXES} of 1 to {MAX_PREFIX} bytes"));
    }
    Ok(())
}
