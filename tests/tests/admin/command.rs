//! `mcpw admin` as people and scripts run it.

use crate::{BINARY, client_of, process, token};
use auth::Role;
use gateway::config::Demand;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use tempfile::TempDir;
use tests::{Authority, Endpoints, Process, Session, until};

fn command(gateway: &Endpoints, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("admin").args(arguments).args(["--url", &format!("http://{}", gateway.admin)]).env_clear();
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary was built");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[track_caller]
fn done(gateway: &Endpoints, arguments: &[&str]) -> String {
    let (code, out, problems) = run(&mut command(gateway, arguments));
    assert_eq!(code, Some(0), "{arguments:?}: {out}{problems}");
    out
}

fn answered(gateway: &Endpoints, arguments: &[&str]) -> Value {
    let out = done(gateway, &[arguments, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{out}: {error}"))
}

#[test]
fn tables_are_for_people_and_json_is_for_programs() {
    let gateway = process(|_| {});
    let mut session = Session::initialize(client_of(&gateway, "acme", "ci"), json!({}));
    let id = session.opened["session_id"].as_str().expect("an id").to_owned();
    let table = done(&gateway, &["connections", "--tenant", "acme"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ID") && lines[1].contains(&id), "{table}");
    assert_eq!(done(&gateway, &["connections", "--tenant", "other"]).lines().count(), 1);
    assert_eq!(answered(&gateway, &["sessions"])["sessions"][0]["id"], id);
    assert_eq!(answered(&gateway, &["session", "show", &id])["tenant"], "acme");
    assert!(done(&gateway, &["backends"]).starts_with("BACKEND"));
    assert!(done(&gateway, &["pod"]).contains("version"));
    assert_eq!(answered(&gateway, &["drain", "--status"])["state"], "serving");
    let number = answered(&gateway, &["connections"])["connections"][0]["id"].to_string();
    assert_eq!(answered(&gateway, &["connection", "close", &number])["session"], id);
    session.await_close(1001);
    let mut session = Session::initialize(client_of(&gateway, "acme", "ci"), session.resume(json!({})));
    answered(&gateway, &["session", "end", &id]);
    session.await_close(1000);
    let revoked = answered(&gateway, &["revoke", "--tenant", "acme", "--agent", "ci", "--reason", "a test"]);
    assert_eq!(revoked["revoked"], json!({"agent": ["acme", "ci"]}));
}

#[test]
fn all_pages_are_one_list() {
    let gateway = process(|_| {});
    let clients: Vec<_> = (0..30).map(|_| gateway.connect()).collect();
    gateway.await_metric("websocket_connections_active", clients.len() as f64);
    let (code, out, problems) = run(&mut command(&gateway, &["connections", "--limit", "10"]));
    assert_eq!((code, out.lines().count()), (Some(0), 11), "{problems}");
    let cursor =
        problems.split_once("--cursor ").expect("it tells of more").1.split(',').next().unwrap_or_default();
    let second = answered(&gateway, &["connections", "--limit", "1000", "--cursor", cursor]);
    assert_eq!(second["connections"].as_array().map(Vec::len), Some(20));
    let all = answered(&gateway, &["connections", "--all"]);
    assert_eq!((all["connections"].as_array().map(Vec::len), &all["cursor"]), (Some(30), &Value::Null));
}

#[test]
fn exit_codes_tell_a_refusal_wrong_usage_and_no_connection_apart() {
    let (operates, operator) = token("ann", Role::Operate);
    let gateway = process(|config| config.admin.tokens = vec![operator]);
    let check = |command: &mut Command, expected: i32, word: &str| {
        let (code, out, problems) = run(command);
        assert_eq!(code, Some(expected), "{out}{problems}");
        assert!(problems.contains(word), "{word:?} in {problems:?}");
        assert!(!problems.contains(&operates), "{problems}");
    };
    check(&mut command(&gateway, &["pod"]), 1, "admin.tokens");
    check(command(&gateway, &["pod"]).env("MCPW_ADMIN_TOKEN", "wrong"), 1, "401");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{operates}\n")).expect("it is ours");
    let path = file.path().to_str().expect("a plain path");
    for command in [
        command(&gateway, &["pod"]).env("MCPW_ADMIN_TOKEN", &operates),
        &mut command(&gateway, &["pod", "--token-file", path]),
    ] {
        assert_eq!(run(command).0, Some(0));
    }
    check(command(&gateway, &["connection", "close", "99"]).env("MCPW_ADMIN_TOKEN", &operates), 1, "404");
    check(&mut command(&gateway, &["pod", "--token-file", "/nowhere"]), 2, "--token-file");
    check(&mut command(&gateway, &["revoke"]), 2, "--tenant");
    check(&mut command(&gateway, &["connections", "--limit", "0"]), 2, "--limit");
    check(Command::new(BINARY).args(["admin", "pod", "--url", "ftp://x"]).env_clear(), 2, "--url");
    check(
        Command::new(BINARY).args(["admin", "pod", "--url", "http://127.0.0.1:9"]).env_clear(),
        3,
        "127.0.0.1:9",
    );
}

#[test]
fn a_certificate_is_shown_over_https() {
    let authority = Authority::fresh("platform");
    let folder = TempDir::new().expect("a folder");
    let (cert, key) = authority.certify(&["127.0.0.1"]).write(folder.path(), "gateway");
    let (own, own_key) = authority.certify_uri("spiffe://ops/ann").write(folder.path(), "ann");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).expect("the folder is ours");
    let gateway = Process::start(BINARY, |config| {
        let tls = &mut config.admin.tls;
        (tls.cert_file, tls.key_file) = (Some(cert), Some(key));
        (tls.client_ca_file, tls.client_certificates) = (Some(ca.clone()), Demand::Required);
        config.admin.certificates = vec![auth::OperatorCertificate {
            name: "ann".into(),
            san: "spiffe://ops/ann".into(),
            role: Role::Operate,
        }];
    });
    let mut command = Command::new(BINARY);
    command.args(["admin", "pod", "--json", "--url", &format!("https://{}", gateway.admin)]).env_clear();
    command.arg("--ca-file").arg(&ca);
    assert_eq!(run(&mut command).0, Some(3), "it shows no certificate");
    command.arg("--cert-file").arg(own).arg("--key-file").arg(own_key);
    let (code, out, problems) = run(&mut command);
    assert_eq!(code, Some(0), "{problems}");
    assert!(out.contains("\"version\""), "{out}");
}

#[test]
fn a_drain_is_waited_for() {
    let mut gateway = process(|config| config.drain.delay_ms = 700);
    let out = done(&gateway, &["drain", "--wait", "--json"]);
    let states: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(states.last().map(|last| &last["state"]), Some(&json!("ended")), "{out}");
    assert!(gateway.await_exit().success());
}

#[test]
fn a_tail_prints_messages_until_the_session_ends() {
    let gateway = process(|_| {});
    let mut session = Session::open(&gateway);
    let id = session.opened["session_id"].as_str().expect("an id").to_owned();
    let mut tail = command(&gateway, &["tail", &id, "--json"]);
    let mut child = tail.stdout(Stdio::piped()).spawn().expect("the binary was built");
    let printed = BufReader::new(child.stdout.take().expect("it is piped"));
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || printed.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    // What was said before the connection heard of the tail is not printed.
    let first = until("the tail", || {
        session.ask("echo", &json!({"password": "canary-7f3a"}));
        lines.try_recv().ok()
    });
    session.request("end", "session.close", &json!({}));
    let out = [first].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    assert!(child.wait().expect("it is our child").success() && !out.contains("canary"), "{out}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["method"], &lines[0]["direction"]), (&json!("echo"), &json!("in")), "{out}");
    assert!(lines.len() >= 3, "{out}");
}
