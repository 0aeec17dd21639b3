//! A master, a replica, and three sentinels that watch them.
use super::{Server, wait};

pub(crate) struct Watched {
    /// The first master, then its replica.
    pub(crate) servers: [Server; 2],
    pub(crate) sentinels: [Server; 3],
}

impl Watched {
    /// Waits until the sentinels know the replica and each other, so that they could fail over.
    pub(crate) fn start() -> Self {
        let fast = "repl-diskless-sync-delay 0\nrepl-timeout 5\n";
        let master = Server::start(fast);
        let replica = Server::start(&format!("{fast}replicaof 127.0.0.1 {}\n", master.port));
        wait("the replica is in step", || replica.cli("INFO replication").contains("master_link_status:up"));
        let config = format!(
            "sentinel monitor mymaster 127.0.0.1 {} 2\nsentinel down-after-milliseconds mymaster 1000\n\
             sentinel failover-timeout mymaster 3000\n",
            master.port
        );
        let watched =
            Self { servers: [master, replica], sentinels: [(); 3].map(|()| Server::sentinel(&config)) };
        for sentinel in &watched.sentinels {
            wait("the sentinel knows the others", || {
                let known = sentinel.cli("INFO sentinel");
                known.contains("slaves=1,sentinels=3")
            });
        }
        watched
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.sentinels.iter().map(Server::address).collect()
    }
}
