//! How much one frame may ask of the decoders. Knows nothing of connections or configuration files.

/// Bounds of decoding. All of them are inclusive: exactly the limit is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nested arrays and objects; default 64. Values over [`Limits::MAX_DEPTH`] count as that.
    pub depth: usize,
    /// Messages in one frame; default 100.
    pub batch: usize,
    /// Bytes of a string id, counted without quotes and escapes; default 128.
    pub id_bytes: usize,
    /// Bytes that the compressed payloads of one frame may inflate to in sum; default 1 MiB.
    pub inflated_bytes: usize,
}

impl Limits {
    /// The deepest nesting that a decoder follows whatever `depth` says: it bounds the stack.
    pub const MAX_DEPTH: usize = 120;
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, batch: 100, id_bytes: 128, inflated_bytes: 1 << 20 }
    }
}
