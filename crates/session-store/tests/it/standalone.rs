//! The Redis store against the contract that every store keeps, at one real server.
use std::sync::LazyLock;

use session_store::Mode;

use crate::servers::Server;
use crate::servers::mount::Redis;

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(""));

fn standalone() -> Redis<'static> {
    Redis::new(Mode::Standalone, vec![SERVER.address()], vec![&SERVER])
}

crate::every_contract!(standalone(););
