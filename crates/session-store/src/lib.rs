//! What outlives a connection: sessions, the call journal, tenants' event logs, the backend directory, pod
//! leases, revocations, quotas, tickets. It knows no socket, no router and no way to dial a backend.

mod availability;
mod bounds;
mod channel;
mod directory;
mod error;
mod event_log;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod inbox;
mod journal;
mod leases;
mod mailbox;
mod memory;
mod names;
mod quotas;
mod redis;
mod revocations;
mod sessions;
mod settings;
mod store;
mod tail;
mod tasks;
mod tickets;
mod token;

pub use availability::Availability;
pub use bounds::Bounds;
pub use channel::Channel;
pub use directory::{Directory, Snapshot};
pub use error::Error;
pub use event_log::{Event, EventLog, NewEvent, Page, ReadLimit};
pub use inbox::{Inbox, Mail};
pub use journal::{Begin, Call, Entry, Finish, Journal, Takeover};
pub use leases::Leases;
pub use memory::{MemoryDirectory, MemoryStore};
pub use names::{Epoch, LogEpoch, Offset, PodId, Position, SessionId};
pub use quotas::{Quotas, Spent};
pub use redis::RedisStore;
pub use revocations::{Revocation, Revocations, Revoked};
pub use sessions::{NewSession, Refusal, Resume, Resumed, Seen, Sessions};
pub use settings::{Mode, Secret, Settings, Tls};
pub use store::Store;
pub use tail::{Notice, Tail};
pub use tickets::{Ticket, Tickets};
pub use token::{ResumeToken, TokenHash};
