//! Three pods over a Redis, a fourth with certificates, and backends that all of them know.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use backend::{Backend, Call, Failure, Serve, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use tempfile::TempDir;

use crate::{Authority, PATIENCE, Pods, Process, Tools};

/// The pods that clients use.
pub(super) const SERVING: [&str; 3] = ["a", "b", "c"];

#[derive(Deserialize, JsonSchema)]
struct Words {
    words: String,
}

async fn repeat(_: Call, Words { words }: Words) -> Result<String, Failure> {
    Ok(words)
}

async fn refuse(_: Call, _: Words) -> Result<(), Failure> {
    Err(Failure::invalid_params("words: use others"))
}

/// The platform.
#[derive(Debug)]
pub struct Platform {
    /// What the pods share.
    pub pods: Pods,
    /// By name.
    pub processes: BTreeMap<&'static str, Process>,
    /// One whose tools are called all the time.
    _words: Tools,
    /// One that nobody calls.
    pub reports: Option<Tools>,
    _certificates: TempDir,
}

impl Platform {
    /// All of it, with this program as the gateway.
    ///
    /// # Panics
    /// Something does not start.
    pub fn start(binary: &str) -> Self {
        let pods = Pods::new();
        let mut processes: BTreeMap<_, _> = SERVING.map(|name| (name, pods.process(binary))).into();
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let authority = Authority::fresh("tests");
        let (cert, key) = authority.certify(&["localhost"]).write(folder.path(), "server");
        let secure = Process::start(binary, |config| {
            (config.tls.cert_file, config.tls.key_file) = (Some(cert.clone()), Some(key.clone()));
            (config.registry.tls.cert_file, config.registry.tls.key_file) = (Some(cert), Some(key));
        });
        let words = Backend::new("words")
            .tool(Tool::new("repeat", repeat).description("Repeats words.").read_only())
            .tool(Tool::new("refuse", refuse).description("Refuses words.").read_only());
        let words = served(words, &processes);
        processes.insert("secure", secure);
        let mut platform = Self { pods, processes, _words: words, reports: None, _certificates: folder };
        platform.report();
        platform
    }

    /// Starts the backend that nobody calls.
    ///
    /// # Panics
    /// The pods do not take it.
    pub fn report(&mut self) {
        let reports =
            Backend::new("reports").tool(Tool::new("report", repeat).description("Reports.").read_only());
        self.reports = Some(served(reports, &self.processes));
    }

    /// A pod.
    ///
    /// # Panics
    /// There is none of this name.
    pub fn pod(&self, name: &str) -> &Process {
        self.processes.get(name).unwrap_or_else(|| panic!("no pod {name}"))
    }

    /// What is scraped.
    pub fn targets(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.processes.iter().map(|(name, process)| (*name, process.admin))
    }
}

/// A backend that the pods know.
fn served(backend: Backend, pods: &BTreeMap<&'static str, Process>) -> Tools {
    let register_at =
        SERVING.iter().filter_map(|name| pods.get(name)).map(|pod| format!("http://{}", pod.grpc));
    let serve = Serve { register_at: register_at.collect(), ..Serve::default() };
    let (tools, taken) = Tools::serve_with(backend, serve, PATIENCE);
    assert!(taken, "the pods take the backend");
    tools
}
