//! The wire from outside: what the codecs take, refuse and write.
#![allow(missing_docs)]

mod batches;
mod binary_batches;
mod binary_messages;
mod compression;
mod envelopes;
mod json_syntax;
mod outgoing;
mod properties;
mod signed;

use protocol::binary::Header;
use protocol::{ErrorCode, Id, Limits, Message, Rejection, binary, text};

/// What a decoder said, owned, so that it outlives the frame. Ids are canonical.
#[derive(Debug)]
pub(crate) enum Said {
    Message { id: Option<String> },
    Rejection { id: Option<String>, code: ErrorCode, message: String },
}

impl Said {
    fn of(result: Result<Message<'_>, Rejection<'_>>) -> Self {
        let canonical = |id: Option<Id<'_>>| id.map(|id| id.canonical().into_owned());
        match result {
            Ok(message) => Self::Message { id: canonical(message.id) },
            Err(Rejection { id, code, message, .. }) => {
                Self::Rejection { id: canonical(id), code, message: message.into_owned() }
            }
        }
    }

    fn id(&self) -> Option<&str> {
        let (Self::Message { id } | Self::Rejection { id, .. }) = self;
        id.as_deref()
    }

    #[track_caller]
    fn is_message(&self) {
        assert!(matches!(self, Self::Message { .. }), "refused: {self:?}");
    }

    /// Refused with this code and id, and a message that names all of `names`.
    #[track_caller]
    fn is_rejection(&self, id: Option<&str>, code: ErrorCode, names: &[&str]) {
        let Self::Rejection { code: seen_code, message, .. } = self else {
            panic!("accepted: {self:?}");
        };
        assert_eq!(self.id(), id, "{self:?}");
        assert_eq!(*seen_code, code, "{self:?}");
        for name in names {
            assert!(message.contains(name), "{name:?} is not in {message:?}");
        }
    }
}

pub(crate) fn decode_text(frame: &str) -> Vec<Said> {
    let mut said = Vec::new();
    text::decode(frame, &Limits::default(), |result| said.push(Said::of(result)));
    said
}

pub(crate) fn decode_binary(frame: &[u8]) -> Vec<Said> {
    let mut said = Vec::new();
    binary::decode(frame, &mut Vec::new(), &Limits::default(), |result| said.push(Said::of(result)));
    said
}

/// Decodes a frame that holds one message.
#[track_caller]
pub(crate) fn one_text(frame: &str) -> Said {
    let mut said = decode_text(frame);
    assert_eq!(said.len(), 1, "{frame}: {said:?}");
    said.remove(0)
}

/// Decodes a frame that holds one message.
#[track_caller]
pub(crate) fn one_binary(frame: &[u8]) -> Said {
    let mut said = decode_binary(frame);
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

/// A whole message: the header as given but with the payload's size.
pub(crate) fn binary_message(header: Header, payload: &[u8]) -> Vec<u8> {
    let data_size = u32::try_from(payload.len()).expect("payloads of tests are small");
    let mut message = Header { data_size, ..header }.encode().to_vec();
    message.extend_from_slice(payload);
    message
}
