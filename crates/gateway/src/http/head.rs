//! Reads a request head until its empty line, into no more than came. Refuses what no honest client sends
//! and what parsers disagree about.

use hyper::StatusCode;
use memchr::memchr_iter;
use std::io;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

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
pub(super) async fn read(stream: &mut TcpStream, limit: usize) -> io::Result<Head> {
    let mut head = Vec::new();
    let mut line = 0;
    loop {
        stream.readable().await?;
        if head.capacity() == head.len() {
            head.reserve(512);
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(Head::Ended);
        }
        match scan(&head, &mut line) {
            Scan::End(end) if end <= limit => return Ok(Head::Whole(head)),
            Scan::BareLineFeed => {
                return Ok(Head::Refused(StatusCode::BAD_REQUEST, "a line must end with CR LF"));
            }
            Scan::More if head.len() <= limit => {}
            Scan::End(_) | Scan::More => {
                return Ok(Head::Refused(
                    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                    "the headers are over websocket.max_header_bytes",
                ));
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Scan {
    More,
    /// The head ends before this byte.
    End(usize),
    BareLineFeed,
}

/// Looks for the empty line from the start of the line that was cut last time.
fn scan(head: &[u8], line: &mut usize) -> Scan {
    let from = *line;
    for feed in memchr_iter(b'\n', &head[from..]).map(|at| from + at) {
        if feed == 0 || head[feed - 1] != b'\r' {
            return Scan::BareLineFeed;
        }
        if feed - *line == 1 && *line > 0 {
            return Scan::End(feed + 1);
        }
        *line = feed + 1;
    }
    Scan::More
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&[u8]], expected: &Scan) {
        let (mut head, mut line, mut last) = (Vec::new(), 0, Scan::More);
        for part in parts {
            head.extend_from_slice(part);
            last = scan(&head, &mut line);
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
