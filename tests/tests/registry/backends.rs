//! Backends that break the contract: what they do stays with the call that they do it to.

use crate::process;
use crate::rogue::{Rogue, event, register, result};
use protocol::pb::call_event::Event;
use protocol::pb::registry_client::RegistryClient;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::{Client, Gateway, PATIENCE, until};
use tonic::Code;

/// Each case twice: with many calls on one stream, and with each on its own.
fn both(check: impl Fn(bool)) {
    check(true);
    check(false);
}

fn at(rogue: &Rogue) -> Gateway {
    let gateway = Gateway::with(|config| config.backends = rogue.listed());
    gateway.connect().await_tool("bad");
    gateway
}

/// Asks for `bad` and answers how that ended, without the parts before.
fn bad(client: &mut Client) -> Value {
    client.request("bad", "tool.execute", &json!({"tool": "bad", "args": {}}));
    end(client, "bad")
}

fn end(client: &mut Client, id: &str) -> Value {
    loop {
        let message = client.message();
        if message["id"] == id && message["type"] != 2 {
            return message;
        }
    }
}

#[track_caller]
fn check_good(client: &mut Client) {
    client.request("good", "tool.execute", &json!({"tool": "good", "args": {}}));
    assert_eq!(end(client, "good")["result"], "good");
}

#[test]
fn backend_hangs() {
    both(|multiplexed| {
        let kept = Mutex::new(Vec::new());
        let rogue = Rogue::start(multiplexed, move |_, answers| {
            kept.lock().expect("nobody panics").push(answers);
        });
        let gateway = at(&rogue);
        let mut client = gateway.connect();
        let start = Instant::now();
        client.json(&json!({"id": "bad", "type": 0, "method": "tool.execute",
            "params": {"tool": "bad", "args": {}}, "meta": {"timeout_ms": 400}}));
        check_good(&mut client);
        let answer = end(&mut client, "bad");
        assert_eq!(answer["error"]["code"], 4007, "{answer}");
        assert!(start.elapsed() >= Duration::from_millis(390), "before its deadline: {:?}", start.elapsed());
        assert!(start.elapsed() < PATIENCE);
        check_good(&mut client);
    });
}

#[test]
fn backend_floods() {
    const PART: usize = 64 * 1024;
    both(|multiplexed| {
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        let part = Arc::new(format!("\"{}\"", "x".repeat(PART - 2)));
        let rogue = Rogue::start(multiplexed, move |request, answers| {
            let (count, part) = (Arc::clone(&count), Arc::clone(&part));
            #[expect(
                clippy::disallowed_methods,
                reason = "the runtime is the rogue's own, and ends with it"
            )]
            tokio::spawn(async move {
                // A gigabyte, if anybody takes it.
                for _ in 0..16_384 {
                    let part = event(request.call_id, Event::Partial(part.as_bytes().to_vec().into()));
                    if answers.send(part).await.is_err() {
                        return;
                    }
                    count.fetch_add(1, Relaxed);
                }
            });
        });
        let gateway = process(|config| config.backends = rogue.listed());
        let mut client = gateway.connect();
        client.await_tool("bad");
        let before = gateway.usage().memory();
        // It asks and does not read.
        client.request("bad", "tool.execute", &json!({"tool": "bad", "args": {}}));
        until("the flood", || (sent.load(Relaxed) >= 64).then_some(()));
        let mut other = gateway.connect();
        for _ in 0..20 {
            check_good(&mut other);
        }
        let answer = end(&mut client, "bad");
        assert_eq!(answer["error"]["code"], 4012, "{answer}");
        let grown = gateway.usage().memory().saturating_sub(before);
        assert!(grown < 96 << 20, "{grown} bytes more for a flood of a gigabyte");
        check_good(&mut client);
    });
}

#[test]
fn backend_answers_twice() {
    both(|multiplexed| {
        let rogue = Rogue::start(multiplexed, |request, answers| {
            for answer in ["1", "2"] {
                answers.try_send(result(request.call_id, answer)).expect("there is room for four");
            }
            let late = protocol::pb::Error { code: 4003, ..Default::default() };
            let _ = answers.try_send(event(request.call_id, Event::Error(late)));
        });
        let gateway = at(&rogue);
        let mut client = gateway.connect();
        assert_eq!(bad(&mut client)["result"], 1);
        // Another message would be a failure of these.
        for _ in 0..10 {
            assert_eq!(client.ask("tool.execute", &json!({"tool": "good", "args": {}})), "good");
        }
        client.check_alive();
    });
}

