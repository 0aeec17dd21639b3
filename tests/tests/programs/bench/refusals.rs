//! What can't be measured is told, with what would be right.

use super::{bench, bench_at};
use crate::gateway;
use crate::mcpw;
use crate::process::run;

#[test]
fn a_gateway_that_is_not_there_or_refuses_is_exit_code_3() {
    // Bound and never accepted from, then closed: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("ws://{}/ws", free.expect("a port is free"));
    for line in ["echo -c 3", "connect -c 3", "storm -c 3"] {
        let ended = bench_at(&url, "token", line).end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{line}: {ended:?}");
        assert!(
            ended.stderr.contains(&url) && ended.stderr.contains("could not connect"),
            "{}",
            ended.stderr
        );
    }

    let gateway = gateway();
    let url = format!("ws://{}/ws", gateway.clients);
    let ended = bench_at(&url, "no.valid.token", "echo -c 3").end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
    assert!(ended.stderr.contains("refused with 401") && ended.stderr.contains("Bearer"), "{}", ended.stderr);
    // It was not asked again and again.
    assert_eq!(gateway.metrics().value("websocket_handshakes_refused_total{reason=\"unauthorized\"}"), 1.0);

    let elsewhere = format!("ws://{}/elsewhere", gateway.clients);
    let ended = bench_at(&elsewhere, &gateway.keys.token(), "echo -c 3").end();
    assert!(ended.code == Some(3) && ended.stderr.contains("refused with 404"), "{ended:?}");
}

#[test]
fn wrong_usage_and_what_the_machine_can_not_do_are_exit_code_2() {
    let gateway = gateway();
    for (line, expected) in [
        ("echo -c 0", "must each be 1 at least"),
        ("echo -c 2 --threads 3", "3 threads have nothing to do with 2 connections"),
        ("echo --rate 0", "the rate must be a positive number"),
        ("echo --depth 2000000", "take a smaller depth, or"),
        ("echo --token-file /does/not/exist", "can't read the token from /does/not/exist"),
        ("echo --url http://", "host"),
        ("calls echo {", "PARAMS is not JSON"),
        ("mixed --mix other=1", "must be echo, call or publish"),
        ("events --rate 0", "the rate must be a positive number"),
        ("connect -c 3000000", "3000000 connections need 3000068 open files"),
    ] {
        let ended = bench(&gateway, line).end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{line}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{line}: {}", ended.stderr);
    }
    assert_eq!(gateway.metrics().value("websocket_connections_total"), 0.0, "nothing was dialled");
}

#[test]
fn a_page_is_made_of_runs_alone() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("other.json");
    for (text, expected) in [
        (None, "No such file"),
        (Some("{"), "a file that `mcpw bench --json` wrote is needed"),
        (Some(r#"{"schema":"mcpw-bench/0"}"#), "this version reads \"mcpw-bench/1\""),
        (Some(r#"{"schema":"mcpw-bench/1"}"#), "missing field"),
    ] {
        if let Some(text) = text {
            std::fs::write(&file, text).expect("the folder is ours");
        }
        let ended =
            run(mcpw().args(["bench", "report"]).arg(&file).arg("-o").arg(folder.path().join("page.html")));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("other.json") && ended.stderr.contains(expected), "{}", ended.stderr);
    }
    assert!(!folder.path().join("page.html").exists());
}
