//! The Redis store against the contract that every store keeps, at a cluster of three masters and their replicas.
use std::sync::LazyLock;

use session_store::Mode;

use crate::servers::cluster::Cluster;
use crate::servers::mount::Redis;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

fn cluster() -> Redis<'static> {
    Redis::new(Mode::Cluster, CLUSTER.addresses(), CLUSTER.nodes[..3].iter().collect())
}

crate::every_contract!(cluster(););
