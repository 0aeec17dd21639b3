//! The client library and `mcpw call` where messages have to be signed.

use crate::signatures::required;
use crate::{BINARY, Setting};
use client::{Client, Error, Format, Reconnect, State};
use gateway::Config;
use gateway::config::Demand;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;
use tests::{Counter, Gateway, Tools};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const FORMATS: [Format; 2] = [Format::Json, Format::Binary];

/// A gateway whose certificate is for the address that it has.
fn start(setting: &Setting, configure: impl FnOnce(&mut Config)) -> Gateway {
    Gateway::with(|config| {
        let pair = setting.write(&setting.authority.certify(&["127.0.0.1"]), "gateway");
        (config.tls.cert_file, config.tls.key_file) = (Some(pair.cert_file), Some(pair.key_file));
        configure(config);
    })
}

fn builder(gateway: &Gateway, setting: &Setting, address: SocketAddr) -> client::Builder {
    let authorities = setting.write_authority(&setting.authority, "servers.pem");
    Client::builder(format!("wss://{address}/ws")).token(gateway.keys.token()).ca_file(authorities)
}

async fn ask(client: &Client, method: &str, params: Value) -> Value {
    let answer = client.request(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"));
    serde_json::from_str(answer.get()).expect("JSON")
}

async fn await_tool(client: &Client, name: &str) {
    let there = async {
        while !ask(client, "tool.list", json!({})).await.to_string().contains(name) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), there).await.expect("the tool is there");
}

fn check_nothing_was_refused(gateway: &Gateway) {
    let metrics = gateway.metrics();
    for reason in ["missing", "no_key", "mismatch", "timestamp", "nonce"] {
        let series = format!("websocket_signatures_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(metrics.value(&series), 0.0, "{reason}");
    }
}

#[tokio::test]
async fn the_library_signs_all_that_it_sends() {
    let setting = Setting::new();
    let gateway = start(&setting, required);
    for format in FORMATS {
        let builder = builder(&gateway, &setting, gateway.clients).format(format).require_signing(true);
        let client = builder.connect().await.expect("a session");
        assert!(client.session().signed);
        // Many callers at once: their ids are not written in the order in which they were given.
        let mut calls = Vec::new();
        for n in 0..500 {
            calls.push(client.call("echo", json!(n)).await.expect("it is connected"));
        }
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.result().await.expect("a result").get(), n.to_string());
        }
        let batch: Vec<_> = (0..80).map(|n| ("echo", json!(n))).collect();
        for (n, answer) in client.batch(batch).await.into_iter().enumerate() {
            assert_eq!(answer.expect("a result").get(), n.to_string());
        }
        client.ping().await.expect("a pong");
        client.notify("echo", json!(1)).await.expect("it is connected");
        let mut events = client.subscribe(["a.*"]).await.expect("a subscription");
        client.publish("a.b", json!(7)).await.expect("it is stored");
        let event = events.next().await.expect("an event").expect("no gap");
        assert_eq!((&*event.name, event.data.get()), ("a.b", "7"));
        client.close().await;
    }
    check_nothing_was_refused(&gateway);
}

/// Hands connections on to the gateway; `cut` breaks all of them.
async fn relay(listener: &TcpListener, gateway: SocketAddr, cut: &Notify) -> Infallible {
    loop {
        let mut pairs = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (mut client, _) = accepted.expect("the listener is good");
                    pairs.spawn(async move {
                        if let Ok(mut gateway) = TcpStream::connect(gateway).await {
                            // However it ends, both are dropped.
                            let _ = copy_bidirectional(&mut client, &mut gateway).await;
                        }
                    });
                }
                () = cut.notified() => break,
            }
        }
    }
}

#[tokio::test]
async fn requests_are_signed_anew_when_the_session_is_resumed() {
    for format in FORMATS {
        let (setting, counter) = (Setting::new(), Counter::new());
        let gateway = start(&setting, required);
        let _tools = Tools::serve(counter.backend(), &gateway);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the system has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let cut = Notify::new();
        let resumed = async {
            let builder = builder(&gateway, &setting, address).format(format).require_signing(true);
            let client = builder.connect().await.expect("a session");
            await_tool(&client, "count.once").await;
            let mut calls = Vec::new();
            for round in 1..=3 {
                for n in 0..3 {
                    let key = format!("{round}.{n}");
                    let params = json!({"tool": "count.once", "args": {"key": key, "held": true}});
                    calls.push((key.clone(), client.call("tool.execute", params).await.expect("a call")));
                    let begun = async {
                        while counter.executed(&key) == 0 {
                            tokio::task::yield_now().await;
                        }
                    };
                    tokio::time::timeout(Duration::from_secs(20), begun).await.expect("the call begins");
                }
                let mut states = client.states();
                cut.notify_one();
                let again = async {
                    loop {
                        match states.next().await.expect("it goes on") {
                            State::Connected { connection, resumed, .. } if connection > round => {
                                assert!(resumed);
                                break;
                            }
                            State::Ended(error) => panic!("{error}"),
                            _ => {}
                        }
                    }
                };
                tokio::time::timeout(Duration::from_secs(20), again).await.expect("it comes back");
                assert_eq!(ask(&client, "echo", json!(round)).await, json!(round));
            }
            counter.let_go();
            for (key, call) in calls {
                let answer = call.result().await.expect("a result");
                let answer: Value = serde_json::from_str(answer.get()).expect("JSON");
                assert_eq!(answer, json!({"key": key, "executed": 1}));
            }
            client.close().await;
        };
        tokio::select! {
            never = relay(&listener, gateway.clients, &cut) => match never {},
            () = resumed => {}
        }
        check_nothing_was_refused(&gateway);
    }
}

#[tokio::test]
async fn a_client_that_has_to_sign_goes_on_with_no_gateway_that_gives_no_key() {
    let setting = Setting::new();
    let gateway = start(&setting, |_| {});
    for format in FORMATS {
        let builder = builder(&gateway, &setting, gateway.clients).format(format);
        let client = builder.clone().connect().await.expect("a session");
        assert!(!client.session().signed);
        client.close().await;
        match builder.require_signing(true).reconnect(Reconnect::never()).connect().await {
            Err(Error::Protocol(reason)) => assert!(reason.contains("no key"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn mcpw_call_signs_by_itself() {
    let setting = Setting::new();
    let gateway = start(&setting, required);
    let authorities = setting.write_authority(&setting.authority, "servers.pem");
    let url = format!("wss://{}/ws", gateway.clients);
    for format in [&[][..], &["--binary"]] {
        let mut command = Command::new(BINARY);
        command.args(["call", "echo", "[1]", "--url", &url, "--token", &gateway.keys.token()]);
        let output = command.args(format).arg("--ca-file").arg(&authorities).env_clear().output();
        let output = output.expect("the binary was built");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"[1]\n");
    }
    check_nothing_was_refused(&gateway);
}

#[tokio::test]
async fn a_key_that_is_optional_is_used() {
    let setting = Setting::new();
    let gateway = start(&setting, |config| config.security.hmac_signatures = Demand::Optional);
    let client = builder(&gateway, &setting, gateway.clients).connect().await.expect("a session");
    assert!(client.session().signed);
    assert_eq!(ask(&client, "echo", json!(1)).await, 1);
    check_nothing_was_refused(&gateway);
}
