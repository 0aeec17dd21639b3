//! The words on the wire: envelope, binary header, methods, errors, close codes, limits, and the
//! generated gRPC types. No I/O and no runtime: bytes in, values out.

pub mod binary;
mod close_code;
mod envelope;
mod error_code;
pub mod json;
mod limits;
mod message;
mod method;
mod outgoing;
mod replica;
pub mod signed;
pub mod text;
pub mod zlib;

pub use close_code::CloseCode;
pub use error_code::ErrorCode;
pub use limits::Limits;
pub use message::{Id, Kind, Message, Meta, MethodName, Rejection};
pub use method::Method;
pub use outgoing::{Format, Outgoing};
pub use replica::Replica;
pub use signed::Signed;

/// The gRPC messages and services of `proto/mcpw/v1`, generated.
#[allow(missing_docs, unreachable_pub, clippy::all, unused_qualifications, elided_lifetimes_in_paths)]
pub mod pb {
    tonic::include_proto!("mcpw.v1");

    /// The compiled descriptors, for gRPC reflection.
    pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
}
