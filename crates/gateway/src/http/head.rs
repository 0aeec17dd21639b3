//! Reads a request head until its empty line, into no more than came. Refuses what no honest client sends
//! and what parsers disagree about.

use crate::stream::Stream;
use hyper::StatusCode;
use memchr::memchr_iter;
use std::io;
use tokio::io::AsyncReadExt;

/// Bounds of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) headers: usize,
}

/// What came.
#[derive(Debug)]
pub(super) enum Head {
    /// A head, and perhaps bytes behind it.
    Whole(Vec<u8>),
    /// The peer ended before.
    Ended,
    /// Not a head that is read any further.
    Refused(StatusCode, &'static str),
}

/// Reads until the head is whole.
///
/// # Errors
/// The socket's.
///
/// # Cancel safety
/// What was read is lost with the future: drop the stream too.
pub(super) async fn read(stream: &mut Stream, limits: Limits) -> io::Result<Head> {
    let mut head = Vec::new();
    let mut lines = Lines::default();
    loop {
        stream.readable().await?;
        if head.capacity() == head.len() {
            head.reserve(512);
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(Head::Ended);
        }
        match lines.scan(&head) {
            Scan::End(end) if end <= limits.bytes && lines.headers() <= limits.headers => {
                return Ok(Head::Whole(head));
            }
            Scan::BareLineFeed => {
                return Ok(Head::Refused(StatusCode::BAD_REQUEST, "a line must end with CR LF"));
            }
            Scan::More if head.len() <= limits.bytes && lines.headers() <= limits.headers => {}
            Scan::End(_) | Scan::More => {
                let reason = if lines.headers() > limits.headers {
                    "there are more headers than websocket.max_headers"
                } else {
                    "the headers are over websocket.max_header_bytes"
                };
                return Ok(Head::Refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason));
            }
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Scan {
    More,
    /// The head ends before this byte.
    End(usize),
    BareLineFeed,
}

/// How far a head was looked through.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Where the line begins that was cut last time.
    start: usize,
    /// Whole lines, the request line among them.
    whole: usize,
}

impl Lines {
    const fn headers(&self) -> usize {
        self.whole.saturating_sub(1)
    }

    /// Looks for the empty line.
    pub(super) fn scan(&mut self, head: &[u8]) -> Scan {
        let from = self.start;
        for feed in memchr_iter(b'\n', &head[from..]).map(|at| from + at) {
            if feed == 0 || head[feed - 1] != b'\r' {
                return Scan::BareLineFeed;
            }
            if feed - self.start == 1 && self.whole > 0 {
                return Scan::End(feed + 1);
            }
            self.start = feed + 1;
            self.whole += 1;
        }
        Scan::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&[u8]], expected: &Scan) {
        let (mut head, mut lines, mut last) = (Vec::new(), Lines::default(), Scan::More);
        for part in parts {
            head.extend_from_slice(part);
            last = lines.scan(&head);
        }
        assert_eq!(&last, expected, "{parts:?}");
    }

    #[test]
    fn a_head_ends_at_its_empty_line_however_it_is_cut() {
        let whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        check(&[whole], &Scan::End(whole.len()));
        for cut in 1..whole.len() {
            check(&[&whole[..cut], &whole[cut..]], &Scan::End(whole.len()));
        }
        check(&[b"GET / HTTP/1.1\r\nHost: a\r\n\r\nmore"], &Scan::End(whole.len()));
        check(&[b"GET / HTTP/1.1\r\nHost: a\r\n"], &Scan::More);
    }

    #[test]
    fn a_bare_line_feed_is_refused() {
        check(&[b"GET / HTTP/1.1\nHost: a\n\n"], &Scan::BareLineFeed);
        check(&[b"\n"], &Scan::BareLineFeed);
    }
}
