//! What a peer did that RFC 6455 or a limit forbids, and the close frame that tells it.

use protocol::CloseCode;

/// A broken rule. It ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("a client must mask its frames")]
    Unmasked,
    #[error("reserved bits are set and no extension was agreed on")]
    ReservedBits,
    #[error("the opcode is reserved")]
    ReservedOpcode,
    #[error("a control frame is over 125 bytes")]
    LongControl,
    #[error("a control frame is fragmented")]
    FragmentedControl,
    #[error("a continuation without a message to continue")]
    OrphanContinuation,
    #[error("a new message inside a fragmented one")]
    Interleaved,
    #[error("the length is not in its shortest form")]
    LongLength,
    #[error("the length has its top bit set")]
    NegativeLength,
    #[error("the frame is over max_frame_size")]
    FrameTooBig,
    #[error("the message is over max_message_size")]
    MessageTooBig,
    #[error("the message has more than max_fragments fragments")]
    TooManyFragments,
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("the close frame holds one byte of a code")]
    ShortClose,
    #[error("the close code may not be sent")]
    BadCloseCode,
}

impl Violation {
    /// The code of the close frame that answers it.
    pub(crate) const fn close_code(self) -> CloseCode {
        match self {
            Self::FrameTooBig | Self::MessageTooBig => CloseCode::TooBig,
            Self::TooManyFragments => CloseCode::PolicyViolation,
            Self::NotUtf8 => CloseCode::InvalidPayload,
            _ => CloseCode::ProtocolError,
        }
    }
}
