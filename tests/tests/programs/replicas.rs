//! Two replicas of one backend, one of which is killed under load and comes back.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Client, Endpoints};

use crate::tools::Tools;
use crate::{gateway, gateway_with};

/// Long calls that run on both replicas when one is killed.
const NAPS: usize = 40;
/// So few that the budget of retries is enough for all.
const FEW_NAPS: usize = 8;
const NAP: Duration = Duration::from_millis(2_500);
/// Short calls in flight all the time.
const WINDOW: u64 = 16;
const SECOND: Duration = Duration::from_secs(1);

/// A folder whose one file says which replica reads it.
fn folder(name: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("name"), name).expect("the folder is ours");
    folder
}

fn who() -> Value {
    json!({"tool": "fs.read", "args": {"path": "name"}})
}

/// Which replica answered.
fn name(result: &Value) -> String {
    result["content"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned()
}

fn await_use_of(client: &mut Client, names: &[&str]) {
    let mut awaited: HashSet<_> = names.iter().map(|&name| name.to_owned()).collect();
    tests::until(&format!("calls to reach each of {names:?}"), || {
        awaited.remove(&name(&client.ask("tool.execute", &who())));
        awaited.is_empty().then_some(())
    });
}

/// An answer: its time, and which replica gave it or the code of the error.
type Answer = (Instant, Result<String, u64>);

/// Calls without a pause until it is told to stop.
fn load(gateway: &Endpoints, stop: &AtomicBool) -> Vec<Answer> {
    let mut client = gateway.connect();
    let mut sent = 0;
    let mut answers = Vec::new();
    loop {
        while sent < answers.len() as u64 + WINDOW && !stop.load(Ordering::Relaxed) {
            client.request(&sent.to_string(), "tool.execute", &who());
            sent += 1;
        }
        if answers.len() as u64 == sent {
            return answers;
        }
        let message = client.message();
        let outcome = match message["error"]["code"].as_u64() {
            Some(code) => Err(code),
            None => Ok(name(&message["result"])),
        };
        answers.push((Instant::now(), outcome));
    }
}

/// Starts the long calls and waits until each runs.
fn start_naps(client: &mut Client, count: usize) {
    for nap in 0..count {
        let params = json!({"tool": "sleep", "args": {"ms": NAP.as_millis() as u64}});
        client.request(&format!("nap {nap}"), "tool.execute", &params);
    }
    let mut running = HashSet::new();
    while running.len() < count {
        let message = client.message();
        assert_eq!(message["method"], "tool.progress", "{message}");
        running.insert(message["params"]["id"].to_string());
    }
}

/// The answers of the long calls.
fn end_naps(client: &mut Client, count: usize) -> Vec<(Instant, Value)> {
    let mut answers = Vec::new();
    while answers.len() < count {
        let message = client.message();
        if message["method"] != "tool.progress" {
            answers.push((Instant::now(), message));
        }
    }
    answers
}

#[test]
fn a_killed_replica_fails_only_its_own_calls_with_4009_and_is_used_again_when_it_is_back() {
    let (root_a, root_b) = (folder("a"), folder("b"));
    let gateway = gateway_with(|config| {
        // All tools here are idempotent: they would be called again elsewhere.
        config.router.retry_ratio = 0.0;
        config.router.retry_min_per_second = 0.0;
    });
    let mut a = Tools::start(&gateway, root_a.path(), "127.0.0.1:0");
    let b = Tools::start(&gateway, root_b.path(), "127.0.0.1:0");
    let mut client = gateway.connect();
    client.await_tool("fs.read");
    await_use_of(&mut client, &["a", "b"]);

    let stop = AtomicBool::new(false);
    let (killed, naps, answers) = std::thread::scope(|scope| {
        let load = scope.spawn(|| load(&gateway, &stop));
        start_naps(&mut client, NAPS);
        let killed = Instant::now();
        a.process.kill();
        let naps = end_naps(&mut client, NAPS);
        stop.store(true, Ordering::Relaxed);
        (killed, naps, load.join().expect("the load goes on to its end"))
    });

    let mut lost = 0;
    for (answered, answer) in &naps {
        if answer["type"] == 1 {
            assert!(answer["result"]["slept_ms"].as_u64() >= Some(2_500), "{answer}");
        } else {
            assert_eq!(answer["error"]["code"], 4009, "{answer}");
            assert!(answered.duration_since(killed) < SECOND, "{answer}");
            lost += 1;
        }
    }
    assert!((1..NAPS).contains(&lost), "{lost} of {NAPS} calls were lost");
    // A call that the gateway had given up would have been cancelled there.
    assert!(!b.process.errors().contains("call cancelled"), "{}", b.process.errors());

    check_load(&answers, killed);
    for _ in 0..50 {
        assert_eq!(name(&client.ask("tool.execute", &who())), "b");
    }
    let _a = Tools::start(&gateway, root_a.path(), &a.address);
    await_use_of(&mut client, &["a", "b"]);
}

#[test]
fn idempotent_calls_of_a_killed_replica_are_made_again_at_the_other() {
    let (root_a, root_b) = (folder("a"), folder("b"));
    let gateway = gateway();
    let mut a = Tools::start(&gateway, root_a.path(), "127.0.0.1:0");
    let _b = Tools::start(&gateway, root_b.path(), "127.0.0.1:0");
    let mut client = gateway.connect();
    client.await_tool("fs.read");
    await_use_of(&mut client, &["a", "b"]);

    start_naps(&mut client, FEW_NAPS);
    let killed = Instant::now();
    a.process.kill();
    let naps = end_naps(&mut client, FEW_NAPS);
    assert!(naps.iter().all(|(_, answer)| answer["type"] == 1), "{naps:?}");
    let late = naps.iter().filter(|(answered, _)| answered.duration_since(killed) >= NAP);
    assert!(
        (1..FEW_NAPS).contains(&late.count()),
        "those that began again, and no other, take their time again"
    );
}

/// Both replicas answered; after the kill there was a moment in which calls failed, with 4009, and then none.
#[track_caller]
fn check_load(answers: &[Answer], killed: Instant) {
    let (before, after): (Vec<_>, Vec<_>) = answers.iter().partition(|(answered, _)| *answered < killed);
    for replica in ["a", "b"] {
        assert!(
            before.iter().any(|(_, outcome)| outcome.as_deref() == Ok(replica)),
            "{replica} was not used"
        );
    }
    assert!(before.iter().all(|(_, outcome)| outcome.is_ok()));
    let mut lost = 0;
    let mut later = 0;
    for (answered, outcome) in after {
        match outcome {
            Ok(name) if answered.duration_since(killed) > SECOND => {
                assert_eq!(name, "b");
                later += 1;
            }
            Ok(_) => {}
            Err(code) => {
                assert_eq!(*code, 4009);
                assert!(answered.duration_since(killed) < SECOND);
                lost += 1;
            }
        }
    }
    assert!(lost <= WINDOW, "{lost} short calls failed, though only {WINDOW} were in flight");
    assert!(later > 0, "no call was answered after the kill");
}
