//! A server of Model Context Protocol for what real ones can't show: it speaks the era that its first argument names, by lines of
//! its pipes, and answers with texts whose every byte is known.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};

const TOOLS: &str = r#"[{"name":"echo","inputSchema":{"type":"object"},"x-unknown":[1.0, "\u0061"],"_meta":{"a/b":{ }}},{"name":"progress","inputSchema":{"type":"object"}},{"name":"slow","inputSchema":{"type":"object"}},{"name":"cancels","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},{"name":"ask","inputSchema":{"type":"object"}},{"name":"fail","inputSchema":{"type":"object"}},{"name":"crash","inputSchema":{"type":"object"}},{"name":"odd name/1","inputSchema":{"type":"object"}}]"#;

#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // The bridge may be gone, and then so is this soon.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn main() {
    let is_legacy = std::env::args().nth(1).as_deref() == Some("legacy");
    let (mut cancelled, mut waiting) = (0, None);
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line).expect("the bridge sends JSON");
        let raw: Line<'_> = serde_json::from_str(&line).expect("the bridge sends JSON");
        let params = raw.params.map_or("{}", RawValue::get);
        let id = &message["id"];
        let answer = |result: &str| say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
        let refuse = |error: &str| say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
        let complete = |members: &str| {
            let kind = if is_legacy { "" } else { r#","resultType":"complete""# };
            answer(&format!("{{{members}{kind}}}"));
        };
        match message["method"].as_str() {
            None => {
                if let Some(asked) = waiting.take() {
                    let answered =
                        message.get("result").map_or_else(|| message["error"].clone(), Value::clone);
                    let text = json!(answered.to_string());
                    say(&format!(
                        r#"{{"jsonrpc":"2.0","id":{asked},"result":{{"content":[{{"type":"text","text":{text}}}]}}}}"#
                    ));
                }
            }
            Some("server/discover") if !is_legacy => {
                complete(
                    r#""supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"Be modern.""#,
                );
            }
            Some("initialize") if is_legacy => {
                answer(
                    r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"fixture","version":"1"}}"#,
                );
            }
            Some("tools/list") => complete(&format!(r#""tools":{TOOLS}"#)),
            Some("logging/setLevel") => answer("{}"),
            Some("notifications/cancelled") => cancelled += 1,
            Some("tools/call") => match message["params"]["name"].as_str().unwrap_or_default() {
                "echo" | "odd name/1" => complete(&format!(
                    r#""content":[ ],"structuredContent":{{"params":{params}}},"y-unknown":{{ "b" : 2.50 }}"#
                )),
                "progress" => {
                    let token = &message["params"]["_meta"]["progressToken"];
                    for done in 1..=2 {
                        say(&format!(
                            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{done}.0,"total":2,"z":[ ]}}}}"#
                        ));
                    }
                    complete(r#""content":[]"#);
                }
                "slow" => {}
                "cancels" => {
                    complete(&format!(r#""content":[],"structuredContent":{{"cancelled":{cancelled}}}"#))
                }
                "ask" if is_legacy => {
                    waiting = Some(id.clone());
                    say(
                        r#"{"jsonrpc":"2.0","id":"q-1","method":"elicitation/create","params":{ "message":"Who?","requestedSchema":{"type":"object","properties":{}}}}"#,
                    );
                }
                "ask" if message["params"]["inputResponses"]["name"].is_object() => {
                    let text = json!(message["params"]["inputResponses"]["name"].to_string());
                    complete(&format!(r#""content":[{{"type":"text","text":{text}}}]"#));
                }
                "ask" => answer(
                    r#"{"resultType":"input_required","inputRequests":{"name":{"method":"elicitation/create","params":{"message":"Who?"}}},"requestState":"own state"}"#,
                ),
                "fail" => refuse(r#"{"code":-32050,"message":"no luck","data":{ "why" : 1.0 }}"#),
                "crash" => return,
                other => refuse(&format!(r#"{{"code":-32602,"message":"no tool {other}"}}"#)),
            },
            Some(_) if !id.is_null() => refuse(r#"{"code":-32601,"message":"Method not found"}"#),
            Some(_) => {}
        }
    }
}
