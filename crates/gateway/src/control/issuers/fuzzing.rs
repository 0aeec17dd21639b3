//! What an identity provider publishes of itself, under fire.

use super::fetch::freshness;
use super::follow::{due, keys_address};
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use std::time::Duration;

/// Keys are fetched within the operator's bounds, by https alone, and from where the issuer itself says. The first line is a `Cache-Control`, the rest
/// an OpenID configuration.
///
/// # Panics
/// They would be fetched otherwise.
pub fn discovery(input: &[u8]) {
    const ISSUER: &str = "https://login.example.com";
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (control, document) = input.split_at(line);
    if let Ok(value) = HeaderValue::from_bytes(control) {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, value);
        let [min, max] = [1, 3_600].map(Duration::from_secs);
        assert!((min..=max).contains(&due(freshness(&headers), min, max)));
    }
    if let Ok(address) = keys_address(ISSUER, "https://login.example.com/configuration", document) {
        let rest = address.strip_prefix("https://").unwrap_or_else(|| panic!("{address:?}"));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        assert!(!authority.is_empty() && !authority.contains(['@', '\\', ' ']), "{address:?}");
        assert!(String::from_utf8_lossy(document).contains("login.example.com"), "of another issuer");
    }
}
