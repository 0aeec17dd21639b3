//! Servers that others have made, through a real gateway and as a gateway asks for what mcp.v1 has no words for.

use crate::harness::{Bridge, node, python};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::Gateway;

/// The text of a result's first content.
fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result} has no text"))
}

#[test]
fn tools_of_five_servers_are_called_through_a_gateway() {
    let gateway = Gateway::start();
    let folder = TempDir::with_prefix("mcpw-").expect("the system has a folder for temporary files");
    let path = folder.path().to_str().expect("it is text");
    std::fs::write(folder.path().join("a.txt"), "read me").expect("the folder is ours");
    let git =
        std::process::Command::new("git").args(["init", "-q", path]).status().expect("git is installed");
    assert!(git.success());
    let mut memory = node("memory", &["server-memory"]);
    memory.env.0.insert("MEMORY_FILE_PATH".into(), format!("{path}/memory.json"));
    let _bridge = Bridge::start(bridge::Settings {
        registry: vec![format!("http://{}", gateway.grpc)],
        servers: vec![
            node("everything", &["server-everything", "stdio"]),
            node("files", &["server-filesystem", path]),
            memory,
            python("time", &["mcp-server-time"]),
            python("git", &["mcp-server-git", "--repository", path]),
        ],
        ..Default::default()
    });
    let mut client = gateway.connect();
    client.tolerate_pings();
    client.await_tool("git_status");
    let mut call = |tool: &str, args: Value| client.ask("tool.execute", &json!({"tool": tool, "args": args}));
    assert!(text(&call("get-sum", json!({"a": 2, "b": 3}))).contains('5'));
    assert_eq!(text(&call("read_text_file", json!({"path": format!("{path}/a.txt")}))), "read me");
    let ada = json!({"entities": [{"name": "Ada", "entityType": "person", "observations": ["counts"]}]});
    assert!(text(&call("create_entities", ada)).contains("Ada"));
    assert!(text(&call("read_graph", json!({}))).contains("counts"));
    let time = call("get_current_time", json!({"timezone": "UTC"}));
    assert!(text(&time).contains("UTC"), "{time}");
    assert!(text(&call("git_status", json!({"repo_path": path}))).contains("a.txt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_and_prompts_are_listed_read_and_completed() {
    let bridge = Bridge::with([
        node("everything", &["server-everything", "stdio"]),
        node("memory", &["server-memory"]),
    ]);
    let mut client = bridge.client().await;
    let prompts = client.method("prompts/list", json!({})).await;
    let name = prompts["prompts"][0]["name"].as_str().expect("there is one").to_owned();
    let got = client.method("prompts/get", json!({"name": name})).await;
    assert!(got["messages"].is_array(), "{got}");
    let mut listed: Vec<Value> = Vec::new();
    let mut params = json!({});
    loop {
        let page = client.method("resources/list", params).await;
        listed.extend(page["resources"].as_array().expect("a list").iter().cloned());
        match page.get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => break,
        }
    }
    let uri = &listed.first().expect("there is a resource")["uri"];
    let read = client.method("resources/read", json!({ "uri": uri })).await;
    assert_eq!((&read["contents"][0]["uri"], &read["cacheScope"]), (uri, &json!("private")));
    let templates = client.method("resources/templates/list", json!({})).await;
    assert!(!templates["resourceTemplates"].as_array().expect("a list").is_empty(), "{templates}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_by_http_is_one_like_the_others() {
    let server = node("everything", &["server-everything", "streamableHttp"]);
    // Between its choice and the server's start somebody else may take a port.
    let start = || {
        let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = bound.local_addr().expect("it is bound").port();
        drop(bound);
        let mut command = std::process::Command::new(&server.command[0]);
        command.args(&server.command[1..]).env("PORT", port.to_string());
        let quiet = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        (port, quiet.spawn().expect("node is installed"))
    };
    let (mut port, mut child) = start();
    tests::until_within(2 * tests::PATIENCE, "the server's port", || {
        if child.try_wait().expect("it is our child").is_some() {
            (port, child) = start();
        }
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let url = format!("http://127.0.0.1:{port}/mcp");
    let bridge = Bridge::with([bridge::Server { name: "web".into(), url: Some(url), ..Default::default() }]);
    let mut client = bridge.client().await;
    let result = client.call("get-sum", json!({"a": 20, "b": 3})).await;
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
    assert!(text(&result).contains("23"), "{result}");
}
