//! A server of Model Context Protocol for what real ones can't show: it speaks the era that its first argument names, by lines of
//! its pipes, and answers with texts whose every byte is known. Each line that it is sent it writes to the file that
//! `MCP_FIXTURE_RECORD` names.

mod played;

use played::Play;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, Write as _};

/// What it does with a call by the name of its tool.
const TOOLS: &str = r#"{"name":"echo","inputSchema":{"type":"object"},"x-unknown":[1.0, "\u0061"],"_meta":{"a/b":{ }}},{"name":"progress","inputSchema":{"type":"object"}},{"name":"slow","inputSchema":{"type":"object"}},{"name":"cancels","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},{"name":"ask","inputSchema":{"type":"object"}},{"name":"fail","inputSchema":{"type":"object"}},{"name":"crash","inputSchema":{"type":"object"}},{"name":"odd name/1","inputSchema":{"type":"object"}},{"name":"play","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://view"}}},{"name":"grow","inputSchema":{"type":"object"}},{"name":"task","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}}"#;

const CAPABILITIES: &str = r#"{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"completions":{},"logging":{}}"#;

/// A line, its values as they were written.
#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

struct Server {
    is_legacy: bool,
    record: Option<File>,
    cancelled: u32,
    /// Calls that wait for an answer of the client's, the oldest first.
    waiting: VecDeque<Play>,
    /// The raw ids of the requests that listen to resources, and to lists.
    listening: String,
    lists: String,
    has_grown: bool,
}

fn main() {
    let is_legacy = std::env::args().nth(1).as_deref() == Some("legacy");
    let record = std::env::var_os("MCP_FIXTURE_RECORD").map(|path| {
        OpenOptions::new().append(true).create(true).open(path).expect("the test's folder is there")
    });
    let [listening, lists] = ["null"; 2].map(str::to_owned);
    let waiting = VecDeque::new();
    let mut server = Server { is_legacy, record, cancelled: 0, waiting, listening, lists, has_grown: false };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Some(record) = &mut server.record {
            writeln!(record, "{line}").expect("the test's folder is there");
        }
        if !server.take(&line) {
            return;
        }
    }
}

/// Writes a line.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // The bridge may be gone, and then so is this soon.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

