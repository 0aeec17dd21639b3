//! Servers that others have made, behind a bridge: what they offer is used by clients of both eras.

use crate::harness::{Bridge, node, python};
use crate::sdk::Way;
use crate::{Program, Sdk};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use tests::Endpoints;

/// The bridge with the five servers, over this folder.
fn bridge(gateway: &Endpoints, folder: &Path) -> Bridge {
    let path = folder.to_str().expect("it is text");
    std::fs::write(folder.join("a.txt"), "read me").expect("the folder is ours");
    let git =
        std::process::Command::new("git").args(["init", "-q", path]).status().expect("git is installed");
    assert!(git.success());
    let mut memory = node("memory", &["server-memory"]);
    memory.env.0.insert("MEMORY_FILE_PATH".into(), format!("{path}/memory.json"));
    Bridge::start(bridge::Settings {
        registry: vec![format!("http://{}", gateway.grpc)],
        servers: vec![
            node("everything", &["server-everything", "stdio"]),
            node("files", &["server-filesystem", path]),
            memory,
            python("time", &["mcp-server-time"]),
            python("git", &["mcp-server-git", "--repository", path]),
        ],
        ..Default::default()
    })
}

/// All text of a result.
fn text(result: &Value) -> String {
    let content = result["content"].as_array().unwrap_or_else(|| panic!("{result} has no content"));
    content.iter().filter_map(|part| part["text"].as_str()).collect()
}

/// Each server has a tool called.
fn tools(sdk: &mut Sdk, path: &str) {
    assert!(text(&sdk.call("get-sum", &json!({"a": 2, "b": 3}))).contains('5'));
    assert_eq!(text(&sdk.call("read_text_file", &json!({"path": format!("{path}/a.txt")}))), "read me");
    let ada = json!({"entities": [{"name": "Ada", "entityType": "person", "observations": ["counts"]}]});
    sdk.call("create_entities", &ada);
    let graph = sdk.call("read_graph", &json!({}));
    assert_eq!(graph["structuredContent"]["entities"][0]["name"], "Ada", "{graph}");
    let time = sdk.call("get_current_time", &json!({"timezone": "UTC"}));
    assert!(text(&time).contains("UTC"), "{time}");
    assert!(text(&sdk.call("git_status", &json!({"repo_path": path}))).contains("a.txt"));
}

/// Progress of a server's comes on, and a call of it can be cancelled; that a server is told is the bridge's to test.
fn progress(sdk: &mut Sdk) {
    let walk = |duration: u64, steps: u64| json!({"name": "trigger-long-running-operation", "arguments": {"duration": duration, "steps": steps}});
    sdk.step("begin", &walk(1, 2));
    assert_eq!(sdk.ask("progress"), json!([1, 2, null]));
    assert!(text(&sdk.ask("end")).contains("completed"));
    sdk.step("begin", &walk(60, 120));
    while sdk.ask("progress") != json!([1, 120, null]) {}
    sdk.ask("cancel");
}

/// A tool asks its client, whatever the client's era.
fn questions(sdk: &mut Sdk) {
    let told = text(&sdk.call("trigger-elicitation-request", &json!({})));
    assert!(told.contains("- Name: n"), "{told}");
    let told = text(&sdk.call("trigger-sampling-request", &json!({"prompt": "Why?"})));
    assert!(told.contains("sampled"), "{told}");
    let asked = sdk.ask("asked");
    assert_eq!(asked[0], "Please provide inputs for the following fields:");
    assert!(asked[1].as_str().expect("a text").ends_with("Why?"), "{asked}");
}

/// Resources, prompts, completions, news and the log.
fn besides(sdk: &mut Sdk) {
    let resources = sdk.ask("resources");
    let uri = json!({"uri": resources[0]["uri"]});
    assert_eq!(sdk.step("read", &uri)[0]["uri"], uri["uri"], "{resources}");
    assert!(!sdk.ask("templates").as_array().expect("a list").is_empty());
    let dynamic = sdk.step("read", &json!({"uri": "demo://resource/dynamic/text/1"}));
    assert!(dynamic[0]["text"].is_string(), "{dynamic}");

    let prompts = sdk.ask("prompts");
    let named = |name: &str| prompts.as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name));
    assert!(named("completable-prompt"), "{prompts}");
    let arguments = json!({"department": "Sales", "name": "Eve"});
    let messages = sdk.step("prompt", &json!({"name": "completable-prompt", "arguments": arguments}));
    assert!(messages[0]["content"]["text"].as_str().expect("a text").contains("Eve"), "{messages}");
    let completion =
        json!({"prompt": "completable-prompt", "argument": {"name": "department", "value": "S"}});
    assert_eq!(sdk.step("complete", &completion), json!(["Sales", "Support"]));

    // Each of these tools begins at the first call, with something at once, and ends at the second.
    sdk.step("level", &json!({"level": "debug"}));
    sdk.call("toggle-simulated-logging", &json!({}));
    assert!(sdk.ask("logged").as_str().expect("a text").contains("essage"));
    sdk.call("toggle-simulated-logging", &json!({}));
    sdk.step("subscribe", &uri);
    sdk.call("toggle-subscriber-updates", &json!({}));
    assert_eq!(sdk.ask("updated"), uri["uri"]);
    sdk.call("toggle-subscriber-updates", &json!({}));
}

fn check(program: Program) {
    let gateway = crate::sdk::gateway();
    let folder = TempDir::with_prefix("mcpw-").expect("the system has a folder for temporary files");
    let _bridge = bridge(&gateway, folder.path());
    crate::await_everywhere(&gateway, &["git_status", "trigger-sampling-request"]);
    for way in Way::all(program) {
        let mut sdk = Sdk::connect(way, &gateway);
        tools(&mut sdk, folder.path().to_str().expect("it is text"));
        questions(&mut sdk);
        progress(&mut sdk);
        besides(&mut sdk);
        sdk.end();
    }
}

#[test]
fn the_python_sdk_1_uses_five_servers() {
    check(Program::Python1);
}

#[test]
fn the_python_sdk_2_uses_five_servers() {
    check(Program::Python2);
}

#[test]
fn the_typescript_sdk_1_uses_five_servers() {
    check(Program::TypeScript1);
}

#[test]
fn the_typescript_sdk_2_uses_five_servers() {
    check(Program::TypeScript2);
}
