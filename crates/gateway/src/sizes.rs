//! How large is what there is one of for each connection, request or call. A type that grows over its bound does not compile:
//! thousands are in memory at once, and a word here is a megabyte there. docs/sizing.md says where the bytes of a connection go.

use crate::{connection, http, limits, pod, rest, session, shard, stream, tls, wheel, ws};

/// The types, and what they may take.
macro_rules! at_most {
    ($($type:ty: $bytes:literal,)+) => {
        $(const _: () = assert!(size_of::<$type>() <= $bytes, concat!(stringify!($type), " takes over ", $bytes, " bytes"));)+
    };
}

at_most! {
    connection::Connection: 408,
    session::Session: 160,
    stream::Stream: 48,
    pod::Place: 24,
    ws::Decoder: 8,
    shard::Peer: 88,
    shard::Held: 16,
    wheel::Entry: 8,
    auth::Identity: 32,
    auth::Permit: 8,
    limits::Seats: 160,
    limits::Allowance: 128,
    tls::Session: 2_048,
}

/// The size of the future that this function makes.
const fn future<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
    size_of::<F>()
}

/// As [`future`].
const fn future_of_four<A, B, C, D, F>(_: fn(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}

// A socket until it is known who has come, and a connection of the REST API.
const _: () = assert!(future(http::serve) <= 4_096, "a handshake takes over 4,096 bytes");
const _: () = assert!(future_of_four(rest::serve) <= 8_192, "a connection of the REST API takes over 8,192 bytes");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe() {
        macro_rules! show { ($($t:ty),* $(,)?) => { $( println!("{:60} {}", stringify!($t), size_of::<$t>()); )* } }
        show!(crate::connection::Connection, crate::session::Session, crate::shard::Peer, crate::stream::Stream, tokio::net::TcpStream, crate::pod::Place, crate::ws::Decoder, auth::Identity, auth::Permit, crate::limits::Allowance, crate::wheel::Entry, crate::shard::Held, crate::tls::Session, session_store::TokenHash, crate::limits::Seats);
        println!("http::serve {} rest::serve {}", future(http::serve), future_of_four(rest::serve));
        crate::session::probe();
    }
}
