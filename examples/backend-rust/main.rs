//! A whole backend with the crate: a tool that counts, says how far it is, and stops when it is cancelled. Run it beside
//! `mcpw dev` with `cargo run --package backend --example counter`.

use backend::{Backend, Call, Failure, Serve, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize, JsonSchema)]
struct Count {
    /// How far to count, 1 to 100.
    to: u32,
}

async fn count(call: Call, Count { to }: Count) -> Result<u32, Failure> {
    if !(1..=100).contains(&to) {
        return Err(Failure::invalid_params("to: use 1 to 100"));
    }
    for done in 1..=to {
        tokio::time::sleep(Duration::from_millis(20)).await;
        call.progress(done.into(), f64::from(to), "counting").await;
    }
    Ok(to)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), backend::Error> {
    let gateway = std::env::var("MCPW_GRPC").unwrap_or("http://127.0.0.1:9091".into());
    let counter = Tool::new("count", count).description("Counts.").read_only();
    let options = Serve { register_at: vec![gateway], ..Serve::default() };
    Backend::new("counter").tool(counter).serve(options).await?.wait().await
}
