//! Which authorization servers give out tokens for this gateway: protected resource metadata (RFC 9728), and the challenges
//! that point to it. `basic/authorization`, "Authorization Server Discovery".

use crate::config::Config;
use crate::rest::answer::{self, Answer};
use crate::rest::ask::check_method;
use crate::rest::problem::Problem;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Method, Request, StatusCode};
use protocol::ErrorCode;
use serde::Serialize;

/// Where such metadata is, before the path of the resource (RFC 9728 section 3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// RFC 9728 section 2.
#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    scopes_supported: &'a [String],
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'static str,
}

/// Whether this path is one for metadata, whatever resource it is of.
pub(crate) fn is_below(path: &str) -> bool {
    path.strip_prefix(WELL_KNOWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The answer to whoever asks, without a token: how to get one stands here.
///
/// # Errors
/// It is at another path, or nothing is configured.
pub(in crate::rest) fn found<B>(config: &Config, request: &Request<B>) -> Result<Answer, Problem> {
    check_method(request.method(), &[Method::GET, Method::HEAD])?;
    answer(config, request.uri().path()).ok_or_else(|| {
        let detail = "there is no such metadata: mcp.resource names the resource that it is of, if any";
        Problem::new(ErrorCode::MethodNotFound, detail)
    })
}

/// The metadata, at the path of the resource and at the root, where clients look next; none at another path, and none where
/// nothing is configured.
fn answer(config: &Config, path: &str) -> Option<Answer> {
    let mcp = &config.mcp;
    let resource = mcp.resource.as_deref()?;
    let of = path.strip_prefix(WELL_KNOWN)?;
    if !of.is_empty() && of != super::PATH && of != split(resource).1 {
        return None;
    }
    let metadata = Metadata {
        resource,
        authorization_servers: mcp.issuers(&config.auth),
        scopes_supported: &mcp.scopes,
        bearer_methods_supported: ["header"],
        resource_name: "mcpw",
    };
    let mut answer = answer::written(StatusCode::OK, &metadata);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    Some(answer)
}

/// A challenge with the address of the metadata, and with the scopes that are needed: those that `missing` names, or those
/// that every client needs. `basic/authorization`, "Scope Challenge Handling".
pub(crate) fn challenge(config: &Config, challenge: &str, missing: Option<&str>) -> String {
    let mcp = &config.mcp;
    let mut all = challenge.to_owned();
    let mut add = |name: &str, value: &str| {
        all += if all.contains('=') { ", " } else { " " };
        all += &format!("{name}=\"{value}\"");
    };
    if let Some(resource) = &mcp.resource {
        let (origin, path) = split(resource);
        add("resource_metadata", &format!("{origin}{WELL_KNOWN}{path}"));
    }
    match missing {
        Some(scope) => add("scope", scope),
        None if !mcp.scopes.is_empty() => add("scope", &mcp.scopes.join(" ")),
        None => {}
    }
    all
}

/// The address up to its path, and the path; a slash alone is none.
fn split(resource: &str) -> (&str, &str) {
    let authority = resource.find("://").map_or(0, |at| at + 3);
    let at = resource[authority..].find('/').map_or(resource.len(), |at| authority + at);
    let (origin, path) = resource.split_at(at);
    (origin, if path == "/" { "" } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(resource: Option<&str>, scopes: &[&str]) -> Config {
        let mut config = Config::default();
        config.mcp.resource = resource.map(str::to_owned);
        config.mcp.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        config
    }

    #[test]
    fn a_challenge_points_to_the_metadata_of_the_resource() {
        for (resource, scopes, missing, expected) in [
            (None, &[][..], None, "Bearer"),
            (
                Some("https://a.example/mcp"),
                &["mcp", "b"],
                None,
                "Bearer resource_metadata=\"https://a.example/.well-known/oauth-protected-resource/mcp\", scope=\"mcp b\"",
            ),
            (
                Some("https://a.example/"),
                &["mcp"],
                Some("tools:x"),
                "Bearer resource_metadata=\"https://a.example/.well-known/oauth-protected-resource\", scope=\"tools:x\"",
            ),
        ] {
            assert_eq!(challenge(&config(resource, scopes), "Bearer", missing), expected);
        }
        let invalid = challenge(&config(None, &["mcp"]), "Bearer error=\"invalid_token\"", None);
        assert_eq!(invalid, "Bearer error=\"invalid_token\", scope=\"mcp\"");
    }

    #[test]
    fn metadata_is_at_the_paths_that_clients_look_at() {
        for (resource, path, is_there) in [
            ("https://a.example/mcp", "", true),
            ("https://a.example/mcp", "/mcp", true),
            ("https://a.example/x/mcp", "/x/mcp", true),
            ("https://a.example/x/mcp", "/mcp", true),
            ("https://a.example/mcp", "/other", false),
            ("https://a.example/mcp", "/mcp/", false),
        ] {
            let answer = answer(&config(Some(resource), &[]), &format!("{WELL_KNOWN}{path}"));
            assert_eq!(answer.is_some(), is_there, "{resource} {path}");
        }
        assert!(answer(&config(None, &[]), WELL_KNOWN).is_none());
        assert!(!is_below("/.well-known/oauth-protected-resources"));
    }
}
