//! What the headers of a request have to say of it, in either era. Knows no session.

use super::value::{mismatch, one, says};
use hyper::header::{HeaderMap, HeaderName};
use mcp::{Era, Error, Version, method, text};
use protocol::json;

/// The version that a request is written in.
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The session of a legacy client.
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// After which event of a legacy stream to go on.
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// In which era a request is to be read. `asked` is the version that its `_meta` names. `basic/versioning`, "Backward
/// Compatibility": one that says its version there is modern. A header alone tells a message that has no `_meta`.
///
/// # Errors
/// Header and body say different things; the version is not spoken here.
pub(super) fn era(headers: &HeaderMap, asked: Option<&str>, is_request: bool) -> Result<Era, Error> {
    let said = one(headers, &VERSION)?;
    let Some(asked) = asked else {
        let Some(said) = said else { return Ok(Era::Legacy) };
        let version = Version::of(&said).ok_or_else(|| Error::version(&said))?;
        if version.era() == Era::Modern && is_request {
            let name = mcp::meta::PROTOCOL_VERSION;
            return Err(Error::params(format!("params._meta.{name:?} is missing: it must be {said:?}")));
        }
        return Ok(version.era());
    };
    match said {
        Some(said) if said == asked => {}
        Some(said) => return Err(differs(&VERSION, &said, asked)),
        None => return Err(missing(&VERSION)),
    }
    match Version::of(asked).map(Version::era) {
        Some(Era::Modern) => Ok(Era::Modern),
        _ => Err(Error::version(asked)),
    }
}

/// Whether the headers mirror a modern request. "Standard Request Headers".
///
/// # Errors
/// One is missing, or says something else than the body.
pub(super) fn check(headers: &HeaderMap, asked: &str, params: &str) -> Result<(), Error> {
    let said = one(headers, &METHOD)?.ok_or_else(|| missing(&METHOD))?;
    if said != asked {
        return Err(differs(&METHOD, &said, asked));
    }
    let source = match asked {
        method::TOOLS_CALL | method::PROMPTS_GET => "name",
        method::RESOURCES_READ => "uri",
        _ => return Ok(()),
    };
    // Without it the request is wrong in itself, as it is told then.
    let Some(raw) = json::member(params, source).filter(|raw| raw.starts_with('"')) else { return Ok(()) };
    let said = one(headers, &NAME)?.ok_or_else(|| missing(&NAME))?;
    if says(&said, raw) {
        return Ok(());
    }
    Err(differs(&NAME, &said, &text::string(raw).unwrap_or_default()))
}

fn missing(name: &HeaderName) -> Error {
    mismatch(format!("the header {name} is missing"))
}

fn differs(name: &HeaderName, said: &str, body: &str) -> Error {
    let short = |text: &str| text.chars().take(128).collect::<String>();
    mismatch(format!("{name} is '{}', and the body says '{}'", short(said), short(body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use mcp::error::{HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION};

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_era_is_told_by_both_or_by_neither() {
        let modern = Some("2026-07-28");
        for (header, asked, is_request, expected) in [
            (None, None, true, Ok(Era::Legacy)),
            (Some("2025-06-18"), None, true, Ok(Era::Legacy)),
            (modern, modern, true, Ok(Era::Modern)),
            (modern, None, false, Ok(Era::Modern)),
            (modern, None, true, Err(INVALID_PARAMS)),
            (None, modern, true, Err(HEADER_MISMATCH)),
            (Some("2025-11-25"), modern, true, Err(HEADER_MISMATCH)),
            (Some("2025-11-25"), Some("2025-11-25"), true, Err(UNSUPPORTED_VERSION)),
            (Some("1900-01-01"), Some("1900-01-01"), true, Err(UNSUPPORTED_VERSION)),
            (Some("1900-01-01"), None, true, Err(UNSUPPORTED_VERSION)),
            (Some("1900-01-01"), None, false, Err(UNSUPPORTED_VERSION)),
        ] {
            let given = header.map(|version| ("mcp-protocol-version", version));
            let found = era(&headers(&given.into_iter().collect::<Vec<_>>()), asked, is_request);
            assert_eq!(found.map_err(|error| error.code), expected, "{header:?} {asked:?}");
        }
    }

    #[test]
    fn a_modern_request_is_mirrored_by_its_headers() {
        let call = r#"{"name":"a","arguments":{}}"#;
        for (given, asked, params, is_right) in [
            (&[("mcp-method", "tools/list")][..], "tools/list", "{}", true),
            (&[], "tools/list", "{}", false),
            (&[("mcp-method", "tools/list")], "tools/call", call, false),
            (&[("mcp-method", "Tools/List")], "tools/list", "{}", false),
            (&[("mcp-method", "tools/call")], "tools/call", call, false),
            (&[("mcp-method", "tools/call"), ("mcp-name", "a")], "tools/call", call, true),
            (&[("mcp-method", "tools/call"), ("mcp-name", "b")], "tools/call", call, false),
            (&[("mcp-method", "tools/call"), ("mcp-name", "=?base64?YQ==?=")], "tools/call", call, true),
            (&[("mcp-method", "tools/call")], "tools/call", "{}", true),
            (
                &[("mcp-method", "resources/read"), ("mcp-name", "file:///a")],
                "resources/read",
                r#"{"uri":"file:\/\/\/a"}"#,
                true,
            ),
        ] {
            let checked = check(&headers(given), asked, params);
            assert_eq!(
                checked.map_err(|error| error.code).err(),
                (!is_right).then_some(HEADER_MISMATCH),
                "{given:?}"
            );
        }
    }
}
