//! The head of an upgrade under fire: its end, its form, and the door that judges it.

use super::head::{Lines, Scan};
use super::token::bearer_of;
use super::upgrade::{Offered, check_form};
use crate::config::Config;
use crate::door::Door;
use hyper::Request;
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN};
use std::str::FromStr as _;
use std::sync::LazyLock;

const NAME: &str = "gateway.example";
const PAGE: &str = "https://app.example";

static DOOR: LazyLock<Door> = LazyLock::new(|| {
    let mut config = Config::default();
    config.security.allowed_hosts = vec![NAME.to_owned()];
    config.security.allowed_origins = vec![PAGE.to_owned()];
    Door::new(&config).unwrap_or_else(|error| panic!("{error}"))
});

/// A head ends at one place however it comes, and nobody is let in by a host or from a page that is not listed.
///
/// # Panics
/// It does not, or somebody is.
pub fn upgrade(input: &[u8]) {
    let whole = Lines::default().scan(input);
    let mut lines = Lines::default();
    let bit_by_bit = (0..=input.len()).map(|len| lines.scan(&input[..len])).find(|scan| *scan != Scan::More);
    assert_eq!(bit_by_bit.unwrap_or(Scan::More), whole);
    let Scan::End(end) = whole else { return };
    let Some(request) = request(&input[..end]) else { return };
    let headers = request.headers();
    // Whether it has the form of an upgrade, and what it offers, is told without a panic.
    let _ = check_form(&request).map(|()| Offered::of(headers).map(|offered| offered.wire().is_ok()));
    let _ = headers.get(AUTHORIZATION).and_then(bearer_of);
    if DOOR.check(headers).is_err() {
        return;
    }
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    let host = text(HOST).unwrap_or_default();
    let bare = host.trim().split(':').next().unwrap_or_default();
    assert_eq!(bare.strip_suffix('.').unwrap_or(bare), NAME, "{host:?} was let in");
    let Some(origin) = text(ORIGIN) else { return };
    let (_, page) = origin.trim().split_once("://").unwrap_or_default();
    let page = page.split(':').next().unwrap_or_default();
    let listed = ["app.example", NAME].contains(&page.strip_suffix('.').unwrap_or(page));
    assert!(listed, "a page of {origin:?} was let in");
}

/// The head as hyper would hand it on; none where it would not.
fn request(head: &[u8]) -> Option<Request<()>> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = std::str::from_utf8(lines.next()?).ok()?;
    let mut words = line.split(' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    for line in lines.take_while(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_str(std::str::from_utf8(&line[..colon]).ok()?).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(()).ok()
}
