//! How large may be what there is one of for each connection, request or call. A type that grows over its bound does not compile:
//! thousands are in memory at once, and a word of each is a megabyte. docs/sizing.md says where the bytes of a connection go.

use crate::shard::Shard;
use crate::{connection, http, limits, pod, rest, session, shard, stream, tls, wheel, ws};

/// Holds each of these types to so many bytes.
macro_rules! at_most {
    ($($type:ty: $bytes:literal,)+) => {
        $(const _: () = assert!(
            size_of::<$type>() <= $bytes,
            concat!(stringify!($type), " takes more than ", $bytes, " bytes")
        );)+
    };
}
pub(crate) use at_most;

at_most! {
    // With what tokio has before and behind it, a multiple of 128 bytes: 512.
    connection::Connection: 400,
    session::Session: 160,
    stream::Stream: 40,
    pod::Place: 24,
    ws::Decoder: 8,
    auth::Identity: 32,
    auth::Permit: 8,
    // Beside it, in boxes and tables.
    shard::Peer: 88,
    shard::Held: 16,
    wheel::Entry: 8,
    tls::Session: 1_280,
    // Where these are limited.
    limits::Seats: 96,
    limits::Allowance: 32,
}

/// The size of the future that this function makes.
pub(crate) const fn future<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
    size_of::<F>()
}

const fn future_of_four<A, B, C, D, F>(_: fn(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}

const fn future_of_five<A, B, C, D, E, F>(_: fn(A, B, C, D, E) -> F) -> usize {
    size_of::<F>()
}

// A socket until it is known who has come; a connection of the REST API; who waits for a call that another one runs.
const _: () = assert!(future(http::serve) <= 3_840, "a handshake takes more than 3,840 bytes");
const _: () = assert!(future_of_four(rest::serve) <= 1_024, "a REST connection takes more than 1,024 bytes");
const _: () = assert!(future_of_five(Shard::await_end) <= 8_192, "a waiter takes more than 8,192 bytes");
