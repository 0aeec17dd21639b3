//! zlib (RFC 1950) in and out. Knows nothing of messages; holds one compressor and one
//! decompressor for each thread, so that no call allocates them.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Why a payload could not be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It would be larger than the limit.
    #[error("the payload inflates to more than the limit")]
    TooLarge,
    /// It is not one whole zlib stream: garbage, truncated, or followed by other bytes.
    #[error("the payload is not one whole zlib stream")]
    Malformed,
}

thread_local! {
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), true));
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// Appends the zlib stream of `input` to `out`.
pub fn deflate(input: &[u8], out: &mut Vec<u8>) {
    COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        let mut rest = input;
        // Deflate's worst case is stored blocks: a few bytes for each 16 KiB and the frame.
        out.reserve(input.len() / 2 + 64);
        loop {
            let before = compress.total_in();
            let status = compress
                .compress_vec(rest, out, FlushCompress::Finish)
                .expect("it fails only for a compressor in an impossible state, and this one was reset");
            let taken = usize::try_from(compress.total_in() - before).unwrap_or(rest.len());
            rest = &rest[taken.min(rest.len())..];
            if status == Status::StreamEnd {
                return;
            }
            out.reserve(rest.len() + 256);
        }
    });
}

/// Appends what `input` inflates to, at most `limit` bytes, to `out`.
///
/// # Errors
/// [`InflateError::TooLarge`] as soon as `limit` is passed, [`InflateError::Malformed`] for
/// anything but exactly one zlib stream. `out` is then as it was.
pub fn inflate(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
    let start = out.len();
    let result = DECOMPRESS.with_borrow_mut(|decompress| {
        decompress.reset(true);
        fill(decompress, input, limit, out)
    });
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn fill(
    decompress: &mut Decompress,
    input: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), InflateError> {
    let start = out.len();
    // One byte of room over the limit tells "exactly the limit" from "more".
    let ceiling = limit.saturating_add(1);
    let mut room = input.len().saturating_mul(4).clamp(256, 64 << 10).min(ceiling);
    let (mut taken, mut made) = (0, 0);
    loop {
        out.resize(start + room, 0);
        let (in_before, out_before) = (decompress.total_in(), decompress.total_out());
        let status = decompress
            .decompress(&input[taken..], &mut out[start + made..], FlushDecompress::None)
            .map_err(|_| InflateError::Malformed)?;
        let read = usize::try_from(decompress.total_in() - in_before).unwrap_or(usize::MAX);
        let wrote = usize::try_from(decompress.total_out() - out_before).unwrap_or(usize::MAX);
        taken += read;
        made += wrote;
        if made > limit {
            return Err(InflateError::TooLarge);
        }
        if status == Status::StreamEnd {
            out.truncate(start + made);
            return if taken == input.len() { Ok(()) } else { Err(InflateError::Malformed) };
        }
        if made == room {
            room = room.saturating_mul(2).min(ceiling);
        } else if read == 0 && wrote == 0 {
            return Err(InflateError::Malformed);
        }
    }
}
