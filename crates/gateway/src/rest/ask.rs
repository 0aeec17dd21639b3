//! A request whose method and token were checked, and what its headers say.

use super::Link;
use super::problem::Problem;
use super::query::Query;
use crate::access::Access;
use crate::audit::Event;
use crate::http::token;
use crate::shard::Shard;
use crate::trace;
use auth::{Identity, Permit, Refusal};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use metrics::trace::{Context, Open};
use protocol::ErrorCode;
use std::fmt::Display;
use std::net::IpAddr;
use std::rc::Rc;

/// The media types of answers and bodies.
pub(super) const JSON: &str = "application/json";
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// Idempotency keys have up to so many bytes.
const KEY: usize = 255;

/// What somebody asks.
pub(super) struct Ask {
    pub(super) link: Rc<Link>,
    /// From where it comes.
    pub(super) address: IpAddr,
    pub(super) identity: Identity,
    /// What the rules say of it.
    pub(super) permit: Permit,
    /// The request's span; none where nothing is traced.
    pub(super) span: Option<Open>,
    /// The `traceparent` and `tracestate` that a message in the body names; those of the head count for nothing then.
    said: Option<(String, String)>,
    pub(super) head: Parts,
    pub(super) body: Option<Incoming>,
}

impl Ask {
    /// Whose request it is, and whether the path takes its method.
    pub(super) async fn new(
        link: &Rc<Link>,
        request: Request<Incoming>,
        address: IpAddr,
        methods: &[Method],
        span: Option<Open>,
    ) -> Result<Self, Problem> {
        check_method(request.method(), methods)?;
        let (holder, shard) = (link.visit.holder.as_ref(), &link.shard);
        let auth = token::identify(request.uri(), request.headers(), None, holder, shard);
        let identity = trace::part(&shard.pod.tracer, span, "auth", auth).await.map_err(|refusal| {
            let entry = || link.decision(Event::Refuse, address).reason(refusal.name());
            link.shard.pod.audit.tell(entry);
            unauthorized(&refusal)
        })?;
        let (head, body) = request.into_parts();
        let permit = link.shard.terms().authorization.permit(&identity);
        Ok(Self {
            link: Rc::clone(link),
            address,
            identity,
            permit,
            span,
            said: None,
            head,
            body: Some(body),
        })
    }

    /// What the holder may do.
    pub(super) const fn access(&self) -> Access<'_> {
        Access { identity: &self.identity, permit: &self.permit }
    }

    /// Whether the rules let the holder ask for this method.
    pub(super) fn may_ask(&self, method: &str) -> Result<(), Problem> {
        self.permit.check_method(method).map_err(|denial| self.forbidden(method, &denial))
    }

    /// The answer to what the holder may not do. `what` is the method or the tool.
    pub(super) fn forbidden(&self, what: &str, why: &impl Display) -> Problem {
        let entry = || self.link.decision(Event::Forbidden, self.address).holder(&self.identity);
        self.shard().pod.audit.tell(|| entry().reason(format!("{what}: {why}")));
        Problem::new(ErrorCode::Forbidden, why.to_string())
    }

    pub(super) fn shard(&self) -> &Rc<Shard> {
        &self.link.shard
    }

    pub(super) fn query(&self) -> Result<Query, Problem> {
        Query::parse(self.head.uri.query().unwrap_or_default())
    }

    /// The text of a header that may stand once.
    pub(super) fn header(&self, name: &HeaderName) -> Result<Option<&str>, Problem> {
        let mut values = self.head.headers.get_all(name).iter();
        match (values.next().map(HeaderValue::to_str), values.next()) {
            (None, _) => Ok(None),
            (Some(Ok(text)), None) => Ok(Some(text.trim())),
            (Some(Err(_)), _) => {
                Err(Problem::new(ErrorCode::InvalidMessage, format!("{name} must be ASCII")))
            }
            (_, Some(_)) => {
                Err(Problem::new(ErrorCode::InvalidMessage, format!("{name} stands more than once")))
            }
        }
    }

    /// A message in the body says which trace it is a part of: that counts from now on. Its span, where anything is traced.
    pub(super) fn follow(&mut self, meta: &mcp::Meta<'_>) -> Option<Open> {
        let parent = meta.traceparent.as_deref()?;
        let own = Context::parse(parent)?;
        self.said = Some((parent.to_owned(), meta.tracestate.as_deref().unwrap_or_default().to_owned()));
        self.span = self.span.map(|_| Open::below(own));
        self.span
    }

    /// The trace that is carried on, as it was named.
    pub(super) fn traced(&self) -> (String, String) {
        let of_head = || (self.carried("traceparent"), self.carried("tracestate"));
        self.said.clone().unwrap_or_else(of_head)
    }

    /// The text of a header that is only carried on; none if it can't be.
    fn carried(&self, name: &'static str) -> String {
        let value = self.head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    /// The holder's name for what is asked, so that it is done once.
    pub(super) fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        let Some(key) = self.header(&HeaderName::from_static("idempotency-key"))? else { return Ok(None) };
        if !(1..=KEY).contains(&key.len()) {
            let detail = format!("Idempotency-Key must have 1 to {KEY} characters");
            return Err(Problem::new(ErrorCode::InvalidMessage, detail));
        }
        Ok(Some(key.to_owned()))
    }

    /// Whether `Prefer: respond-async` stands in the head (RFC 7240).
    pub(super) fn prefers_async(&self) -> bool {
        let values = self.head.headers.get_all("prefer").iter();
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|preference| {
            preference.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("respond-async")
        })
    }

    /// Which of the offered media types the client likes best; of two the first.
    pub(super) fn accepts(&self, offered: &[&'static str]) -> Result<&'static str, Problem> {
        let values = self.head.headers.get_all(ACCEPT);
        let ranges: Vec<&str> = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let liked = offered.iter().map(|kind| (*kind, quality(&ranges, kind)));
        let best = liked.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, quality)| *quality > 0.0).map(|(kind, _)| kind).ok_or_else(|| {
            let detail = format!("this is answered as {}: say so in Accept", offered.join(" or "));
            Problem::new(ErrorCode::InvalidMessage, detail).status(StatusCode::NOT_ACCEPTABLE)
        })
    }
}

