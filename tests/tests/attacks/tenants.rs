//! Whatever another tenant asks for, and in whatever order: it sees nothing of a house that is not its own, and changes nothing in it.

use auth::Claims;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};
use tests::{Client, Contexts, Counter, Endpoints, Gateway, Http, Keys, Session, Tools, until};

use crate::MCPW;

/// In everything that the tenant under attack keeps.
const SECRET: &str = "nobodyelsesbusiness";
const KEY: (&str, &str) = ("Idempotency-Key", "the-key");

/// A tenant with a session, calls that run and that have ended, contexts and events.
struct Victim {
    session: Session,
    http: Http,
    contexts: Vec<String>,
    /// The call that was handed over by REST.
    call: String,
    /// Before the first event.
    place: Value,
}

impl Victim {
    fn settle(gateway: &Endpoints, counter: &Counter) -> Self {
        let mut session = Session::open(gateway);
        session.await_tool("count.once");
        let place = session.subscribe(&["own.*"]);
        let contexts = (0..2).map(|n| {
            let made = json!({"content": {"n": n, "text": SECRET}, "metadata": {"is": SECRET}});
            session.ask("context.create", &made)["id"].as_str().expect("an id").to_owned()
        });
        let contexts = contexts.collect();
        session.publish("own.thing", &json!(SECRET));
        session.event();
        session.call("done", "count.once", &json!({"key": SECRET}));
        session.result("done");
        let held = format!("{SECRET}-held");
        session.call("held", "count.once", &json!({"key": held, "held": true}));
        counter.await_executed(&held, 1);
        let mut http = Http::knowing(gateway, "count.once");
        let body = json!({"arguments": {"key": format!("{SECRET}-rest"), "held": true}}).to_string();
        let headers = [("Prefer", "respond-async"), KEY];
        let answer = http.ask("POST", "/tools/count.once/execute", &headers, Some(&body));
        assert_eq!(answer.status, 202, "{answer:?}");
        let call = answer.json()["id"].as_str().expect("an id").to_owned();
        counter.await_executed(&format!("{SECRET}-rest"), 1);
        Self { session, http, contexts, call, place }
    }

    /// All is as it was left.
    fn check_whole(&mut self) {
        for (n, id) in self.contexts.iter().enumerate() {
            let context = self.session.ask("context.get", &json!({ "id": id }));
            assert_eq!(context["version"], 1, "{context}");
            assert_eq!(context["content"], json!({"n": n, "text": SECRET}));
        }
        let list = self.session.ask("context.list", &json!({}));
        assert_eq!(list["contexts"].as_array().map(Vec::len), Some(self.contexts.len()), "{list}");
        let call = self.http.get(&format!("/calls/{}", self.call));
        assert_eq!(call.json()["status"], "running", "{}", call.text());
        self.session.check_alive();
    }

    /// Calls end as if nobody else had been there, and the log has one's own events alone.
    fn check_ends(mut self, counter: &Counter) {
        counter.let_go();
        assert_eq!(self.session.result("held")["executed"], 1);
        let path = format!("/calls/{}", self.call);
        let ended = until("the end of the call", || {
            let state = self.http.get(&path).json();
            (state["status"] != "running").then_some(state)
        });
        assert_eq!((&ended["status"], &ended["result"]["executed"]), (&json!("done"), &json!(1)), "{ended}");
        let (epoch, offset) = (&self.place["log_epoch"], &self.place["last_offset"]);
        let epoch = epoch.as_str().expect("an epoch");
        let events = self.http.get(&format!("/events?epoch={epoch}&after={offset}&names=own.*")).json();
        assert_eq!(events["events"].as_array().map(Vec::len), Some(1), "{events}");
        assert_eq!(events["events"][0]["data"], SECRET, "{events}");
    }
}

/// A token with all scopes of a tenant that is named much like the one under attack, or not at all.
fn token(keys: &Keys, tenant: &str) -> String {
    keys.mint(&Claims { scopes: vec!["*".to_owned()], ..Claims::new(tenant, "agent") })
}

const STRANGERS: [&str; 6] = ["stranger", "Tenant", "tenant.", "tenant:agent", "tenant}", "t"];

/// What may be asked by message: a method and its params, with all the names that the victim has.
fn messages(victim: &Victim) -> Vec<(&'static str, Value)> {
    let id = &victim.contexts[0];
    let resume = |more: Value| victim.session.resume(more);
    let place = |names: Value| json!({"names": names, "log_epoch": victim.place["log_epoch"], "last_offset": victim.place["last_offset"]});
    vec![
        ("initialize", resume(json!({}))),
        ("initialize", resume(json!({"unanswered": ["done", "held"]}))),
        ("initialize", json!({"resume": {"unanswered": ["done", "held"]}})),
        ("tool.list", json!({})),
        ("tool.execute", json!({"tool": "count.again", "args": {"key": "theirs"}})),
        ("tool.execute", json!({"tool": "count.again", "args": {"key": "theirs"}, "context_id": id})),
        ("tool.cancel", json!({"id": "held"})),
        ("tool.cancel", json!({"id": "done"})),
        ("context.get", json!({ "id": id })),
        ("context.update", json!({"id": id, "content": "theirs"})),
        ("context.update", json!({"id": id, "content": "theirs", "version": 1, "expected_version": 1})),
        ("context.delete", json!({ "id": id })),
        ("context.list", json!({})),
        ("context.list", json!({"agent": "agent", "metadata": {"is": SECRET}})),
        ("context.search", json!({ "query": SECRET })),
        ("context.search", json!({"query": SECRET, "id": id})),
        ("event.subscribe", json!({"names": ["*"]})),
        ("event.subscribe", place(json!(["*"]))),
        ("event.subscribe", place(json!(["own.*", "tool.*", "context.*"]))),
        ("event.unsubscribe", json!({"names": ["own.*"]})),
        ("event.publish", json!({"name": "own.thing", "data": "theirs"})),
        ("event.publish", json!({"name": "own.thing", "data": "theirs", "tenant": "tenant"})),
        ("session.refresh", json!({"tenant": "tenant"})),
        ("session.close", json!({"session_id": victim.session.opened["session_id"]})),
        ("session.migrate", json!({"session_id": victim.session.opened["session_id"]})),
        ("echo", json!({"session_id": victim.session.opened["session_id"]})),
    ]
}

