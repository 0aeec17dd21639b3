//! The catalogue: one description of every instrument. The exposition is written from it alone, and so are the
//! documentation of metrics and what is asked of them.

mod backends;
mod clients;
mod events;
mod instrument;
mod pod;
mod sessions;
mod store;

pub use backends::*;
pub use clients::*;
pub use events::*;
pub use instrument::{Bounds, Instrument, Kind, Label, OWNERS, Unit, Values};
pub use pod::*;
pub use sessions::*;
pub use store::*;

/// Instruments about one subject.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are about, as a heading.
    pub title: &'static str,
    /// They, in the order in which they are shown.
    pub instruments: &'static [&'static Instrument],
}

/// Every instrument of the gateway.
pub static GROUPS: &[Group] = &[
    Group { title: "Clients", instruments: CLIENTS },
    Group { title: "Sessions", instruments: SESSIONS },
    Group { title: "Backends and tools", instruments: BACKENDS },
    Group { title: "Events", instruments: EVENTS },
    Group { title: "Store", instruments: STORE },
    Group { title: "Pod", instruments: POD },
];

/// Every instrument, in the order of the exposition.
pub fn all() -> impl Iterator<Item = &'static Instrument> {
    GROUPS.iter().flat_map(|group| group.instruments.iter().copied())
}

#[cfg(test)]
mod tests;

/// Declares instruments, each a static of its own, and the list of a group.
macro_rules! instruments {
    ($group:ident: $($name:ident = $kind:ident($text:literal, $help:literal, $labels:expr, $read:expr $(,)?);)*) => {
        $(
            #[doc = concat!($help, ".")]
            pub static $name: $crate::catalogue::Instrument = $crate::catalogue::Instrument {
                name: $text,
                kind: $crate::catalogue::Kind::$kind,
                help: $help,
                labels: $labels,
                read: $read,
            };
        )*
        pub(super) static $group: &[&$crate::catalogue::Instrument] = &[$(&$name),*];
    };
}
use instruments;
