//! docs/reference.md: what it shows is sent to a gateway, in its order, and compared with what comes; and whatever the wire has a
//! number for stands in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use protocol::{CloseCode, ErrorCode, Method};
use serde_json::{Map, Value};
use tests::{Client, Contexts, Gateway, Http, Opcode, Pods, Request, Tools, until};

use crate::clean;
use crate::markdown::{Block, blocks};
use crate::repository;
use crate::shell::Shell;
use crate::shown::{Shown, Wire};

/// The token that the page shows.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";

fn page() -> PathBuf {
    repository().join("docs/reference.md")
}

/// A gateway with all that the page needs behind it, and the connection that its messages go over.
struct Scene {
    wire: Wire,
    shown: Shown,
    client: Client,
    shell: Shell,
    gateway: Gateway,
    /// Held, since the gateway calls and asks them.
    _behind: (Tools, Contexts, Pods),
}

impl Scene {
    fn begin(wire: Wire) -> Self {
        let pods = Pods::new();
        let gateway = pods.pod();
        let tools = Tools::at(&gateway);
        let contexts = Contexts::passing(env!("CARGO_BIN_EXE_mcpw-under-test"), &gateway);
        let mut http = Http::open(&gateway);
        until("the tools", || (http.get("/tools/sleep").status == 200).then_some(()));
        let mut command = clean("bash");
        let port = pods.redis.address().replace("127.0.0.1:", "");
        command.env("REDIS", port).env("ADMIN", gateway.admin.port().to_string());
        let shown = Shown::standing_for(TOKEN, &Self::token(&gateway));
        let client = Self::connect(&gateway, wire);
        Self { wire, shown, client, shell: Shell::start(command), gateway, _behind: (tools, contexts, pods) }
    }

    /// Of the tenant and agent that the page shows.
    fn token(gateway: &Gateway) -> String {
        let claims = auth::Claims { scopes: vec!["*".to_owned()], ..auth::Claims::new("acme", "planner") };
        gateway.keys.mint(&claims)
    }

    fn connect(gateway: &Gateway, wire: Wire) -> Client {
        let upgrade = Request::upgrade(gateway.clients)
            .with("Authorization", &format!("Bearer {}", Self::token(gateway)))
            .with("Sec-WebSocket-Protocol", wire.subprotocol());
        let mut client = gateway.accepted(&upgrade);
        client.tolerate_pings();
        client
    }

    fn send(&mut self, block: &Block) {
        if block.words.iter().any(|word| word == "fresh") {
            self.client = Self::connect(&self.gateway, self.wire);
        }
        self.client.draft(&self.wire.draft(&self.shown.in_force(&block.text)));
    }

    /// Awaits what the block shows, in any order; what is other.
    fn receive(&mut self, block: &Block) -> Result<(), String> {
        let mut awaited = self.wire.parse(&self.shown.in_force(&block.text));
        let wants_progress = block.text.contains("tool.progress");
        while !awaited.is_empty() {
            let came = self.wire.next(&mut self.client);
            // It may come at any time, and be left out.
            if came["method"] == "tool.progress" && !wants_progress {
                continue;
            }
            let found = awaited.iter().position(|shown| self.shown.fits(shown, &came, &block.words));
            let Some(found) = found else { return Err(format!("{came} came")) };
            self.shown.learn(&awaited.remove(found), &came);
        }
        if let Some(code) = block.words.iter().find_map(|word| word.strip_prefix("closes=")) {
            self.await_close(code);
        }
        Ok(())
    }

    #[track_caller]
    fn await_close(&mut self, code: &str) {
        loop {
            let frame = self.client.frame("a close");
            if frame.opcode == Opcode::CLOSE {
                return assert_eq!(frame.close().0.to_string(), code);
            }
        }
    }
}

