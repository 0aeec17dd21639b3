//! API keys of machines at the door: where they may be sent, and what happens when the file changes.

use auth::ApiKeyEntry;
use serde_json::json;
use std::time::Duration;
use tempfile::TempDir;
use tests::{Client, Gateway, Http, Process, Request, until};

/// A file of API keys in a folder of its own.
struct File {
    folder: TempDir,
}

impl File {
    fn with(entries: &[&ApiKeyEntry]) -> Self {
        let file = Self { folder: TempDir::new().expect("a temporary folder") };
        file.write(&json!(entries).to_string());
        file
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("keys.yaml")
    }

    /// Replaces it as an operator should: nobody sees half of it.
    fn write(&self, text: &str) {
        let fresh = self.folder.path().join("fresh");
        std::fs::write(&fresh, text).expect("the folder is ours");
        std::fs::rename(fresh, self.path()).expect("the folder is ours");
    }

    fn gateway(&self) -> Gateway {
        Gateway::with(|config| config.auth.api_keys_file = Some(self.path()))
    }
}

fn fresh(agent: &str) -> (String, ApiKeyEntry) {
    ApiKeyEntry::fresh("acme", agent, vec!["*".to_owned()], None).expect("the members are right")
}

fn bearer(gateway: &Gateway, key: &str) -> Request {
    gateway.upgrade().replace("Authorization", &format!("Bearer {key}"))
}

fn accepted(gateway: &Gateway, key: &str) -> Client {
    gateway.accepted(&bearer(gateway, key))
}

fn status(gateway: &Gateway, key: &str) -> u16 {
    gateway.ask(&bearer(gateway, key)).status
}

#[test]
fn a_key_is_sent_wherever_a_token_may_be() {
    let (key, entry) = fresh("ci");
    let file = File::with(&[&entry]);
    let gateway = file.gateway();
    let mut client = accepted(&gateway, &key);
    let session = client.ask("initialize", &json!({}));
    assert_eq!((&session["tenant"], &session["agent"]), (&json!("acme"), &json!("ci")));
    assert_eq!(client.ask("session.refresh", &json!({"token": key}))["expires_at"], json!(null));
    let offered = format!("mcp.v1, mcpw.bearer.{key}");
    let upgrade = gateway.upgrade().without("Authorization").replace("Sec-WebSocket-Protocol", &offered);
    gateway.accepted(&upgrade).check_alive();
    assert_eq!(Http::with_token(&gateway, &key).get("/tools").status, 200);
    // Beside it tokens go on, and a key in the URL would stand in every log.
    gateway.connect().check_alive();
    let in_url = gateway.upgrade().without("Authorization").line(&format!("GET /ws?api_key={key} HTTP/1.1"));
    assert_eq!(gateway.ask(&in_url).status, 401);
    let refused = gateway.ask(&bearer(&gateway, &fresh("ci").0));
    assert_eq!(refused.status, 401);
    assert!(refused.header("WWW-Authenticate").unwrap_or_default().contains("the API key is not accepted"));
}

#[test]
fn a_key_that_is_taken_out_ends_what_it_opened_and_no_more() {
    let ((key, entry), (kept, another)) = (fresh("gone"), fresh("stays"));
    let file = File::with(&[&entry, &another]);
    let gateway = file.gateway();
    let (mut gone, mut stays, mut token) =
        (accepted(&gateway, &key), accepted(&gateway, &kept), gateway.connect());
    gone.ask("initialize", &json!({}));
    stays.ask("initialize", &json!({}));
    file.write(&json!([another]).to_string());
    assert!(gone.closed(4401).contains("the API key was withdrawn"));
    assert_eq!(status(&gateway, &key), 401);
    stays.check_alive();
    token.check_alive();
    assert_eq!(status(&gateway, &kept), 101);
    gateway.await_metric("websocket_connections_closed_total{code=\"unauthorized\"}", 1.0);
}

#[test]
fn a_key_that_is_added_counts_without_a_restart() {
    let (key, entry) = fresh("ci");
    let file = File::with(&[]);
    let gateway = file.gateway();
    assert_eq!(status(&gateway, &key), 401);
    file.write(&json!([entry]).to_string());
    until("the key to be accepted", || (status(&gateway, &key) == 101).then_some(()));
}

#[test]
fn a_stream_of_events_ends_with_its_key() {
    let (key, entry) = fresh("ci");
    let file = File::with(&[&entry]);
    let gateway = file.gateway();
    let mut http = Http::with_token(&gateway, &key);
    http.open_stream("GET", "/events", &[], None);
    http.sent();
    file.write("[]");
    let end = http.event();
    assert!(end.kind == "error" && end.data.contains("the API key was withdrawn"), "{end:?}");
    http.stream_ended();
    assert_eq!(Http::with_token(&gateway, &key).get("/tools").status, 401);
}

#[test]
fn a_file_that_breaks_changes_nothing_and_is_told_of_once() {
    let ((key, entry), (later, another)) = (fresh("ci"), fresh("later"));
    let file = File::with(&[&entry]);
    let process = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
        config.auth.api_keys_file = Some(file.path());
    });
    let upgrade = |key: &str| process.upgrade().replace("Authorization", &format!("Bearer {key}"));
    let mut client = process.accepted(&upgrade(&key));
    for broken in ["- id: 1\n", "", "[{\"id\":"] {
        file.write(broken);
        let told = process.log().len();
        until("the failure to be told", || {
            let told = process.log().split_off(told);
            told.into_iter().find(|line| line.contains("the API keys were not read"))
        });
        client.check_alive();
        assert_eq!(process.ask(&upgrade(&key)).status, 101, "{broken:?}");
    }
    file.write(&json!([entry, another]).to_string());
    until("the new key", || (process.ask(&upgrade(&later)).status == 101).then_some(()));
    client.check_alive();
    let log = process.end();
    let failures = log.iter().filter(|line| line.contains("the API keys were not read")).count();
    assert_eq!(failures, 3, "{log:#?}");
    assert!(!log.iter().any(|line| line.contains(&key) || line.contains(&later)), "a key is in the log");
}

#[test]
fn a_key_that_expires_closes_its_connection() {
    // Whole seconds count, and the gateway has to be up in time.
    let ttl = Some(Duration::from_secs(4));
    let (key, entry) = ApiKeyEntry::fresh("acme", "ci", Vec::new(), ttl).expect("the members are right");
    let file = File::with(&[&entry]);
    let gateway = Gateway::with(|config| {
        config.auth.api_keys_file = Some(file.path());
        config.auth.grace_s = 1;
    });
    let mut client = accepted(&gateway, &key);
    assert!(client.closed(4401).contains("expired"));
    assert_eq!(status(&gateway, &key), 401);
}
