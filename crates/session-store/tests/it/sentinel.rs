//! The Redis store against the contract that every store keeps, found through three sentinels.
use std::sync::LazyLock;

use session_store::Mode;

use crate::servers::mount::Redis;
use crate::servers::sentinel::Watched;

static SERVERS: LazyLock<Watched> = LazyLock::new(Watched::start);

fn watched() -> Redis<'static> {
    Redis::new(Mode::Sentinel, SERVERS.addresses(), vec![&SERVERS.servers[0]])
}

crate::every_contract!(watched(););
