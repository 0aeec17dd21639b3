//! Servers that take their time before they are what they are.

use crate::harness::{Bridge, PATIENCE, fixture};

/// Has been asked both ways before it answers, and refuses the second first.
const LATE: &str = r#"
    read -r discover; read -r initialize
    answer "$initialize" '"error":{"code":-32022,"message":"no sessions here"}'
    answer "$discover" "$KNOWN"
"#;

/// Can't say at first what it has.
const BUSY: &str = r#"
    read -r discover; answer "$discover" "$KNOWN"
    read -r list; answer "$list" '"error":{"code":-32603,"message":"not yet"}'
"#;

/// A modern server that does this before it goes on as the fixture.
pub(crate) fn modern(script: &str) -> bridge::Server {
    const WORDS: &str = r#"
        KNOWN='"result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete"}'
        answer() { id=${1#*'"id":'}; echo '{"jsonrpc":"2.0","id":'"${id%%,*}"','"$2"'}'; }
    "#;
    let modern = fixture("late", "modern");
    let script = format!("{WORDS}\n{script}\nexec \"$@\"");
    let shell = ["sh", "-c", &script, "late"].map(str::to_owned);
    bridge::Server { command: [&shell[..], &modern.command].concat(), backoff_ms: 1, ..modern }
}

async fn has_tool(bridge: &Bridge) -> bool {
    bridge.client().await.describe().await.tools.iter().any(|tool| tool.name == "echo")
}

#[tokio::test]
async fn a_modern_server_that_starts_slowly_is_not_taken_for_one_with_sessions() {
    let bridge = Bridge::with([modern(LATE)]).await;
    assert!(has_tool(&bridge).await);
}

#[tokio::test]
async fn a_server_whose_lists_can_not_be_read_is_asked_again() {
    let bridge = Bridge::with([modern(BUSY)]).await;
    let listed = async { while !has_tool(&bridge).await {} };
    tokio::time::timeout(PATIENCE, listed).await.expect("it says what it has");
}
