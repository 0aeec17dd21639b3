//! The platform's own events: what happened to calls and backends, published in the tenants' logs. They are told once,
//! and wait for a store that is away.

use crate::shard::Shard;
use auth::Identity;
use protocol::{Replica, json};
use router::{Event, Handler, Kind};
use serde::Serialize;
use session_store::{EventLog as _, NewEvent, Store};
use sha1::{Digest as _, Sha1};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names that nobody but the gateway publishes.
pub(crate) const NAMES: [&str; 4] = [EXECUTED, FAILED, REGISTERED, LOST];
/// Names that backends publish, those that serve contexts, and no client.
pub(crate) const OF_CONTEXTS: [&str; 3] = ["context.created", "context.updated", "context.deleted"];
const EXECUTED: &str = "tool.executed";
const FAILED: &str = "tool.failed";
pub(crate) const REGISTERED: &str = "backend.registered";
pub(crate) const LOST: &str = "backend.lost";

/// How many bytes a publisher's idempotency key may have.
pub(crate) const KEY: RangeInclusive<usize> = 1..=120;

/// As many wait for the store at a shard; those beyond are dropped, and counted.
pub(crate) const WAITING: usize = 8_192;

/// Whose call it was.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) tenant: Arc<str>,
    pub(crate) agent: Box<str>,
    pub(crate) session: String,
    /// Agent and session as events tell of them.
    members: Box<[u8]>,
}

impl Holder {
    pub(crate) fn new(identity: &Identity, session: String) -> Self {
        let mut members = b",\"agent\":".to_vec();
        json::write_string(identity.agent(), &mut members);
        members.extend_from_slice(b",\"session_id\":");
        json::write_string(&session, &mut members);
        Self {
            tenant: identity.tenant().into(),
            agent: identity.agent().into(),
            session,
            members: members.into(),
        }
    }
}

/// An event that is to be published.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) tenant: Arc<str>,
    pub(crate) name: &'static str,
    pub(crate) data: Box<[u8]>,
    /// The same for every attempt to tell it.
    pub(crate) key: Key,
}

/// The key by which an event of the platform is told once. Nobody else's keys are like it.
#[derive(Debug)]
pub(crate) struct Key(String);

impl Key {
    fn new(parts: [&str; 3]) -> Self {
        let [one, two, three] = parts;
        let key = ["p:", one, ":", two, ":", three].concat();
        // That of a long request id is too long as it is.
        Self(if KEY.contains(&(key.len() - 2)) { key } else { format!("p:{:x}", Sha1::digest(&key[2..])) })
    }
}

/// Tells that a call of a tool that was asked for then has ended now. `request` is the canonical form of its id; empty for a notification.
pub(crate) fn tell_call(
    shard: &Rc<Shard>,
    holder: &Holder,
    request: &str,
    handler: &Handler,
    (asked_at, now): (Instant, Instant),
    end: &Event,
) {
    if handler.kind != Kind::Tool || !shard.terms().config.events.tool_calls {
        return;
    }
    let failure = if let Event::Failed(failure) = end { Some(failure) } else { None };
    let name = if failure.is_some() { FAILED } else { EXECUTED };
    let write = |data: &mut Vec<u8>| {
        // Names have no character that JSON would escape.
        for part in ["{\"tool\":\"", &*handler.name, "\",\"backend\":\"", &*handler.backend, "\""] {
            data.extend_from_slice(part.as_bytes());
        }
        data.extend_from_slice(&holder.members);
        // What stands for a notification is no JSON.
        if request.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit()) {
            data.extend_from_slice(b",\"request_id\":");
            data.extend_from_slice(request.as_bytes());
        }
        data.extend_from_slice(b",\"duration_ms\":");
        write_ms(now.saturating_duration_since(asked_at), data);
        if let Some(failure) = failure {
            // Writing into a vector cannot fail.
            let _ = write!(data, ",\"code\":{},\"message\":", failure.code.as_u16());
            json::write_string(&failure.message, data);
        }
        data.push(b'}');
    };
    shard.tell(&holder.tenant, name, write, || Key::new([&holder.session, request, name]), now);
}

/// Milliseconds with three digits behind the point.
fn write_ms(elapsed: Duration, out: &mut Vec<u8>) {
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(micros / 1_000).as_bytes());
    out.push(b'.');
    // The one before the three digits keeps the zeros that they begin with.
    out.extend_from_slice(&digits.format(1_000 + micros % 1_000).as_bytes()[1..]);
}

#[derive(Serialize)]
struct BackendChanged<'a> {
    backend: &'a str,
    version: &'a str,
    instance: &'a str,
    tools: Vec<&'a str>,
}

/// How long the same news of a backend, told by several pods, counts as one.
const NEWS: Duration = Duration::from_secs(5);

/// That a replica of a backend came or went, for one tenant.
pub(crate) fn backend(name: &'static str, replica: &Replica, tenant: Arc<str>) -> Told {
    let changed = BackendChanged {
        backend: replica.backend(),
        version: &replica.description.version,
        instance: &replica.instance,
        tools: replica.description.tools.iter().map(|tool| &*tool.name).collect(),
    };
    let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() / NEWS.as_secs();
    let key = Key::new([name, &time.to_string(), &replica.instance]);
    // Names can always be written.
    Told { tenant, name, data: serde_json::to_vec(&changed).unwrap_or_default().into(), key }
}

/// Publishes what is told, however long the store is away. Cancel safe: told again, it is published once.
pub(crate) async fn publish(store: &Store, told: Told) {
    let event = NewEvent { name: told.name, data: &told.data };
    loop {
        match store.publish(&told.tenant, event, Some(&told.key.0)).await {
            Ok(_) => return,
            Err(
                error @ (session_store::Error::Unavailable { .. } | session_store::Error::Timeout { .. }),
            ) => {
                tracing::debug!(name = told.name, %error, "an event waits for the store");
                let mut availability = store.availability();
                tokio::time::sleep(Duration::from_millis(100)).await;
                if availability.wait_for(session_store::Availability::is_up).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                return tracing::warn!(name = told.name, %error, "an event of the platform was not stored");
            }
        }
    }
}
