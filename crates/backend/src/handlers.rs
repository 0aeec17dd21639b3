//! The table of handlers: which function answers a call. Built once, then only read.
use std::cmp::Reverse;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use protocol::pb;

use crate::names::{TOOL_EXECUTE, TOOLS_CALL, is_backend_name, is_handler_name, is_method_pattern};
use crate::{Answer, Backend, Call, Error, Failure, Mcp, Params};

/// The server takes pings as often as a gateway may care to send them.
const PING_INTERVAL_MS: u32 = 100;

pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Bytes, Failure>> + Send>>;
pub(crate) type Run = Arc<dyn Fn(Call) -> Answering + Send + Sync>;

/// Makes handlers of all types alike.
pub(crate) fn erase<A, R, F, Fut>(handler: F) -> Run
where
    A: Params,
    R: Answer,
    F: Fn(Call, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send + 'static,
{
    Arc::new(move |call: Call| match A::from_json(call.params()) {
        Ok(params) => {
            let answering = handler(call, params);
            Box::pin(async move { answering.await?.into_json() })
        }
        Err(failure) => Box::pin(std::future::ready(Err(failure))),
    })
}

pub(crate) struct Handlers {
    pub(crate) description: pb::Description,
    tools: HashMap<String, Run>,
    methods: HashMap<String, Run>,
    /// Without their `*`, longest first.
    prefixes: Vec<(String, Run)>,
}

impl Handlers {
    pub(crate) fn new(backend: Backend) -> Result<Self, Error> {
        let Backend { name, version, tools, methods, mcp, remembers } = backend;
        if !is_backend_name(&name) {
            return Err(Error::BackendName { name });
        }
        let mut handlers = Self {
            description: pb::Description {
                name,
                version,
                multiplexed: true,
                ping_interval_ms: PING_INTERVAL_MS,
                mcp: mcp.map(Mcp::declared),
                ..pb::Description::default()
            },
            tools: HashMap::new(),
            methods: HashMap::new(),
            prefixes: Vec::new(),
        };
        for mut tool in tools {
            if remembers.is_some() {
                tool.declared.annotations.get_or_insert_default().joinable = true;
            }
            let name = tool.declared.name.clone();
            if !is_handler_name(&name) {
                return Err(Error::ToolName { name });
            }
            if handlers.tools.insert(name.clone(), tool.run).is_some() {
                return Err(Error::DuplicateTool { name });
            }
            handlers.description.tools.push(tool.declared);
        }
        for mut method in methods {
            if remembers.is_some() {
                method.declared.annotations.get_or_insert_default().joinable = true;
            }
            let pattern = method.declared.pattern.clone();
            if !is_method_pattern(&pattern) {
                return Err(Error::MethodPattern { pattern });
            }
            if handlers.description.methods.iter().any(|earlier| earlier.pattern == pattern) {
                return Err(Error::DuplicateMethod { pattern });
            }
            match pattern.strip_suffix('*') {
                Some(prefix) => handlers.prefixes.push((prefix.to_owned(), method.run)),
                None => {
                    handlers.methods.insert(pattern, method.run);
                }
            }
            handlers.description.methods.push(method.declared);
        }
        handlers.prefixes.sort_by_key(|(prefix, _)| Reverse(prefix.len()));
        Ok(handlers)
    }

    /// The function for this request, or what to tell the caller.
    pub(crate) fn find(&self, request: &pb::CallRequest) -> Result<Run, Failure> {
        if request.method == TOOL_EXECUTE || request.method == TOOLS_CALL {
            let run = self.tools.get(&request.tool);
            return run
                .cloned()
                .ok_or_else(|| Failure::not_found(format!("this backend has no tool {:?}", request.tool)));
        }
        let method = &request.method;
        let by_prefix =
            || self.prefixes.iter().find(|(prefix, _)| method.starts_with(prefix)).map(|(_, run)| run);
        self.methods.get(method).or_else(by_prefix).cloned().ok_or_else(|| {
            Failure::new(
                protocol::ErrorCode::MethodNotFound,
                format!("this backend has no handler for method {method:?}"),
            )
        })
    }
}
