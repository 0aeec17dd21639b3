//! What docs/admin.md shows is what the port does.

use crate::{Operator, process};
use serde_json::Value;
use std::collections::BTreeSet;
use tests::{Session, Tools};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/admin.md");

/// The request of an example, and its answer: fences of JSON that go on with `GET /path`.
fn examples(page: &str) -> Vec<(String, Value)> {
    let mut examples = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(title) = line.strip_prefix("```json ") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = text.join("\n");
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{title}: {error}: {text}"));
        examples.push((title.to_owned(), json));
    }
    examples
}

/// The same members with values of the same kinds.
fn check_alike(what: &str, shown: &Value, found: &Value) {
    match (shown, found) {
        (Value::Object(shown), Value::Object(found)) => {
            let names =
                |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(shown), names(found), "{what}");
            for (name, value) in shown {
                check_alike(&format!("{what}.{name}"), value, &found[name]);
            }
        }
        (Value::Array(shown), Value::Array(found)) => {
            if let (Some(shown), Some(found)) = (shown.first(), found.first()) {
                check_alike(&format!("{what}[0]"), shown, found);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ => {
            let kind = |value: &Value| std::mem::discriminant(value);
            assert_eq!(kind(shown), kind(found), "{what}: {shown} and {found}");
        }
    }
}

#[test]
fn the_examples_of_the_page_are_what_the_port_answers() {
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    let gateway = process(|_| {});
    let _tools = Tools::at(&gateway);
    let operator = Operator::local(&gateway);
    let mut run = BTreeSet::new();
    for (title, shown) in &examples(&page) {
        // Some of them end it.
        let mut client = gateway.connect();
        client.await_tool("sleep");
        let mut session = Session::initialize(client, serde_json::json!({}));
        session.subscribe(&["order.*"]);
        let id = session.opened["session_id"].as_str().expect("an id");
        let list = operator.get(&format!("/admin/v1/connections?session={id}"));
        let number = list["connections"][0]["id"].to_string();
        let (method, path) = title.split_once(' ').expect("a method and a path");
        let path = path.replace("SESSION", id).replace("CONNECTION", &number);
        let body = if path == "/admin/v1/revoke" {
            r#"{"tenant":"acme","agent":"ci","reason":"stolen"}"#
        } else {
            ""
        };
        let response = operator.send(method, &path, "", body);
        assert!((200..300).contains(&response.status), "{title}: {}", response.text());
        check_alike(title, shown, &response.json());
        run.insert(method.to_owned() + " " + path.split('?').next().unwrap_or_default());
    }
    assert!(run.len() >= 9, "{run:?}");
}