#[track_caller]
fn check_examples(wire: Wire) {
    let mut scene = Scene::begin(wire);
    let (mut count, mut wrong) = (0, Vec::new());
    for block in blocks(&page()) {
        let at = format!("docs/reference.md:{}", block.line);
        if block.language == "sh" && block.title.is_some() && wire == Wire::Json {
            scene.shell.paste(&block.text).unwrap_or_else(|why| panic!("{at}: {why}"));
        } else if wire.languages().contains(&block.language.as_str()) {
            match block.words.first().map(String::as_str) {
                Some("send") => scene.send(&block),
                Some("receive") => {
                    count += 1;
                    wrong.extend(scene.receive(&block).err().map(|why| format!("{at}: {why}")));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 15, "{count} answers are shown");
}

#[test]
fn the_examples_in_json_are_what_a_gateway_answers() {
    check_examples(Wire::Json);
}

#[test]
fn the_examples_in_binary_are_what_a_gateway_answers() {
    check_examples(Wire::Binary);
}

#[test]
fn the_sizes_in_binary_are_those_of_what_is_shown() {
    let shown = blocks(&page());
    let binary = shown.iter().filter(|block| block.language == "text" && !block.words.is_empty());
    let lines: Vec<_> = binary.flat_map(|block| block.text.lines()).collect();
    assert!(lines.len() > 20, "{} messages are shown", lines.len());
    for line in lines {
        let (header, payload) = line.split_at_checked(56).unwrap_or((line, ""));
        let size = u64::from_str_radix(&header[47..55], 16).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(size, payload.len() as u64, "{line}");
    }
}

#[test]
fn every_number_of_the_wire_stands_in_the_reference() {
    let text = std::fs::read_to_string(page()).expect("the page is there");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).collect();
    let check = |code: u16, name: &str| {
        let row = format!("| {code} | `{name}` |");
        assert_eq!(
            rows.iter().filter(|line| line.starts_with(&row)).count(),
            1,
            "rows that begin with {row}"
        );
    };
    for method in Method::ALL {
        check(method.code(), method.name());
        let heading = format!("\n### {}\n", method.name());
        assert_eq!(text.matches(&heading).count(), 1, "headings {heading:?}");
    }
    for code in ErrorCode::ALL {
        check(code.as_u16(), code.name());
    }
    for code in CloseCode::ALL {
        check(code.as_u16(), code.name());
    }
}

#[test]
fn every_method_is_shown_in_both_formats_with_its_members() {
    let text = std::fs::read_to_string(page()).expect("the page is there");
    let shown = blocks(&page());
    for method in Method::ALL {
        let name = method.name();
        let start = text.find(&format!("\n### {name}\n")).expect("every method has a heading");
        let section = &text[start + 1..];
        let section = &section[..section.find("\n## ").unwrap_or(section.len())];
        let section = &section[..section.find("\n### ").unwrap_or(section.len())];
        let first = text[..=start].lines().count();
        let lines = first..first + section.lines().count();
        let here: Vec<_> = shown.iter().filter(|block| lines.contains(&block.line)).collect();
        for member in members(name, &here) {
            assert!(section.contains(&format!("`{member}`")), "### {name} does not tell of `{member}`");
        }
        let in_binary = here.iter().flat_map(|block| match block.language.as_str() {
            "text" => Wire::Binary.parse(&block.text),
            _ => Vec::new(),
        });
        let count = in_binary.filter(|packet| packet["method"] == method.code()).count();
        // What a client sends and what it is answered; of notifications one stands for all.
        let awaited = if method.code() < Method::ToolProgress.code() { 2 } else { 0 };
        assert!(count >= awaited, "### {name} has {count} messages in binary");
    }
}

#[test]
fn every_member_of_a_message_is_told() {
    let text = std::fs::read_to_string(page()).expect("the page is there");
    let (_, section) = text.split_once("\n## Messages\n").expect("there is such a section");
    let (section, _) = section.split_once("\n## ").expect("others follow");
    let shown = blocks(&page());
    let shown = shown.iter().filter(|block| block.language.starts_with("json"));
    for message in shown.flat_map(|block| Wire::Json.parse(&block.text)) {
        for member in message.as_object().into_iter().flat_map(Map::keys) {
            assert!(section.contains(&format!("\n| `{member}` |")), "{member}");
        }
        for member in message["error"].as_object().into_iter().flat_map(Map::keys) {
            assert!(section.contains(&format!("\n| `error.{member}` |")), "error.{member}");
        }
    }
}

/// The members of params and results of this method in these blocks.
fn members(method: &str, blocks: &[&Block]) -> Vec<String> {
    let messages = blocks.iter().filter(|block| block.language.starts_with("json"));
    let messages: Vec<_> = messages.flat_map(|block| Wire::Json.parse(&block.text)).collect();
    let asked: BTreeMap<_, _> = messages
        .iter()
        .filter(|message| message["method"] == method)
        .map(|it| (it["id"].to_string(), it))
        .collect();
    assert!(!asked.is_empty(), "### {method} has no message in JSON");
    let mut found = Vec::new();
    let mut add = |value: &Value| found.extend(value.as_object().into_iter().flat_map(Map::keys).cloned());
    for message in asked.values() {
        add(&message["params"]);
        add(&message["params"]["resume"]);
    }
    // The results of these are their callers' and the tools'.
    if !matches!(method, "echo" | "tool.execute") {
        for message in
            messages.iter().filter(|it| it["type"] == 1 && asked.contains_key(&it["id"].to_string()))
        {
            add(&message["result"]);
            add(&message["result"]["limits"]);
        }
    }
    // Likewise the params of echo.
    found.retain(|_| method != "echo");
    found
}
