//! What things are called in Redis. What one script touches shares a hash tag, and so a slot.
use crate::{PodId, SessionId};

#[derive(Debug)]
pub(super) struct Keys(pub(super) String);

impl Keys {
    /// The session, its calls, and those that ended by time.
    pub(super) fn session(&self, id: SessionId) -> [String; 3] {
        ["s", "j", "k"].map(|kind| format!("{}:{kind}:{{{id}}}", self.0))
    }

    /// A log's state and its events.
    pub(super) fn log(&self, tenant: &str) -> [String; 2] {
        let tenant = escape(tenant);
        ["m", "e"].map(|kind| format!("{}:{kind}:{{t.{tenant}}}", self.0))
    }

    pub(super) fn publisher(&self, tenant: &str, key: &str) -> String {
        format!("{}:i:{{t.{}}}:{}", self.0, escape(tenant), escape(key))
    }

    /// The channel of a log.
    pub(super) fn news(&self, tenant: &str) -> String {
        format!("{}:n:{{t.{}}}", self.0, escape(tenant))
    }

    pub(super) fn lease(&self, pod: &PodId) -> String {
        format!("{}:p:{{{}}}", self.0, escape(pod.as_str()))
    }

    /// The channel of a pod.
    pub(super) fn pod(&self, pod: &str) -> String {
        format!("{}:c:{{{}}}", self.0, escape(pod))
    }

    /// The replicas, the pods that have some, and the version of the list.
    pub(super) fn directory(&self) -> [String; 3] {
        ["r", "l", "v"].map(|kind| format!("{}:{kind}:{{directory}}", self.0))
    }

    /// The channel of what is revoked.
    pub(super) fn revocation_news(&self) -> String {
        format!("{}:w:{{revocations}}", self.0)
    }

    /// What is revoked, and the version of the list.
    pub(super) fn revocations(&self) -> [String; 2] {
        ["x", "xv"].map(|kind| format!("{}:{kind}:{{revocations}}", self.0))
    }

    /// What was let through of a rate.
    pub(super) fn quota(&self, name: &str) -> String {
        format!("{}:q:{{{}}}", self.0, escape(name))
    }

    /// What a ticket stands for.
    pub(super) fn ticket(&self, name: &str) -> String {
        format!("{}:t:{{{name}}}", self.0)
    }

    /// The channel of the directory.
    pub(super) fn changes(&self) -> String {
        format!("{}:d:{{directory}}", self.0)
    }
}

/// Braces and the like must not move a name to another slot.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    escaped
}
