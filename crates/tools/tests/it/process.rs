//! The binary `mcpw-tools` as an operator runs it.
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};

use protocol::pb::{CallRequest, DescribeRequest, call_event::Event};
use serde_json::Value;

use crate::harness::{dial, folder, next};

/// Killed when dropped.
struct Process(Child);

impl Process {
    fn start(args: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_mcpw-tools"))
            .args(args)
            .env("RUST_LOG", "info")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.expect("the binary starts"))
    }

    /// Where it listens, as its one line on stdout says.
    fn listening(&mut self) -> String {
        let stdout = self.0.stdout.as_mut().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("stdout can be read");
        let line: Value = serde_json::from_str(&line).expect("the line is JSON");
        line["listening"].as_str().expect("it names the address").to_owned()
    }

    fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits for its end; how it ended, and what it logged.
    fn ended(&mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        let stderr = self.0.stderr.as_mut().expect("stderr is piped");
        stderr.read_to_string(&mut log).expect("logs are text");
        (self.0.wait().expect("it can be waited for"), log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_process_serves_logs_cancels_and_ends_with_grace() {
    let folder = folder(&[("file", b"content")]);
    let root = folder.path().to_str().expect("the path is text");
    let mut process = Process::start(&["--root", root, "--name", "files"]);
    let mut client = dial(&process.listening()).await;
    let description = client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner();
    assert_eq!(description.name, "files");

    let request = |tool: &str, args: &'static str| CallRequest {
        method: "tool.execute".to_owned(),
        tool: tool.to_owned(),
        params: args.into(),
        ..CallRequest::default()
    };
    let mut slept =
        client.call(request("sleep", r#"{"ms":60000}"#)).await.expect("the call is taken").into_inner();
    assert!(matches!(next(&mut slept).await, Event::Progress(_)));
    drop(slept);

    let mut last =
        client.call(request("sleep", r#"{"ms":500}"#)).await.expect("the call is taken").into_inner();
    assert!(matches!(next(&mut last).await, Event::Progress(_)));
    process.terminate();
    loop {
        match next(&mut last).await {
            Event::Progress(_) => {}
            Event::Result(_) => break,
            other => panic!("a running call ends in a shutdown: {other:?}"),
        }
    }
    drop((last, client));
    let (status, log) = process.ended();
    assert!(status.success(), "{status}: {log}");
    assert_eq!(log.matches("call cancelled").count(), 1, "{log}");
}

#[test]
fn a_bad_root_ends_the_process_with_a_reason() {
    let mut process = Process::start(&["--root", "/no/such/folder"]);
    let (status, log) = process.ended();
    assert!(!status.success());
    assert!(log.contains("/no/such/folder"), "{log}");
}
