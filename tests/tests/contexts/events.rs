//! What subscribers are told of changes, also when the service dies before it has told it.

use crate::{Bed, Kept, MCPW, create, on_both};
use serde_json::json;
use std::net::TcpListener;
use tests::{Client, Contexts, Gateway, Postgres, Session};

on_both! {
    changes_are_told_to_the_tenants_subscribers_in_order,
    clients_cannot_tell_changes,
}

fn changes_are_told_to_the_tenants_subscribers_in_order(bed: &Bed) {
    let mut subscriber = Session::open(&bed.gateway);
    subscriber.subscribe(&["context.*"]);
    let mut stranger = Session::initialize(bed.client_of("other", "agent", &["*"]), json!({}));
    stranger.subscribe(&["context.*"]);
    let mut client = bed.client_of("tenant", "writer", &["*"]);
    let id = create(&mut client, &json!({"content": 1}));
    for n in 2..=5 {
        client.ask("context.update", &json!({"id": id, "content": n}));
    }
    client.ask("context.delete", &json!({ "id": id }));
    let expected = ["created", "updated", "updated", "updated", "updated", "deleted"];
    for (n, name) in expected.iter().enumerate() {
        let (_, told, data) = subscriber.event();
        assert_eq!(told, format!("context.{name}"));
        assert_eq!((&data["id"], &data["version"]), (&json!(id), &json!((n + 1).min(5))), "{data}");
        assert_eq!(data["agent"], "writer");
        assert!(data["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{data}");
    }
    // Theirs alone reaches them.
    let mut other = bed.client_of("other", "agent", &["*"]);
    let theirs = create(&mut other, &json!({"content": 1}));
    assert_eq!(stranger.event().2["id"], json!(theirs));
}

fn clients_cannot_tell_changes(bed: &Bed) {
    let mut session = Session::open(&bed.gateway);
    for name in ["context.created", "context.updated", "context.deleted"] {
        session.ask_wrong("event.publish", &json!({ "name": name }), 4013);
    }
    session.publish("context.exported", &json!({}));
}

/// The service can't reach the gateway that it is to tell, and is killed.
fn check_told_after_a_crash(database: &Kept) {
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let listen = free().expect("there is a free port").to_string();
    let nobody = format!("http://{}", free().expect("there is a free port"));
    let gateway = Gateway::with(|config| config.backends.push(format!("http://{listen}")));
    let arguments = ["--listen", &listen, "--registry", &nobody];
    let mut service = Contexts::serve(MCPW, &database.url(), &arguments);
    Contexts::await_calls(&gateway);
    let mut subscriber = Session::open(&gateway);
    subscriber.subscribe(&["context.*"]);
    let mut client: Client = gateway.connect();
    let made: Vec<_> = (0..20).map(|n| create(&mut client, &json!({ "content": n }))).collect();
    for id in &made {
        client.ask("context.update", &json!({"id": id, "content": "changed"}));
    }
    service.kill();
    drop(service);

    let registry = format!("http://{}", gateway.grpc);
    let _service = Contexts::serve(MCPW, &database.url(), &["--registry", &registry]);
    let mut told: Vec<_> = (0..40)
        .map(|_| {
            let (_, name, data) = subscriber.event();
            (data["id"].as_str().expect("an id").to_owned(), name)
        })
        .collect();
    // In the order of each context, whatever happens between them.
    told.sort_by_key(|(id, _)| id.clone());
    let expected = made
        .iter()
        .flat_map(|id| ["context.created", "context.updated"].map(|name| (id.clone(), name.to_owned())));
    assert_eq!(told, expected.collect::<Vec<_>>());
    // And no more than these: the next one is this.
    subscriber.publish("context.last", &json!({}));
    assert_eq!(subscriber.event().1, "context.last");
}

#[test]
fn changes_that_were_not_told_before_a_crash_are_told_after_it_on_sqlite() {
    check_told_after_a_crash(&Kept::sqlite());
}

#[test]
fn changes_that_were_not_told_before_a_crash_are_told_after_it_on_postgres() {
    check_told_after_a_crash(&Kept::Postgres(Postgres::start()));
}
