//! Servers that take longer to start than the bridge waits before it asks them the other way.

use crate::harness::{Bridge, fixture};

/// Has been asked both ways before it answers, and refuses the second first; then goes on as what its arguments name.
const LATE: &str = r#"
    read -r discover; read -r initialize
    id() { id=${1#*'"id":'}; id=${id%%,*}; }
    id "$initialize"
    echo '{"jsonrpc":"2.0","id":'"$id"',"error":{"code":-32022,"message":"no sessions here"}}'
    id "$discover"
    echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete"}}'
    exec "$@"
"#;

#[tokio::test]
async fn a_modern_server_that_starts_slowly_is_not_taken_for_one_with_sessions() {
    let modern = fixture("late", "modern");
    let shell = ["sh", "-c", LATE, "late"].map(str::to_owned);
    let late = bridge::Server { command: [&shell[..], &modern.command].concat(), ..modern };
    let bridge = Bridge::with([late]).await;
    let description = bridge.client().await.describe().await;
    assert!(description.tools.iter().any(|tool| tool.name == "echo"), "{description:?}");
}
