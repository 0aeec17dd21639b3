//! `mcpw health`, by which the image tells whether its gateway is well.

use std::net::TcpListener;

use tests::{Process, until};

use crate::{failure, mcpw, output, success};

fn health(url: &str) -> std::process::Command {
    let mut command = mcpw();
    command.args(["health", "--url", url]);
    command
}

#[test]
fn health_ends_with_0_while_the_gateway_is_ready_and_with_1_while_it_drains() {
    let gateway = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
        config.drain.delay_ms = 60_000;
    });
    let url = format!("http://{}/health/ready", gateway.admin);
    assert_eq!(success(&mut health(&url)), "ready\n");
    gateway.terminate();
    let said = until("the gateway to say that it drains", || {
        let asked = output(&mut health(&url));
        (asked.status.code() == Some(1)).then(|| String::from_utf8_lossy(&asked.stderr).into_owned())
    });
    assert!(said.contains("answers 503: draining"), "{said}");
}

#[test]
fn health_ends_with_1_and_the_reason_where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let url = format!("http://{address}/health/ready");
    // It is accepted by the kernel, and nothing is ever said.
    let said = failure(health(&url).args(["--timeout-ms", "50"]));
    assert!(said.contains("within 50 ms"), "{said}");
    drop(listener);
    let said = failure(&mut health(&url));
    assert!(said.contains("refused"), "{said}");
    let said = failure(&mut health("https://127.0.0.1/"));
    assert!(said.contains("a URL such as http://"), "{said}");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let text = success(mcpw().args(["completions", shell]));
        for command in ["gateway", "check-config", "health", "completions"] {
            assert!(text.contains(command), "{shell} knows no {command}");
        }
    }
}
