//! One process of a backend, as the directory lists it and the router dials it.
use crate::pb;

/// A replica: one process that serves a backend's handlers at one address.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Tells this process from every other one; unique in the directory.
    pub instance: String,
    /// Where to dial it, as `http://host:port`.
    pub address: String,
    /// What it answered to Describe.
    pub description: pb::Description,
}

impl Replica {
    /// The backend's name, shared by its replicas.
    pub fn backend(&self) -> &str {
        &self.description.name
    }
}