/// How much a client likes this media type, by the closest of the ranges that it named (RFC 9110 section 12.5.1).
pub(super) fn quality(ranges: &[&str], kind: &str) -> f32 {
    if ranges.is_empty() {
        return 1.0;
    }
    let main = kind.split('/').next().unwrap_or_default();
    let closeness = |range: &str| match range.split_once('/') {
        _ if range.eq_ignore_ascii_case(kind) => Some(2),
        Some((of, "*")) if of.eq_ignore_ascii_case(main) => Some(1),
        Some(("*", "*")) => Some(0),
        _ => None,
    };
    let fitting = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let closeness = closeness(parts.next().unwrap_or_default())?;
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        Some((closeness, quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(0.0)))
    });
    fitting.max_by_key(|(closeness, _)| *closeness).map_or(0.0, |(_, quality)| quality)
}

/// Whether a path takes this method.
pub(super) fn check_method(method: &Method, methods: &[Method]) -> Result<(), Problem> {
    if methods.contains(method) {
        return Ok(());
    }
    let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let allow = HeaderValue::from_str(&allowed).unwrap_or_else(|_| HeaderValue::from_static("GET"));
    Err(Problem::new(ErrorCode::MethodNotFound, format!("this path takes {allowed}"))
        .status(StatusCode::METHOD_NOT_ALLOWED)
        .with(ALLOW, allow))
}

fn unauthorized(refusal: &Refusal) -> Problem {
    Problem::new(ErrorCode::AuthenticationFailed, refusal.to_string())
        .with(WWW_AUTHENTICATE, token::challenge(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_range_counts() {
        for (ranges, kind, expected) in [
            (&[][..], JSON, 1.0),
            (&["*/*"], JSON, 1.0),
            (&["text/html", " */*;q=0.1"], JSON, 0.1),
            (&["application/*;q=0.5", "application/json;q=0.2"], JSON, 0.2),
            (&["application/json;q=0"], JSON, 0.0),
            (&["application/json;q=7"], JSON, 0.0),
            (&["application/json;q=-1"], JSON, 0.0),
            (&["application/json;q=NaN"], JSON, 0.0),
            (&["text/event-stream"], JSON, 0.0),
            (&["Application/JSON; charset=utf-8"], JSON, 1.0),
        ] {
            assert!((quality(ranges, kind) - expected).abs() < f32::EPSILON, "{ranges:?} {kind}");
        }
    }
}
