//! The platform's own backends: progress, cancel, questions, resources, and members that nobody knows.

use crate::sdk::{Era, Way};
use crate::server::Server;
use crate::walks::Walks;
use crate::{Program, Sdk};
use serde_json::json;
use tests::Tools;

/// Does it all in each way that the program has, with one gateway.
fn check(program: Program) {
    let gateway = crate::sdk::gateway();
    let (walks, server) = (Walks::new(), Server::new());
    let _backends = [Tools::serve(walks.backend(), &gateway), server.serve("words", &gateway)];
    crate::await_everywhere(&gateway, &["walk", "words.own"]);
    for (index, way) in Way::all(program).into_iter().enumerate() {
        let mut sdk = Sdk::connect(way, &gateway);
        let tools = sdk.ask("tools");
        let names: Vec<_> = tools.as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["fail", "walk", "words.own"], "{way:?}");
        assert_eq!(tools[2]["title"], "Ta", "{way:?}");

        let walk = json!({"name": "walk"});
        sdk.step("begin", &walk);
        assert_eq!(sdk.ask("progress"), json!([1, 2, "half"]), "{way:?}");
        walks.let_go();
        assert_eq!(sdk.ask("end")["structuredContent"], json!({"done": true}), "{way:?}");
        sdk.step("begin", &walk);
        sdk.ask("progress");
        sdk.ask("cancel");
        walks.await_cancelled(index + 1);

        let told = sdk.call("words.own", &json!({"do": "ask"}));
        let answer = json!({"action": "accept", "content": {"name": "n"}});
        assert_eq!(told["structuredContent"], json!({"who": answer, "state": "s\"1"}), "{way:?}");
        assert_eq!(sdk.ask("asked"), json!(["Who?"]), "{way:?}");
        assert_eq!(sdk.call("fail", &json!({}))["isError"], true, "{way:?}");

        let plain = sdk.call("words.own", &json!({}));
        assert_eq!(plain["content"][0]["text"], "hi", "{way:?}");
        if program != Program::Python2 {
            // That one keeps what it knows alone.
            assert_eq!(plain["unknown"]["a"][0].as_f64(), Some(20.0), "{way:?}: {plain}");
        }
        assert_eq!(plain["structuredContent"].is_null(), way.era == Era::Legacy, "{way:?}");

        let resources = sdk.ask("resources");
        assert_eq!(resources[0]["uri"], "words://1", "{way:?}: {resources}");
        let contents = sdk.step("read", &json!({"uri": "words://1"}));
        assert_eq!(contents[0]["text"], "words", "{way:?}");
        sdk.end();
    }
}

#[test]
fn the_python_sdk_1_is_served() {
    check(Program::Python1);
}

#[test]
fn the_python_sdk_2_is_served() {
    check(Program::Python2);
}

#[test]
fn the_typescript_sdk_1_is_served() {
    check(Program::TypeScript1);
}

#[test]
fn the_typescript_sdk_1_is_served_with_the_websocket_of_node_22() {
    check(Program::TypeScript1OnNode22);
}

#[test]
fn the_typescript_sdk_2_is_served() {
    check(Program::TypeScript2);
}
