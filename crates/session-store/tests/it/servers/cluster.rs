//! A cluster of three masters and three replicas.
use super::{Server, free_port, wait};

pub(crate) struct Cluster {
    /// The first masters, then the first replicas.
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    /// Waits until every node knows every slot.
    pub(crate) fn start() -> Self {
        let nodes: Vec<_> = (0..6)
            .map(|_| {
                let bus = free_port();
                Server::start(&format!(
                    "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout 1500\n\
                     cluster-port {bus}\nrepl-diskless-sync-delay 0\n"
                ))
            })
            .collect();
        let bus = |node: &Server| {
            let config = node.cli("CONFIG GET cluster-port");
            config.lines().nth(1).unwrap_or_default().trim().to_owned()
        };
        for node in &nodes[1..] {
            nodes[0].cli(&format!("CLUSTER MEET 127.0.0.1 {} {}", node.port, bus(node)));
        }
        for (number, master) in nodes[..3].iter().enumerate() {
            let (first, last) = (number * 16_384 / 3, (number + 1) * 16_384 / 3 - 1);
            master.cli(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        }
        for node in &nodes {
            wait("the nodes have met", || node.cli("CLUSTER INFO").contains("cluster_known_nodes:6"));
        }
        for (master, replica) in nodes[..3].iter().zip(&nodes[3..]) {
            let id = master.cli("CLUSTER MYID");
            wait("the replica follows", || {
                replica.cli(&format!("CLUSTER REPLICATE {}", id.trim())).trim() == "OK"
            });
        }
        for node in &nodes {
            wait("the cluster is whole", || node.cli("CLUSTER INFO").contains("cluster_state:ok"));
        }
        for replica in &nodes[3..] {
            wait("the replica is in step", || {
                replica.cli("INFO replication").contains("master_link_status:up")
            });
        }
        wait("every node knows the replicas", || {
            nodes.iter().all(|node| {
                node.cli("CLUSTER NODES").matches(" slave ").count()
                    + node.cli("CLUSTER NODES").matches("myself,slave").count()
                    == 3
            })
        });
        Self { nodes }
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.nodes[..2].iter().map(Server::address).collect()
    }
}
