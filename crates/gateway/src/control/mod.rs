//! The control plane: which backends there are, and what operators ask. It runs beside the shards and
//! never on the way of a message.

mod addresses;
mod admin;
mod api_keys;
mod configured;
mod directory;
mod file;
mod grpc;
mod guard;
mod issuers;
mod lease;
mod publisher;
mod quotas;
mod registry;
mod revocations;
mod sessions;
mod settings;

use addresses::follow as follow_addresses;
pub(crate) use admin::{Access, Admin, Served};
use api_keys::follow as follow_api_keys;
use configured::follow as follow_configured;
pub(crate) use directory::Backends;
pub(crate) use grpc::{Services, serve as serve_grpc};
pub(crate) use guard::Guard;
#[cfg(feature = "fuzzing")]
pub(crate) use issuers::fuzzing;
pub(crate) use issuers::start as start_issuers;
pub(crate) use lease::{keep as keep_lease, watch as watch_store};
pub(crate) use publisher::Publisher;
pub(crate) use quotas::settle as settle_quotas;
pub(crate) use registry::Registry;
pub(crate) use revocations::Revocations;
pub(crate) use sessions::Sessions;
pub(crate) use settings::Settings;
