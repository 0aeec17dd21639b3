//! The words on the wire: envelope, binary header, methods, errors, close codes, limits, and the
//! generated gRPC types. No I/O and no runtime: bytes in, values out.

mod close_code;
mod error_code;
mod method;
mod replica;

pub use close_code::CloseCode;
pub use error_code::ErrorCode;
pub use method::Method;
pub use replica::Replica;

/// The gRPC messages and services of `proto/mcpw/v1`, generated.
#[allow(missing_docs, unreachable_pub, clippy::all, unused_qualifications, elided_lifetimes_in_paths)]
pub mod pb {
    tonic::include_proto!("mcpw.v1");

    /// The compiled descriptors, for gRPC reflection.
    pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
}
