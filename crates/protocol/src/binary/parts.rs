//! Cuts a frame into headers with their payloads. Trusts no field; reads on only where the size of
//! what was read can be trusted.

use super::{HEADER_LEN, Header, MAGIC, VERSION, flags};
use crate::signed::{Signed, TRAILER_LEN};
use crate::{ErrorCode, Id, Kind, Rejection};

/// Where a message stands, which decides what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the frame itself, where it may be signed if the connection knows of signatures.
    Frame { signatures: bool },
    /// In a batch.
    Batch,
    /// In a batch that came compressed.
    CompressedBatch,
}

/// A header, and the bytes that it speaks for.
pub(super) struct Part<'a> {
    pub(super) header: Header,
    /// The header's own and those of the payload.
    whole: &'a [u8],
}

impl<'a> Part<'a> {
    /// The payload, without what a signature adds to it. Only for what was checked.
    #[inline]
    pub(super) fn payload(&self) -> &'a [u8] {
        let end = if self.header.flags & flags::SIGNED == 0 { 0 } else { TRAILER_LEN };
        &self.whole[HEADER_LEN..self.whole.len() - end]
    }

    /// The signature, if there is one. Only for what was checked.
    #[inline]
    pub(super) fn signed(&self) -> Option<Signed<'a>> {
        if self.header.flags & flags::SIGNED == 0 {
            return None;
        }
        Signed::of_binary(self.whole, self.header.sequence_id)
    }
}

/// The messages of a frame or batch; the last may be a rejection of all the rest.
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>, Rejection<'static>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Some((head, rest)) = self.0.split_first_chunk::<HEADER_LEN>() else {
            let left = std::mem::take(&mut self.0).len();
            return (left > 0).then(|| Err(short(left)));
        };
        let header = Header::decode(head);
        let size = header.data_size as usize;
        if header.magic != MAGIC || header.version != VERSION || size > rest.len() {
            self.0 = &[];
            return Some(Err(untrusted(&header, rest.len())));
        }
        let (whole, rest) = self.0.split_at(HEADER_LEN + size);
        self.0 = rest;
        Some(Ok(Part { header, whole }))
    }
}

#[cold]
fn short(left: usize) -> Rejection<'static> {
    reject_all(None, format!("{left} bytes where a header is expected; a header has {HEADER_LEN} bytes"))
}

#[cold]
fn untrusted(header: &Header, left: usize) -> Rejection<'static> {
    let Header { magic, version, data_size, .. } = *header;
    if magic != MAGIC {
        let message = format!("magic is {magic:#010x}; it must be {MAGIC:#010x}, the bytes \"MCPW\"");
        return reject_all(None, message);
    }
    if version != VERSION {
        return reject_all(None, format!("version is {version}; it must be {VERSION}"));
    }
    let message =
        format!("data_size is {data_size}, but {left} bytes follow the header; it must not be more");
    Rejection { method_code: header.method, ..reject_all(Some(Id::Sequence(header.sequence_id)), message) }
}

fn reject_all(id: Option<Id<'static>>, message: String) -> Rejection<'static> {
    Rejection { id, method_code: 0, code: ErrorCode::InvalidMessage, message: message.into() }
}

/// Checks the fields that [`Parts`] did not.
#[inline]
pub(super) fn check(header: &Header, place: Place) -> Result<Kind, String> {
    match Kind::from_u8(header.kind) {
        Some(kind) if header.flags == 0 && header.reserved == 0 => Ok(kind),
        kind => check_all(header, kind, place),
    }
}

#[cold]
fn check_all(header: &Header, kind: Option<Kind>, place: Place) -> Result<Kind, String> {
    let Header { kind: number, flags: bits, reserved, .. } = *header;
    let unknown = bits & !flags::ALL;
    let Some(kind) = kind else {
        return Err(format!(
            "unknown type {number}; types are 0 request, 1 response, 2 notification, 3 error, 4 ping, 5 pong"
        ));
    };
    if unknown != 0 {
        let all = flags::ALL;
        Err(format!("flags has the unknown bits {unknown:#06x}; known are those of {all:#06x}"))
    } else if reserved != 0 {
        Err(format!("reserved is {reserved}; it must be 0"))
    } else if bits & flags::ENCRYPTED != 0 {
        Err("flags says encrypted (2); encrypted payloads are not supported here, send it plain".into())
    } else if bits & flags::SIGNED != 0 && !matches!(place, Place::Frame { .. }) {
        Err("flags says signed (8) inside of a batch; sign the batch".into())
    } else if bits & flags::SIGNED != 0 && place == (Place::Frame { signatures: false }) {
        Err("flags says signed (8); signed messages are not enabled here, send it unsigned".into())
    } else if bits & flags::SIGNED != 0 && (header.data_size as usize) < TRAILER_LEN {
        let size = header.data_size;
        Err(format!(
            "flags says signed (8), but the payload has {size} bytes; it ends with a timestamp of 8 bytes and an HMAC of 32"
        ))
    } else if bits & flags::BATCH != 0 && !matches!(place, Place::Frame { .. }) {
        Err("flags says batch (4) inside of a batch; batches do not nest".into())
    } else if bits & flags::COMPRESSED != 0 && place == Place::CompressedBatch {
        Err("flags says compressed (1) inside of a compressed batch; send it uncompressed there".into())
    } else {
        Ok(kind)
    }
}
