//! What tonic needs to carry our own bytes one way and the generated events the other.
use bytes::BufMut;
use protocol::pb;
use tokio::time::Instant;
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

use crate::outbox::Outgoing;
use crate::wire;

/// Requests as they wait in an outbox, answers as CallEvent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls;

/// Writes the fields that only the moment of sending knows, then the body as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer;

impl Codec for Calls {
    type Encode = Outgoing;
    type Decode = pb::CallEvent;
    type Encoder = Writer;
    type Decoder = ProstDecoder<pb::CallEvent>;

    fn encoder(&mut self) -> Writer {
        Writer
    }

    fn decoder(&mut self) -> ProstDecoder<pb::CallEvent> {
        ProstDecoder::default()
    }
}

impl Encoder for Writer {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, outgoing: Outgoing, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match outgoing {
            Outgoing::Call { call_id, deadline, body } => {
                wire::put_attempt(call_id, left_ms(deadline), out);
                out.put_slice(&body);
            }
            Outgoing::Cancel { call_id } => wire::put_cancel(call_id, out),
        }
        Ok(())
    }
}

/// Milliseconds until a deadline; at least 1, since 0 stands for no deadline.
pub(crate) fn left_ms(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    u32::try_from(left).unwrap_or(u32::MAX).max(1)
}
