//! What proxies say, under fire.

use super::forwarded::{Contradiction, client};
use super::networks::Networks;
use super::proxy::{Header, Scan, parse, scan};
use hyper::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use std::net::IpAddr;

const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
/// What a client that would be somebody else writes before the proxies do.
const FORGED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

/// Nobody is taken for another by what stands before the word of the first proxy that is trusted. The first line is
/// `X-Forwarded-For`, the second `Forwarded`; an empty one is not sent.
///
/// # Panics
/// Somebody is.
pub fn forwarded(input: &[u8]) {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(str::to_owned);
    let trusted = Networks::new(&networks).unwrap_or_else(|network| panic!("{network} is no network"));
    let mut lines = input.split(|byte| *byte == b'\n');
    let (x, standard) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let told = |x: &[u8], standard: &[u8]| -> Option<Result<IpAddr, Contradiction>> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(HeaderName::from_static("x-forwarded-for"), x), (FORWARDED, standard)] {
            if !value.is_empty() {
                headers.append(name, HeaderValue::from_bytes(value).ok()?);
            }
        }
        Some(client(&headers, PROXY, &trusted))
    };
    for (own, forged) in [
        (told(x, b""), told(&[b"203.0.113.9, ", x].concat(), b"")),
        (told(b"", standard), told(b"", &[b"for=203.0.113.9, ", standard].concat())),
    ] {
        let (Some(Ok(own)), Some(Ok(forged))) = (own, forged) else { continue };
        // Where all that spoke are trusted, the next is believed.
        assert!(forged == own || (forged == FORGED && trusted.has(own)), "{own} became {forged}");
    }
    if let Some(Ok(both)) = told(x, standard)
        && !x.is_empty()
        && !standard.is_empty()
    {
        assert_eq!(told(x, b""), Some(Ok(both)), "both say the same");
    }
}

/// A header of the PROXY protocol means the same however it comes, and no more is taken than it has.
///
/// # Panics
/// It does not.
pub fn proxy(input: &[u8]) {
    let outcome = |bytes: &[u8]| match scan(bytes) {
        Scan::None => Some(Header::None),
        Scan::Garbage => Some(Header::Garbage),
        Scan::More => None,
        Scan::Whole(len) => {
            assert!(len <= bytes.len(), "{len} of {}", bytes.len());
            Some(parse(&bytes[..len]))
        }
    };
    let bit_by_bit = (1..=input.len()).find_map(|len| outcome(&input[..len]));
    assert_eq!(bit_by_bit, outcome(input).filter(|_| !input.is_empty()));
}
