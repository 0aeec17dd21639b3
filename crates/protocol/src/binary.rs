//! `mcp.v1.binary`: a 24-byte header, then a payload of JSON. Knows nothing of sockets and of what
//! methods mean.

mod decode;
mod encode;
pub mod flags;
mod header;
mod inflated;
mod parts;

pub use decode::{decode, decode_signed};
pub(crate) use encode::{encode, encoded_len};
pub use header::{HEADER_LEN, Header, MAGIC, VERSION};
