//! Who may register and publish: by token, with a list of what each may, live.

use crate::{BINARY, REFUSAL, check_serves, execute, named};
use auth::{ApiKeyEntry, RegistrantSettings};
use backend::{Backend, Serve};
use gateway::Config;
use gateway::config::Proof;
use serde_json::json;
use std::path::PathBuf;
use tempfile::TempDir;
use tests::{Endpoints, Gateway, PATIENCE, Process, Tools, until};

/// Tokens of backends, in a folder.
struct Tokens(TempDir);

impl Tokens {
    fn new() -> Self {
        Self(TempDir::new().expect("the system has a folder for temporary files"))
    }

    /// A backend that may register these tools, and the file of its token.
    fn registrant(&self, name: &str, tools: &[&str]) -> RegistrantSettings {
        let (token, entry) = ApiKeyEntry::fresh("t", "a", vec![], None).expect("there is randomness");
        std::fs::write(self.token(name), token).expect("the folder is ours");
        std::fs::write(self.hashes(name), entry.hash).expect("the folder is ours");
        RegistrantSettings {
            name: name.to_owned(),
            token_file: Some(self.hashes(name)),
            tools: tools.iter().map(|&tool| tool.to_owned()).collect(),
            ..RegistrantSettings::default()
        }
    }

    fn token(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.token"))
    }

    fn hashes(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.hashes"))
    }

    /// Registers with the token of this name.
    fn offer(&self, backend: Backend, name: &str, gateway: &Endpoints, taken: bool) -> Tools {
        let serve = Serve {
            register_at: vec![format!("http://{}", gateway.grpc)],
            registry_token_file: Some(self.token(name)),
            ..Serve::default()
        };
        let limit = if taken { PATIENCE } else { REFUSAL };
        let (tools, was_taken) = Tools::serve_with(backend, serve, limit);
        assert_eq!(was_taken, taken, "registered as {name}");
        tools
    }
}

#[track_caller]
fn check_refused(gateway: &Endpoints, reason: &str) {
    let series = format!("registry_refusals_total{{reason=\"{reason}\"}}");
    until(&series, || (gateway.metrics().count(&series) >= 1.0).then_some(()));
}

/// A gateway that knows `files`, with `fs.*`, and `clock`, with `now`.
fn two(config: &mut Config, tokens: &Tokens) {
    config.registry.backends =
        vec![tokens.registrant("files", &["fs.*"]), tokens.registrant("clock", &["now"])];
}

#[test]
fn backend_registers_foreign_tool() {
    let tokens = Tokens::new();
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let audit = folder.path().join("audit.jsonl");
    let gateway = Process::start(BINARY, |config| {
        two(config, &tokens);
        config.audit.file = Some(audit.clone());
    });
    let _files = tokens.offer(named("files", &["fs.read"]), "files", &gateway, true);
    check_serves(&gateway, "fs.read", "files");

    // By its own name, the tool of another: it may not, whether the other is there or not.
    for tool in ["fs.read", "fs.write"] {
        let _thief = tokens.offer(named("clock", &["now", tool]), "clock", &gateway, false);
        check_refused(&gateway, "handler");
        check_serves(&gateway, "fs.read", "files");
    }
    let told = gateway.await_log("tool fs.write");
    assert!(told.contains("clock"), "{told}");
    // By the name of another, as one of its replicas.
    let _impostor = tokens.offer(named("files", &["fs.read"]), "clock", &gateway, false);
    check_refused(&gateway, "name");
    for _ in 0..20 {
        check_serves(&gateway, "fs.read", "files");
    }
    // Nothing of it was taken.
    gateway.await_replicas(1.0);
    let lines = std::fs::read_to_string(&audit).expect("there is a log");
    assert!(lines.contains("registration_refused") && lines.contains("tool fs.read"), "{lines}");
    assert!(!lines.contains("mcpw_"), "no token is ever in the log");
}

#[test]
fn without_a_proof_or_with_an_unknown_one_nobody_registers() {
    let tokens = Tokens::new();
    let gateway = Gateway::with(|config| two(config, &tokens));
    let (_nobody, taken) = Tools::offer(named("files", &["fs.read"]), &gateway, REFUSAL);
    assert!(!taken);
    check_refused(&gateway, "proof");
    let other = Tokens::new();
    other.registrant("files", &["fs.*"]);
    let _stranger = other.offer(named("files", &["fs.read"]), "files", &gateway, false);
    gateway.await_replicas(0.0);
}

#[test]
fn where_nobody_is_listed_and_a_proof_is_required_nobody_registers() {
    let gateway = Gateway::with(|config| config.registry.proof = Proof::Required);
    let (_nobody, taken) = Tools::offer(named("files", &["fs.read"]), &gateway, REFUSAL);
    assert!(!taken);
}

#[test]
fn a_token_that_is_taken_out_ends_its_registration_and_one_that_is_put_back_lets_in_again() {
    let tokens = Tokens::new();
    let gateway = Gateway::with(|config| two(config, &tokens));
    let _files = tokens.offer(named("files", &["fs.read"]), "files", &gateway, true);
    let _clock = tokens.offer(named("clock", &["now"]), "clock", &gateway, true);
    check_serves(&gateway, "fs.read", "files");
    let hash = std::fs::read_to_string(tokens.hashes("files")).expect("it is ours");
    std::fs::write(tokens.hashes("files"), "# none\n").expect("it is ours");
    gateway.await_replicas(1.0);
    check_serves(&gateway, "now", "clock");
    std::fs::write(tokens.hashes("files"), hash).expect("it is ours");
    check_serves(&gateway, "fs.read", "files");
}

#[test]
fn a_backend_publishes_the_events_that_are_listed_for_it_alone() {
    let tokens = Tokens::new();
    let gateway = Gateway::with(|config| {
        two(config, &tokens);
        config.registry.backends[0].tools = vec!["*".to_owned()];
        config.registry.backends[0].events = vec!["file.*".to_owned()];
    });
    let publish = |name: &'static str| {
        backend::Tool::new(name, move |call: backend::Call, _args: serde_json::Value| async move {
            call.publish(name, backend::Json(1)).await?;
            Ok(backend::Json(true))
        })
    };
    let backend = Backend::new("files").tool(publish("file.changed")).tool(publish("order.paid"));
    let _files = tokens.offer(backend, "files", &gateway, true);
    let mut client = gateway.connect();
    client.await_tool("order.paid");
    assert_eq!(execute(&mut client, "file.changed"), true);
    client.ask_wrong("tool.execute", &json!({"tool": "order.paid", "args": {}}), 4003);
    check_refused(&gateway, "event");
}
