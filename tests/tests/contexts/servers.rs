//! PostgreSQL: shared by several processes of the service, away for a while, or of a newer version.

use crate::{Bed, Kept, MCPW, create, get, refused};
use protocol::pb;
use serde_json::{Value, json};
use std::collections::HashMap;
use tests::{Contexts, Gateway, Postgres, Session, until};

/// Calls a service as a gateway does.
#[derive(Debug)]
pub(crate) struct Caller {
    runtime: tokio::runtime::Runtime,
    client: pb::backend_client::BackendClient<tonic::transport::Channel>,
}

impl Caller {
    pub(crate) fn of(address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be built");
        let address = format!("http://{address}");
        let client = runtime.block_on(pb::backend_client::BackendClient::connect(address));
        Self { runtime, client: client.expect("the service listens") }
    }

    /// The result of a call with this idempotency key.
    pub(crate) fn call(&mut self, method: &str, params: &Value, key: &str) -> Value {
        let request = pb::CallRequest {
            method: method.to_owned(),
            params: params.to_string().into(),
            idempotency_key: key.to_owned(),
            identity: Some(pb::Identity {
                tenant: "tenant".to_owned(),
                agent: "agent".to_owned(),
                scopes: vec!["*".to_owned()],
            }),
            ..pb::CallRequest::default()
        };
        let event = self.runtime.block_on(async {
            let mut events = self.client.call(request).await.expect("it is called").into_inner();
            events.message().await.expect("it answers").expect("with an event")
        });
        match event.event {
            Some(pb::call_event::Event::Result(result)) => serde_json::from_slice(&result).expect("JSON"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_services_start_at_once_and_share_a_server() {
    let server = Postgres::start();
    let gateway = Gateway::start();
    let registry = format!("http://{}", gateway.grpc);
    let url = server.url();
    // Both find an empty database.
    let [a, b] = std::thread::scope(|scope| {
        let start = || scope.spawn(|| Contexts::serve(MCPW, &url, &["--registry", &registry]));
        let starting = [start(), start()];
        starting.map(|service| service.join().expect("it starts"))
    });
    Contexts::await_calls(&gateway);
    let mut subscriber = Session::open(&gateway);
    subscriber.subscribe(&["context.*"]);
    let (mut at_a, mut at_b) = (Caller::of(&a.address), Caller::of(&b.address));
    let made = at_a.call("context.create", &json!({"content": {"n": 0}}), "");
    let id = &made["id"];
    for n in 1..=10 {
        let at = if n % 2 == 0 { &mut at_a } else { &mut at_b };
        let params = json!({"id": id, "patch": {"n": n}, "expected_version": n});
        assert_eq!(at.call("context.update", &params, "")["version"], n + 1);
    }
    assert_eq!(at_b.call("context.get", &json!({ "id": id }), "")["content"], json!({"n": 10}));
    // The same request, at whichever of them, makes one context.
    let params = json!({"content": "once"});
    let once = at_a.call("context.create", &params, "key");
    assert_eq!(at_b.call("context.create", &params, "key"), once);
    let mut versions = HashMap::<String, Vec<i64>>::new();
    for _ in 0..12 {
        let (_, _, data) = subscriber.event();
        let id = data["id"].as_str().expect("an id").to_owned();
        versions.entry(id).or_default().push(data["version"].as_i64().expect("a version"));
    }
    assert_eq!(versions[id.as_str().expect("an id")], (1..=11).collect::<Vec<_>>());
    // Whoever is left tells what there is to tell.
    drop(at_a);
    assert!(a.terminate().success());
    let other = at_b.call("context.create", &json!({"content": 1}), "");
    assert_eq!(subscriber.event().2["id"], other["id"]);
}

#[test]
fn a_server_that_is_away_is_4009_and_used_again_when_it_is_back() {
    let mut bed = Bed::postgres();
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": "kept"}));
    let Kept::Postgres(server) = &mut bed.database else { unreachable!("it was made so") };
    server.kill();
    for (method, params) in [
        ("context.get", json!({ "id": id })),
        ("context.create", json!({"content": 1})),
        ("context.list", json!({})),
    ] {
        let error = refused(&mut client, method, &params, 4009);
        assert!(error["message"].as_str().expect("a text").contains("database"), "{error}");
    }
    server.restart();
    until("the server to be used again", || {
        client.request("again", "context.get", &json!({ "id": id }));
        (client.message()["type"] == 1).then_some(())
    });
    assert_eq!(get(&mut client, &id)["content"], "kept");
    create(&mut client, &json!({"content": "new"}));
}

#[test]
fn a_newer_schema_is_told_and_left_as_it_is() {
    let server = Postgres::start();
    let gateway = Gateway::start();
    let service = Contexts::start(MCPW, &server.url(), &gateway);
    assert!(service.terminate().success());
    server.execute("UPDATE mcpw_schema SET version = 99");
    let error = Contexts::refused(MCPW, &server.url());
    assert!(error.contains("schema 99") && error.contains("newer mcpw"), "{error}");
    server.execute("DO $$ BEGIN ASSERT (SELECT version FROM mcpw_schema) = 99; END $$");
}

#[test]
fn a_server_that_is_not_there_is_told_without_the_password() {
    let error = Contexts::refused(MCPW, "postgres://mcpw:s3cret@127.0.0.1:1/x");
    assert!(error.contains("cannot open postgres://mcpw@127.0.0.1:1/x"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}