#[test]
fn backend_answers_unknown_call() {
    let rogue = Rogue::start(true, |request, answers| {
        for unknown in [0, u64::MAX, request.call_id ^ (1 << 40)] {
            answers.try_send(result(unknown, "\"evil\"")).expect("there is room for four");
        }
        answers.try_send(result(request.call_id, "1")).expect("there is room for four");
    });
    let gateway = at(&rogue);
    let (mut client, mut bystander) = (gateway.connect(), gateway.connect());
    for _ in 0..10 {
        assert_eq!(bad(&mut client)["result"], 1);
        assert_eq!(bystander.ask("tool.execute", &json!({"tool": "good", "args": {}})), "good");
    }
    client.check_alive();
}

#[test]
fn huge_result() {
    const OVER: usize = (8 << 20) + 1_000;
    const FAR_OVER: usize = 24 << 20;
    // A message that is far over the limit is not read, so that on a stream of many calls it can't be told whose it was.
    for (multiplexed, size, code) in
        [(true, OVER, 4012), (true, FAR_OVER, 4009), (false, OVER, 4012), (false, FAR_OVER, 4012)]
    {
        let rogue = Rogue::start(multiplexed, move |request, answers| {
            let huge = format!("\"{}\"", "x".repeat(size));
            let _ = answers.try_send(result(request.call_id, &huge));
        });
        let gateway = process(|config| config.backends = rogue.listed());
        let mut client = gateway.connect();
        client.await_tool("bad");
        let before = gateway.usage().memory();
        let answer = bad(&mut client);
        assert_eq!(answer["error"]["code"], code, "{answer}");
        let text = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(text.contains("bytes"), "it says why: {answer}");
        let grown = gateway.usage().memory().saturating_sub(before);
        assert!(grown < 64 << 20, "{grown} bytes more for a result that is not taken");
        // A stream that was cut is opened again.
        until("the next call", || {
            client.request("next", "tool.execute", &json!({"tool": "good", "args": {}}));
            (end(&mut client, "next")["result"] == "good").then_some(())
        });
    }
}

#[test]
fn registration_flood() {
    let rogue = Rogue::start(false, |_, _| {});
    let gateway = Gateway::with(|config| {
        config.registry.max_registrations = 3;
        config.registry.max_streams = 8;
        config.registry.lease_ms = 60_000;
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let mut codes = Vec::new();
        let mut open = Vec::new();
        for number in 0..12 {
            let address = format!("http://{}", gateway.grpc);
            let registry = RegistryClient::connect(address).await.expect("the port is open");
            let (own, instance) = (format!("http://{}", rogue.address), format!("flood-{number}"));
            match register(registry, &own, &instance).await {
                Ok(leases) => open.push(leases),
                Err(status) => codes.push(status.code()),
            }
        }
        assert_eq!((open.len(), codes), (3, vec![Code::ResourceExhausted; 9]));
        // Streams of one connection that say nothing are bounded too: the ninth waits, and nobody else does.
        let address = format!("http://{}", gateway.grpc);
        let silent = RegistryClient::connect(address.clone()).await.expect("the port is open");
        let opened: Vec<_> = (0..9)
            .map(|_| {
                let mut silent = silent.clone();
                Box::pin(async move { silent.register(tokio_stream::pending()).await })
            })
            .collect();
        let asked = async {
            let channel =
                tonic::transport::Endpoint::from_shared(address).expect("it is one").connect().await;
            let mut events =
                protocol::pb::events_client::EventsClient::new(channel.expect("the port is open"));
            let request = protocol::pb::PublishRequest {
                tenant: "t".to_owned(),
                name: "a.b".to_owned(),
                ..Default::default()
            };
            events.publish(request).await.expect("others are served")
        };
        let any = async {
            for one in opened {
                let _ = one.await;
            }
        };
        tokio::select! {
            published = asked => assert_eq!(published.into_inner().offset, 1),
            () = any => panic!("silent streams are not answered before they say hello"),
        }
    });
}
