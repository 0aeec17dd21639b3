//! What a message of Model Context Protocol says in its headers, and names by them, under fire.

use super::{headers, params, resumed};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use mcp::{Era, Message, Meta, error};
use std::str::FromStr as _;

/// A request is taken by its headers or refused with one of three codes, arguments are mirrored or not, and an event names
/// the request that it was told of. The input is lines of a head, an empty one, and a body.
///
/// # Panics
/// It is not so.
pub fn streamable(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let given: HeaderMap = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| {
            let name = HeaderName::from_str(name.trim()).ok()?;
            Some((name, HeaderValue::from_bytes(value.trim().as_bytes()).ok()?))
        })
        .collect();
    if let Some(event) = given.get(headers::LAST_EVENT).and_then(|value| value.to_str().ok())
        && let Some(mut ids) = resumed::Ids::after(event)
    {
        let next = ids.next();
        let again = resumed::Ids::after(&next).map(|again| again.request() == ids.request());
        assert_eq!(again, Some(true), "{next}");
    }
    let Ok(Message::Request { method, params, .. }) = Message::decode(body, 64) else { return };
    let meta = Meta::of(params);
    match headers::era(&given, meta.version.as_deref(), true) {
        Ok(Era::Modern) => assert_eq!(meta.version.as_deref(), Some("2026-07-28")),
        Ok(Era::Legacy) => assert!(meta.version.is_none()),
        Err(refused) => {
            let known = [error::HEADER_MISMATCH, error::UNSUPPORTED_VERSION, error::INVALID_PARAMS];
            assert!(known.contains(&refused.code), "{refused:?}");
        }
    }
    if let Err(refused) = headers::check(&given, &method, params) {
        assert_eq!(refused.code, error::HEADER_MISMATCH);
    }
    // The params are the schema too: whatever it marks is looked for in itself.
    if let Err(refused) = params::check(&given, params, params) {
        assert_eq!(refused.code, error::HEADER_MISMATCH);
    }
}
