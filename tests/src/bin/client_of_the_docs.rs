//! The Rust client of docs/clients.md, word for word, so that it is compiled and run.
#![allow(clippy::print_stdout, reason = "it is an example, and prints what it gets")]

use client::{Client, Error, Update};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let url = std::env::var("MCPW_URL").expect("MCPW_URL is set");
    let token = std::env::var("MCPW_TOKEN").expect("MCPW_TOKEN is set");
    // Dials, upgrades and sends initialize.
    let client = Client::builder(url).token(token).connect().await?;

    let tools = client.request("tool.list", json!({ "prefix": "time." })).await?;
    println!("{tools}");

    // Several requests in one frame.
    for answer in client.batch(vec![("echo", json!([1])), ("echo", json!([2]))]).await {
        println!("{}", answer?);
    }

    // Progress and cancel.
    let nap = json!({ "tool": "sleep", "args": { "ms": 60_000 } });
    let mut call = client.call("tool.execute", nap).await?;
    if let Some(Update::Progress(progress)) = call.next().await {
        println!("slept {} ms", progress.progress);
    }
    assert!(call.cancel().await?);
    match call.result().await {
        Err(Error::Rpc { code: 4008, message, .. }) => println!("{message}"),
        other => panic!("a cancelled call ends with 4008, not {other:?}"),
    }

    client.close().await;
    Ok(())
}
