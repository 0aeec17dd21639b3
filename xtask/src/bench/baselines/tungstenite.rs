//! tokio-tungstenite and nothing else. Two ways of it: a write for each message, as in the library's own example, and answers
//! coalesced.

use anyhow::Result;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Error;

pub(super) fn serve(port: u16, coalesce: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        super::ready(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(async move {
                if let Err(error) = echo(stream, coalesce).await {
                    eprintln!("connection: {error}");
                }
            });
        }
    })
}

async fn echo(stream: TcpStream, coalesce: bool) -> Result<(), Error> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if !(message.is_text() || message.is_binary()) {
            continue;
        }
        socket.feed(message).await?;
        // What has come meanwhile is answered before anything is written.
        while coalesce && let Some(Some(message)) = socket.next().now_or_never() {
            let message = message?;
            if message.is_text() || message.is_binary() {
                socket.feed(message).await?;
            }
        }
        socket.flush().await?;
    }
    Ok(())
}
