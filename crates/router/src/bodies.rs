//! Where the bodies of calls are written, one behind the other: few of them have an allocation of their own.
use bytes::{Bytes, BytesMut};

/// The most bytes that a body which is still needed keeps others' space from being freed.
const CHUNK: usize = 4 * 1024;
/// From so many bytes on a body stands alone.
const LARGE: usize = CHUNK / 4;

/// The space for the next bodies.
#[derive(Debug, Default)]
pub(crate) struct Bodies(BytesMut);

impl Bodies {
    /// The `size` bytes that `write` appends.
    pub(crate) fn write(&mut self, size: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        if size >= LARGE {
            let mut alone = BytesMut::with_capacity(size);
            write(&mut alone);
            debug_assert_eq!(alone.len(), size);
            return alone.freeze();
        }
        if self.0.capacity() < size {
            self.0 = BytesMut::with_capacity(CHUNK);
        }
        write(&mut self.0);
        debug_assert_eq!(self.0.len(), size);
        self.0.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut as _;

    #[test]
    fn bodies_of_all_sizes_are_as_they_were_written() {
        let mut bodies = Bodies::default();
        let sizes = [0, 1, 300, LARGE - 1, LARGE, CHUNK, 3 * CHUNK, 7].repeat(5);
        let fill = |size: &usize| bodies.write(*size, |out| out.put_bytes(*size as u8, *size));
        let written: Vec<_> = sizes.iter().map(fill).collect();
        for (size, body) in sizes.iter().zip(written) {
            assert_eq!(body, vec![*size as u8; *size]);
        }
    }
}
