//! The header of the PROXY protocol, versions 1 and 2, with which a proxy says for whom it has connected. Nothing is taken
//! from the socket until the header is whole, so that what speaks TLS or HTTP instead is left as it came.

use ppp::{HeaderResult, v1, v2};
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What every header of version 1 begins with.
const FIRST: &[u8] = b"PROXY ";
/// The longest header of version 1, its line end too.
const FIRST_MOST: usize = 107;
/// A header of version 2 has so many bytes before its addresses; the last two say how many follow.
const SECOND_HEAD: usize = 16;
/// The longest header of version 2 that is read: addresses take 216 bytes at most, the rest is what a proxy adds.
const SECOND_MOST: usize = 1_024;
/// A peek leaves the socket readable, so there is nothing else to wait for.
const PAUSE: Duration = Duration::from_millis(5);

/// What a connection began with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// No header.
    None,
    /// A header that tells for whom the connection is.
    For(IpAddr),
    /// A header that tells of nobody: the connection is the proxy's own, such as a check of health.
    Own,
    /// What begins as a header and is none.
    Garbage,
}

/// Takes the header off the socket, if there is one.
///
/// # Errors
/// The socket's, and its end before anything came.
///
/// # Cancel safety
/// Nothing is lost: a header is taken at once or not at all.
pub(crate) async fn read(socket: &mut TcpStream) -> io::Result<Header> {
    let mut bytes = [0; SECOND_MOST];
    loop {
        let peeked = socket.peek(&mut bytes).await?;
        if peeked == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match scan(&bytes[..peeked]) {
            Scan::None => return Ok(Header::None),
            Scan::Garbage => return Ok(Header::Garbage),
            Scan::More => tokio::time::sleep(PAUSE).await,
            Scan::Whole(len) => {
                // It was there a moment ago, and nobody else reads.
                socket.read_exact(&mut bytes[..len]).await?;
                return Ok(parse(&bytes[..len]));
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    None,
    More,
    /// A header of so many bytes.
    Whole(usize),
    Garbage,
}

/// How far a header reaches in what came.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(came, right)| came == right);
    if begins(FIRST) {
        match memchr::memmem::find(bytes, b"\r\n") {
            Some(at) => Scan::Whole(at + 2),
            None if bytes.len() < FIRST_MOST => Scan::More,
            None => Scan::Garbage,
        }
    } else if begins(v2::PROTOCOL_PREFIX) {
        let Some(&[.., high, low]) = bytes.get(..SECOND_HEAD) else { return Scan::More };
        match SECOND_HEAD + usize::from(u16::from_be_bytes([high, low])) {
            len if len > SECOND_MOST => Scan::Garbage,
            len if len > bytes.len() => Scan::More,
            len => Scan::Whole(len),
        }
    } else {
        Scan::None
    }
}

/// What a whole header says.
pub(super) fn parse(bytes: &[u8]) -> Header {
    match HeaderResult::parse(bytes) {
        HeaderResult::V1(Ok(header)) => match header.addresses {
            v1::Addresses::Tcp4(ends) => Header::For(ends.source_address.into()),
            v1::Addresses::Tcp6(ends) => Header::For(ends.source_address.into()),
            v1::Addresses::Unknown => Header::Own,
        },
        HeaderResult::V2(Ok(header)) => match (header.command, header.addresses) {
            (v2::Command::Proxy, v2::Addresses::IPv4(ends)) => Header::For(ends.source_address.into()),
            (v2::Command::Proxy, v2::Addresses::IPv6(ends)) => Header::For(ends.source_address.into()),
            (v2::Command::Local, _) | (_, v2::Addresses::Unspecified | v2::Addresses::Unix(_)) => Header::Own,
        },
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Header::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of version 2: command, family and protocol, and what follows.
    fn second(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [v2::PROTOCOL_PREFIX, &[0x20 | command, family], &len, rest].concat()
    }

    #[track_caller]
    fn check(header: &[u8], expected: &Header) {
        assert_eq!(scan(header), Scan::Whole(header.len()), "{header:?}");
        for cut in 1..header.len() {
            assert_eq!(scan(&header[..cut]), Scan::More, "{cut} bytes of {header:?}");
        }
        let more = [header, b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(scan(&more), Scan::Whole(header.len()), "{header:?}");
        assert_eq!(&parse(header), expected, "{header:?}");
    }

    #[test]
    fn headers_of_both_versions_tell_for_whom_they_are() {
        let four = || Header::For([192, 0, 2, 7].into());
        let six = || Header::For("2001:db8::7".parse().unwrap());
        check(b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", &four());
        check(b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", &six());
        check(b"PROXY UNKNOWN\r\n", &Header::Own);
        let ends = [192, 0, 2, 7, 198, 51, 100, 1, 220, 4, 1, 187];
        check(&second(1, 0x11, &ends), &four());
        check(&second(0, 0x11, &ends), &Header::Own);
        check(&second(0, 0x00, &[]), &Header::Own);
        let own: std::net::Ipv6Addr = "2001:db8::7".parse().unwrap();
        check(&second(1, 0x21, &[&own.octets()[..], &[0; 20]].concat()), &six());
        let added = [&ends[..], &[0x04, 0, 3, 1, 2, 3]].concat();
        check(&second(1, 0x11, &added), &four());
    }

    #[test]
    fn what_is_none_is_left_alone() {
        for bytes in [&b"GET / HTTP/1.1"[..], b"POST /", b"PUT /", b"\x16\x03\x01", b"\r\n\r\nGET"] {
            assert_eq!(scan(bytes), Scan::None, "{bytes:?}");
        }
        assert_eq!(scan(b"P"), Scan::More, "it may become one");
    }

    #[test]
    fn garbage_is_told_from_a_header() {
        for bytes in [
            &b"PROXY \r\n"[..],
            b"PROXY TCP4 192.0.2.7\r\n",
            b"PROXY TCP4 999.0.2.7 198.51.100.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 1 99999\r\n",
            b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
        ] {
            assert_eq!(parse(bytes), Header::Garbage, "{bytes:?}");
        }
        let short = second(1, 0x11, &[192, 0, 2]);
        assert_eq!(parse(&short), Header::Garbage);
        let version = [v2::PROTOCOL_PREFIX, &[0x31, 0x11, 0, 0]].concat();
        assert_eq!(parse(&version), Header::Garbage);
        assert_eq!(scan(&[FIRST, &[b'x'; FIRST_MOST]].concat()), Scan::Garbage, "it does not end");
        let long = [v2::PROTOCOL_PREFIX, &[0x21, 0x11, 0xff, 0xff]].concat();
        assert_eq!(scan(&long), Scan::Garbage, "more than is read is declared");
    }
}
