//! Frames of HTTP/2, written byte by byte by whoever misbehaves.

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A frame of any kind.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is short").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A field as HPACK writes it without its tables.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("a short text");
        assert!(length < 127, "a length of one byte");
        [&[length], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

/// The fields of a request of gRPC.
pub(crate) fn request(path: &str) -> Vec<u8> {
    [
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", path),
        field(":authority", "127.0.0.1"),
        field("content-type", "application/grpc"),
        field("te", "trailers"),
    ]
    .concat()
}

/// The fields of an answer of gRPC.
pub(crate) fn answer() -> Vec<u8> {
    [field(":status", "200"), field("content-type", "application/grpc")].concat()
}

/// Fields that nobody has asked for, as many bytes of them.
pub(crate) fn junk(bytes: usize) -> Vec<u8> {
    let one = field("x-junk", &"j".repeat(100));
    one.repeat(bytes / one.len())
}

/// The end of the header of the first frame in these bytes, with its kind, flags and stream; if it is there whole.
pub(crate) fn parse(bytes: &[u8]) -> Option<(u8, u8, u32, usize)> {
    let head = bytes.first_chunk::<9>()?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    (bytes.len() >= 9 + length).then_some((head[3], head[4], stream, 9 + length))
}
