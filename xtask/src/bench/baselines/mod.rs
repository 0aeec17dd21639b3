//! The yardsticks of an echo: servers on one thread that send every message back, and do nothing else. Each prints {"url"} once
//! it listens.

mod epoll;
mod fastwebsockets;
mod programs;
mod tungstenite;

use anyhow::Result;

pub(crate) use programs::{Baseline, commands, limit};

/// One that is written in Rust, and a part of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Frames over epoll, without a library and without a runtime.
    Epoll,
    /// fastwebsockets as in its example: a write for each frame.
    Fastwebsockets,
    /// fastwebsockets, with all that was read at once answered in one write.
    FastwebsocketsCoalesced,
    /// tokio-tungstenite as in its example: a write for each message.
    Tungstenite,
    /// tokio-tungstenite, with all that was read at once answered in one write.
    TungsteniteCoalesced,
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// Which of them.
    #[arg(value_enum, default_value_t = Kind::Fastwebsockets)]
    kind: Kind,
    /// The port to listen on; 0 takes any.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Serves until the process is killed.
pub(crate) fn serve(options: &Options) -> Result<()> {
    match options.kind {
        Kind::Epoll => epoll::serve(options.port),
        Kind::Fastwebsockets => fastwebsockets::serve(options.port, false),
        Kind::FastwebsocketsCoalesced => fastwebsockets::serve(options.port, true),
        Kind::Tungstenite => tungstenite::serve(options.port, false),
        Kind::TungsteniteCoalesced => tungstenite::serve(options.port, true),
    }
}

/// Says where a server is.
fn ready(address: std::net::SocketAddr) {
    println!("{}", serde_json::json!({ "url": format!("ws://{address}/") }));
}
