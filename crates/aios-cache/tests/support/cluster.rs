//! A Cluster of masters without replicas.

use super::{RedisServer, eventually};

const SLOTS: usize = 16_384;

/// A Cluster whose masters share the slots.
#[derive(Debug)]
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<RedisServer>,
}

impl RedisCluster {
    pub(crate) fn start(masters: usize) -> Self {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let nodes: Vec<_> = (0..masters).map(|_| RedisServer::start_with(&arguments)).collect();
        for (index, node) in nodes.iter().enumerate() {
            // Else all begin with the same one, and settle that among themselves later.
            node.run(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            let slots: Vec<String> = (SLOTS * index / masters..SLOTS * (index + 1) / masters)
                .map(|slot| slot.to_string())
                .collect();
            let mut command = vec!["CLUSTER", "ADDSLOTS"];
            command.extend(slots.iter().map(String::as_str));
            node.run(&command);
            if index > 0 {
                node.run(&["CLUSTER", "MEET", "127.0.0.1", &nodes[0].port().to_string()]);
            }
        }
        let cluster = Self { nodes };
        cluster.wait();
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Waits until all nodes see all others and all slots.
    pub(crate) fn wait(&self) {
        let known = format!("cluster_known_nodes:{}\r", self.nodes.len());
        eventually("the Cluster is complete", || {
            self.nodes.iter().all(|node| {
                let state = node.try_query::<String>(&["CLUSTER", "INFO"]);
                state.is_ok_and(|state| state.contains("cluster_state:ok") && state.contains(&known))
            })
        });
    }

    /// The node that a key is kept on.
    pub(crate) fn owner(&self, key: &str) -> usize {
        let slot: usize = self.nodes[0].query(&["CLUSTER", "KEYSLOT", key]);
        (0..self.nodes.len())
            .find(|index| slot < SLOTS * (index + 1) / self.nodes.len())
            .unwrap()
    }
}