/// What may be asked by REST: a method, a path and a body.
fn requests(victim: &Victim) -> Vec<(&'static str, String, Option<Value>)> {
    let context = format!("/contexts/{}", victim.contexts[0]);
    let call = format!("/calls/{}", victim.call);
    let epoch = victim.place["log_epoch"].as_str().expect("an epoch");
    vec![
        ("GET", "/tools".to_owned(), None),
        ("GET", "/tools/count.once".to_owned(), None),
        ("POST", "/tools/count.again/execute".to_owned(), Some(json!({"arguments": {"key": "theirs"}}))),
        ("GET", call.clone(), None),
        ("DELETE", call, None),
        ("GET", "/contexts".to_owned(), None),
        ("GET", format!("/contexts?metadata=%7B%22is%22%3A%22{SECRET}%22%7D"), None),
        ("GET", format!("/contexts/search?q={SECRET}"), None),
        ("GET", context.clone(), None),
        ("PUT", context.clone(), Some(json!({"content": "theirs"}))),
        ("PATCH", context.clone(), Some(json!({"text": "theirs"}))),
        ("DELETE", context, None),
        ("GET", "/events".to_owned(), None),
        ("GET", format!("/events?epoch={epoch}&after=0"), None),
        ("POST", "/events".to_owned(), Some(json!({"name": "own.thing", "data": "theirs"}))),
    ]
}

/// Sends a message and reads until it is answered, or the connection is closed; all that came.
fn ask(client: &mut Client, id: &str, method: &str, params: &Value) -> (String, bool) {
    client.request(id, method, params);
    let mut said = String::new();
    loop {
        let frame = client.frame("an answer");
        match frame.opcode {
            tests::Opcode::CLOSE => return (said, false),
            tests::Opcode::PING => continue,
            _ => {}
        }
        said += frame.text();
        let message: Value = serde_json::from_str(frame.text()).expect("a message is JSON");
        if message["id"] == id {
            return (said, true);
        }
    }
}

#[track_caller]
fn check_unseen(said: &str, asked: &str) {
    assert!(!said.contains(SECRET), "{asked} is answered with {said}");
}

#[test]
fn cross_tenant() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let (_tools, _contexts) = (Tools::serve(counter.backend(), &gateway), Contexts::passing(MCPW, &gateway));
    let mut victim = Victim::settle(&gateway, &counter);
    let (messages, requests) = (messages(&victim), requests(&victim));
    let ids = ["held", "done", "mine"];
    let step = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let steps = (prop::sample::select(&STRANGERS[..]), prop::collection::vec(step, 1..24));
    let cases = Cases { cases: 40, failure_persistence: None, ..Cases::default() };
    let run = |(tenant, steps): (&str, Vec<(prop::sample::Index, prop::sample::Index)>)| {
        let token = token(&gateway.keys, tenant);
        let upgrade = gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
        let (mut client, mut http) = (gateway.accepted(&upgrade), Http::with_token(&gateway, &token));
        for (n, (what, how)) in steps.into_iter().enumerate() {
            let at = what.index(messages.len() + requests.len());
            if let Some((method, params)) = messages.get(at) {
                // Each id is used once on a connection.
                let id = if n < ids.len() { ids[n].to_owned() } else { format!("own-{n}") };
                let (said, is_open) = ask(&mut client, &id, method, params);
                check_unseen(&said, &params.to_string());
                if !is_open {
                    client = gateway.accepted(&upgrade);
                }
            } else {
                let (method, path, body) = &requests[at - messages.len()];
                let mut headers = vec![KEY, ("Prefer", "respond-async"), ("If-Match", "\"1\"")];
                headers.truncate(how.index(headers.len() + 1));
                if *method == "PATCH" {
                    headers.push(("Content-Type", "application/merge-patch+json"));
                }
                let body = body.as_ref().map(Value::to_string);
                let answer = http.ask(method, path, &headers, body.as_deref());
                check_unseen(&answer.text(), path);
                let theirs = path.starts_with("/calls/") || path.starts_with("/contexts/");
                assert!(
                    !theirs || path.contains("search") || answer.status >= 400,
                    "{method} {path}: {answer:?}"
                );
            }
        }
        Ok(())
    };
    // Contexts come by another shard's table, too.
    let mut http = Http::with_token(&gateway, &token(&gateway.keys, "stranger"));
    until("the contexts", || (http.get("/contexts").status == 200).then_some(()));
    let ran = TestRunner::new(cases).run(&steps, run);
    victim.check_whole();
    if let Err(error) = ran {
        panic!("{error}");
    }
    victim.check_ends(&counter);
}
