//! `mcpw token`: what it mints opens the gateway that has the same key, and no other.

use tests::{Gateway, Keys};

use crate::call::call;
use crate::mcpw;
use crate::process::run;

fn mint(secret: &str) -> String {
    let stdout = run(mcpw().arg("token").env("MCPW_SECRET", secret)).success();
    assert_eq!(stdout.lines().count(), 1);
    stdout.trim_end().to_owned()
}

#[test]
fn a_minted_token_is_accepted_by_the_gateway_with_the_same_secret_alone() {
    let gateway = crate::gateway();
    let url = format!("ws://{}/ws", gateway.clients);
    let echo = |token: &str| run(call(&url, token).args(["echo", "[1]"]));
    assert_eq!(echo(&mint(gateway.keys.secret())).success(), "[1]\n");

    let refused = echo(&mint(Keys::fresh().secret()));
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("invalid_token"), "{}", refused.stderr);
}

#[test]
fn a_minted_token_carries_tenant_and_agent() {
    let gateway = Gateway::start();
    let mut command = mcpw();
    command.args(["token", "--tenant", "acme", "--agent", "robot"]).env("MCPW_SECRET", gateway.keys.secret());
    let token = run(&mut command).success();
    let url = format!("ws://{}/ws", gateway.clients);
    let told = run(call(&url, token.trim()).args(["--verbose", "echo"]));
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let mut client =
        gateway.accepted(&gateway.upgrade().replace("Authorization", &format!("Bearer {}", token.trim())));
    let session = client.ask("initialize", &serde_json::json!({}));
    assert_eq!((&session["tenant"], &session["agent"]), (&"acme".into(), &"robot".into()));
}
