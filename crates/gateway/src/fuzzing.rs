//! What the gateway's own decoders hold to, whatever bytes come: the bodies of their fuzz targets, which stand beside what
//! they try. There is no such room but with the feature `fuzzing`.

pub use crate::audit::fuzzing::audit;
pub use crate::control::fuzzing::discovery;
pub use crate::door::fuzzing::{forwarded, proxy};
pub use crate::fanout::fuzzing::event_names;
pub use crate::http::fuzzing::upgrade;
pub use crate::rest::fuzzing::rest;
pub use crate::rest::streamable::fuzzing::streamable;
pub use crate::session::fuzzing::params;
pub use crate::ws::fuzzing::frames;
