//! Lists over several servers, page by page.

use super::{ERAS, Scene, server};
use crate::peer::Peer;
use bridge::Partial;
use serde_json::{Value, json};

/// All pages of a list, and the cursors between them.
fn pages(peer: &mut Peer, method: &str, member: &str) -> (Vec<Value>, Vec<String>) {
    let (mut all, mut cursors) = (Vec::new(), Vec::<String>::new());
    loop {
        let params = cursors.last().map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
        let page = peer.ask(method, &params);
        all.extend(page[member].as_array().unwrap_or_else(|| panic!("{page}")).iter().cloned());
        match page["nextCursor"].as_str() {
            Some(cursor) => cursors.push(cursor.to_owned()),
            None => return (all, cursors),
        }
    }
}

#[test]
fn pages_go_over_servers_of_both_eras_by_cursors_of_our_own() {
    let scene = Scene::with("legacy", |settings| {
        let other = server("two", "modern", std::path::Path::new("/dev/null"));
        settings.servers.push(other);
        settings.prefix = bridge::Prefix::Never;
    });
    for era in ERAS {
        let mut peer = scene.client(era);
        let (resources, cursors) = pages(&mut peer, "resources/list", "resources");
        let uris: Vec<&str> = resources.iter().filter_map(|resource| resource["uri"].as_str()).collect();
        assert_eq!(uris, ["fix://1", "ui://view", "fix://1", "ui://view"]);
        assert!(cursors.len() >= 2 && cursors.iter().all(|cursor| !cursor.contains("p2")), "{cursors:?}");
        assert!(scene.await_sent("\"resources/list\"").contains(r#""cursor":"p2""#));
        let (templates, _) = pages(&mut peer, "resources/templates/list", "resourceTemplates");
        assert_eq!(templates.len(), 2);
        peer.wrong("resources/list", &json!({"cursor": "p2"}), -32602);
        peer.send(&json!(1), "resources/list", &json!({}));
        let frame = peer.frame("a page").text().to_owned();
        assert!(frame.contains(r#"{"uri":"fix://1","name":"one","odd":[ 1.0 ]}"#), "{frame}");
        let (prompts, _) = pages(&mut peer, "prompts/list", "prompts");
        assert_eq!(prompts.len(), 1, "of two with the same name the first has it: {prompts:?}");
    }
}

#[test]
fn a_server_that_is_down_is_left_out_of_a_list_or_makes_it_fail_as_it_is_set() {
    for (partial, fails) in [(Partial::Tolerate, false), (Partial::Fail, true)] {
        let scene = Scene::with("legacy", |settings| {
            let command = ["false"].map(str::to_owned).to_vec();
            settings.servers.push(bridge::Server { name: "down".into(), command, ..Default::default() });
            settings.partial = partial;
        });
        let mut peer = scene.client("modern");
        let (mut params, mut uris) = (json!({}), Vec::new());
        let end = loop {
            peer.send(&json!(1), "resources/list", &params);
            let mut message = peer.answer(&json!(1));
            if let Some(error) = message.get_mut("error") {
                break Err(error.take());
            }
            let resources = message["result"]["resources"].as_array().expect("a list").clone();
            uris.extend(resources.iter().map(|resource| resource["uri"].clone()));
            match message["result"]["nextCursor"].as_str() {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => break Ok(()),
            }
        };
        match end {
            Err(error) if fails => {
                let message = error["message"].as_str().unwrap_or_default();
                assert!(message.contains("server down is down"), "it says which: {error}");
            }
            Ok(()) if !fails => assert_eq!(uris, ["fix://1", "ui://view"]),
            end => panic!("{partial:?}: {end:?}"),
        }
    }
}