impl Server {
    /// Answers a line; whether it goes on.
    fn take(&mut self, line: &str) -> bool {
        let message: Value = serde_json::from_str(line).expect("the bridge sends JSON");
        let raw: Line<'_> = serde_json::from_str(line).expect("the bridge sends JSON");
        let params = raw.params.map_or("{}", RawValue::get);
        let id = raw.id.map_or("null", RawValue::get);
        let Some(method) = message["method"].as_str() else {
            let answer = raw.result.or(raw.error).map_or("null", RawValue::get);
            if let Some(play) = self.waiting.pop_front() {
                self.waiting.extend(play.go_on(answer));
            }
            return true;
        };
        let answer = |result: &str| say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
        let refuse = |error: &str| say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
        let complete = |members: &str| {
            let kind = if self.is_legacy { "" } else { r#","resultType":"complete""# };
            answer(&format!("{{{members}{kind}}}"));
        };
        let grown = |entry: &str| if self.has_grown { format!(",{entry}") } else { String::new() };
        let said = &message["params"];
        match method {
            "server/discover" if !self.is_legacy => complete(&format!(
                r#""supportedVersions":["2026-07-28"],"capabilities":{CAPABILITIES},"instructions":"Be modern.""#
            )),
            "initialize" if self.is_legacy => answer(&format!(
                r#"{{"protocolVersion":"2025-06-18","capabilities":{CAPABILITIES},"serverInfo":{{"name":"fixture","version":"1"}}}}"#
            )),
            "tools/list" => {
                let grown = grown(r#"{"name":"grown","inputSchema":{"type":"object"}}"#);
                complete(&format!(r#""tools":[{TOOLS}{grown}]"#));
            }
            "resources/list" => match said["cursor"].as_str() {
                None => complete(
                    r#""resources":[{"uri":"fix://1","name":"one","odd":[ 1.0 ]}],"nextCursor":"p\u0032""#,
                ),
                Some("p2") => {
                    let grown = grown(r#"{"uri":"fix://grown","name":"grown"}"#);
                    complete(&format!(
                        r#""resources":[{{"uri":"ui://view","name":"view","mimeType":"text/html;profile=mcp-app"}}{grown}]"#
                    ));
                }
                Some(_) => refuse(r#"{"code":-32602,"message":"no such cursor"}"#),
            },
            "resources/templates/list" => {
                complete(r#""resourceTemplates":[{"uriTemplate":"fix://{id}","name":"fixed","odd":2e1}]"#);
            }
            "prompts/list" => {
                let grown = grown(r#"{"name":"grown"}"#);
                complete(&format!(r#""prompts":[{{"name":"greet","odd":[ 1.0 ]}}{grown}]"#));
            }
            "resources/read" if said["uri"] == "fix://none" => {
                let code = if self.is_legacy { -32002 } else { -32602 };
                refuse(&format!(
                    r#"{{"code":{code},"message":"Resource not found","data":{{ "own" : 1.0 }}}}"#
                ));
            }
            "resources/read" => {
                let uri = &said["uri"];
                complete(&format!(
                    r#""contents":[{{"uri":{uri},"text":"h\u0069","odd":1.0}}],"own":{{ "a" : 2e1 }}"#
                ));
            }
            "prompts/get" => complete(r#""messages":[ ],"own":{ "a" : 2e1 }"#),
            "completion/complete" => complete(r#""completion":{"values":["v\u0031"],"odd":1.0}"#),
            "resources/subscribe" | "resources/unsubscribe" | "logging/setLevel" if self.is_legacy => {
                answer("{}")
            }
            "subscriptions/listen" if !self.is_legacy => {
                let filter = raw_member(params, "notifications");
                // Who wants single resources is who is told of them.
                if said["notifications"].get("resourceSubscriptions").is_some() {
                    self.listening = id.to_owned();
                }
                say(&format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{filter},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
                ));
                if said["notifications"].get("toolsListChanged").is_some() {
                    self.lists = id.to_owned();
                }
            }
            "notifications/cancelled" => self.cancelled += 1,
            "tools/call" => match said["name"].as_str().unwrap_or_default() {
                "echo" | "odd name/1" => complete(&format!(
                    r#""content":[ ],"structuredContent":{{"params":{params}}},"y-unknown":{{ "b" : 2.50 }}"#
                )),
                "progress" => {
                    let token = &said["_meta"]["progressToken"];
                    for done in 1..=2 {
                        say(&format!(
                            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{done}.0,"total":2,"z":[ ]}}}}"#
                        ));
                    }
                    complete(r#""content":[]"#);
                }
                "slow" => {}
                "cancels" => {
                    let cancelled = self.cancelled;
                    complete(&format!(r#""content":[],"structuredContent":{{"cancelled":{cancelled}}}"#));
                }
                "ask" => {
                    let play = played::ask(id, self.is_legacy, said);
                    self.waiting.extend(play.begin());
                }
                "play" => {
                    let play = Play::of(id, said, &self.listening);
                    self.waiting.extend(play.begin());
                }
                "grow" => {
                    complete(r#""content":[]"#);
                    self.grow();
                }
                "fail" => refuse(r#"{"code":-32050,"message":"no luck","data":{ "why" : 1.0 }}"#),
                "crash" => return false,
                other => refuse(&format!(r#"{{"code":-32602,"message":"no tool {other}"}}"#)),
            },
            _ if raw.id.is_some() => refuse(r#"{"code":-32601,"message":"Method not found"}"#),
            _ => {}
        }
        true
    }

    /// All its lists are longer by one, and it says so as its era does.
    fn grow(&mut self) {
        self.has_grown = true;
        for list in ["tools", "resources", "prompts"] {
            let params = match self.is_legacy {
                true => String::new(),
                false => format!(
                    r#","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}}}"#,
                    self.lists
                ),
            };
            say(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"{params}}}"#));
        }
    }
}

/// A member as it was written.
fn raw_member(object: &str, name: &str) -> String {
    let members: HashMap<String, &RawValue> = serde_json::from_str(object).expect("it is an object");
    members.get(name).map_or_else(|| "null".to_owned(), |raw| raw.get().to_owned())
}
