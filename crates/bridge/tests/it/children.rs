//! Children that end, and those of sessions.

use crate::harness::{Asker, Bridge, PATIENCE, end, fixture, params, part, until};
use crate::slow::modern;
use bridge::{Per, Server, Settings};

/// What its child says, once it was told that a call is cancelled.
async fn cancelled(client: &mut Asker) -> String {
    let told = async {
        loop {
            let result = client.call("cancels", "{}").await.end.expect("it has a result");
            if !result.contains(r#""cancelled":0"#) {
                return result;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the child is told")
}

#[tokio::test]
async fn a_call_without_its_gateway_goes_on_for_as_long_as_is_set() {
    let servers = vec![fixture("one", "legacy")];
    let bridge = Bridge::start(Settings { remember_ms: 50, servers, ..Settings::default() }).await;
    let mut client = bridge.client().await;
    // Calls are carried in order, so the slow one is there once the other has ended.
    let (calls, open) = client.begin_all(&["slow", "echo"]).await;
    end(calls).await.end.expect("the other has a result");
    drop(open);
    cancelled(&mut client).await;
}

#[tokio::test]
async fn a_child_that_ends_is_started_again_and_its_calls_are_told() {
    for era in ["legacy", "modern"] {
        let bridge = Bridge::with([Server { backoff_ms: 1, ..fixture("one", era) }]).await;
        let mut client = bridge.client().await;
        let slow = client.begin("tools/call", "slow", &params("slow", "{}", "")).await;
        client.call("crash", "{}").await.end.expect_err("it can't have a result");
        let error = end(slow).await.end.expect_err("it can't have a result");
        assert_eq!(error.code, 4009);
        assert!(error.message.contains("may have been executed"), "{}", error.message);
        let back = async { while client.call("echo", "{}").await.end.is_err() {} };
        tokio::time::timeout(PATIENCE, back).await.expect("it comes back");
    }
}

#[tokio::test]
async fn a_child_that_starts_for_a_call_is_not_idle() {
    let fixture = fixture("one", "legacy");
    let slowly = format!("sleep 0.5; exec {} legacy", fixture.command[0]);
    let server = Server {
        per: Per::Session,
        idle_timeout_ms: 50,
        command: ["sh", "-c", &slowly].map(str::to_owned).to_vec(),
        ..fixture
    };
    let bridge = Bridge::with([server]).await;
    let mut client = bridge.client().await;
    for session in ["first", "second"] {
        client.session = session.into();
        client.call("echo", "{}").await.end.expect("it has a result");
    }
}

#[tokio::test]
async fn a_child_that_is_listened_to_is_not_idle() {
    for era in ["legacy", "modern"] {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let started = folder.path().join("started");
        let fixture = fixture("one", era);
        let telling = format!("echo $$ >> {}; exec {} {era}", started.display(), fixture.command[0]);
        let command = ["sh", "-c", &telling].map(str::to_owned).to_vec();
        let server = Server { per: Per::Session, idle_timeout_ms: 50, command, ..fixture };
        let bridge = Bridge::with([server]).await;
        let runs = |at: usize| {
            let started = std::fs::read_to_string(&started).expect("the folder is ours");
            let process = started.lines().nth(at).expect("it was started");
            std::path::Path::new("/proc").join(process).exists()
        };
        let mut client = bridge.client().await;
        client.session = "first".into();
        let _listening = client.listen("fix://1").await;
        client.session = "second".into();
        client.call("echo", "{}").await.end.expect("it has a result");
        // Behind the one that belongs to no session, and the first's.
        until("nobody calls it", || !runs(2)).await;
        assert!(runs(1), "{era}");
    }
}

#[tokio::test]
async fn whoever_listens_is_told_that_all_may_have_changed_while_a_child_was_down() {
    for era in ["legacy", "modern"] {
        let bridge = Bridge::with([Server { backoff_ms: 1, ..fixture("one", era) }]).await;
        let mut client = bridge.client().await;
        let mut listening = client.listen("fix://1").await;
        client.call("crash", "{}").await.end.expect_err("it can't have a result");
        let told = part(&mut listening).await;
        assert_eq!(told, r#"{"method":"notifications/resources/updated","params":{"uri":"fix://1"}}"#);
    }
}

#[tokio::test]
async fn each_session_has_a_child_of_its_own() {
    let bridge = Bridge::with([Server { per: Per::Session, ..fixture("one", "legacy") }]).await;
    let mut client = bridge.client().await;
    let mut count = async |session: &str| {
        client.session = session.into();
        let slow = client.begin("tools/call", "slow", &params("slow", "{}", "")).await;
        // Calls are carried in order, so the slow one is there.
        client.call("echo", "{}").await.end.expect("it has a result");
        drop(slow);
        cancelled(&mut client).await
    };
    for session in ["first", "second", ""] {
        let result = count(session).await;
        assert!(result.contains(r#""cancelled":1"#), "{session}: {result}");
    }
}

#[tokio::test]
async fn no_child_of_a_session_is_started_for_lists_that_its_server_has_not() {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let started = folder.path().join("started");
    let telling = format!("echo >> {}\nread -r discover; answer \"$discover\" \"$KNOWN\"", started.display());
    let bridge = Bridge::with([Server { per: Per::Session, ..modern(&telling) }]).await;
    let mut client = bridge.client().await;
    client.session = "first".into();
    for list in ["resources/list", "resources/templates/list", "prompts/list"] {
        let ended = client.ask(&format!("mcp.mcp.{list}"), "", "{}").await;
        ended.end.expect("it has a result");
    }
    let starts = std::fs::read_to_string(&started).expect("the folder is ours").lines().count();
    assert_eq!(starts, 1, "the one that belongs to no session is there before");
}
