//! The collector, as the settings name it: how it is reached, and what a span looks like to it.

use super::context::Context;
use super::http::Poster;
use super::settings::{Error, Protocol, Settings};
use super::span::Span;
use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{Link, SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;
use transport::{ClientTls, Connector};

/// Who takes spans.
#[derive(Debug)]
pub(super) struct Collector {
    exporter: SpanExporter,
    scope: InstrumentationScope,
    timeout: Duration,
}

impl Collector {
    /// The collector of these settings; connects later. Has to be called on a runtime.
    ///
    /// # Errors
    /// What can't be used.
    pub(super) fn new(endpoint: &str, settings: &Settings, resource: &Resource) -> Result<Self, Error> {
        let timeout = Duration::from_millis(settings.timeout_ms);
        let headers = settings.all_headers()?;
        let built = match settings.protocol {
            Protocol::Http => {
                let tls = ClientTls::new(settings.tls.clone())?;
                SpanExporter::builder()
                    .with_http()
                    .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                    .with_http_client(Poster(Arc::new(tls)))
                    .with_headers(headers.into_iter().map(|(name, value)| (name, value.0)).collect())
                    .with_endpoint(with_path(endpoint))
                    .with_timeout(timeout)
                    .build()
            }
            Protocol::Grpc => {
                let mut metadata = HeaderMap::new();
                for (name, value) in headers {
                    if let (Ok(name), Ok(value)) =
                        (name.parse::<HeaderName>(), HeaderValue::from_str(&value.0))
                    {
                        metadata.insert(name, value);
                    }
                }
                let wrong = |error: tonic::transport::Error| Error::Exporter(error.to_string());
                let target = Endpoint::from_shared(endpoint.to_owned()).map_err(wrong)?;
                let target = target.timeout(timeout).connect_timeout(timeout);
                let channel = if endpoint.starts_with("https:") {
                    let tls = ClientTls::new(settings.tls.clone())?;
                    target.connect_with_connector_lazy(Connector::new(Arc::new(tls)))
                } else {
                    target.connect_lazy()
                };
                SpanExporter::builder()
                    .with_tonic()
                    .with_metadata(MetadataMap::from_headers(metadata))
                    .with_channel(channel)
                    .with_timeout(timeout)
                    .build()
            }
        };
        let mut exporter = built.map_err(|error| Error::Exporter(error.to_string()))?;
        exporter.set_resource(resource);
        Ok(Self { exporter, scope: InstrumentationScope::builder("mcpw").build(), timeout })
    }

    /// Delivers spans, within the timeout.
    ///
    /// # Errors
    /// Why it has none of them, or perhaps not.
    ///
    /// # Cancel safety
    /// The delivery is given up.
    pub(super) async fn take(&self, spans: Vec<Span>) -> Result<(), String> {
        let (now, today) = (Instant::now(), SystemTime::now());
        let spans = spans.into_iter().map(|span| self.written(span, now, today)).collect();
        match tokio::time::timeout(self.timeout, self.exporter.export(spans)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(OTelSdkError::InternalFailure(reason))) => Err(reason),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {:?}", self.timeout)),
        }
    }

    fn written(&self, span: Span, now: Instant, today: SystemTime) -> SpanData {
        let at = |instant: Instant| today - now.saturating_duration_since(instant);
        let mut links = SpanLinks::default();
        links.links = span.links.into_iter().map(|to| Link::with_context(context(to, true))).collect();
        // Whether it was sampled or is told for its end: it is recorded.
        let own = Context { sampled: true, ..span.open.context };
        SpanData {
            span_context: context(own, false),
            parent_span_id: SpanId::from(span.open.parent),
            parent_span_is_remote: span.open.is_remote,
            span_kind: span.kind.into(),
            name: span.name,
            start_time: at(span.open.started),
            end_time: at(span.ended),
            attributes: span.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: if span.error.is_some() { Status::error("") } else { Status::Unset },
            instrumentation_scope: self.scope.clone(),
        }
    }
}

/// OTLP/HTTP's usual path, where none is named.
fn with_path(endpoint: &str) -> String {
    let has_path = endpoint.parse::<Uri>().is_ok_and(|uri| uri.path() != "/");
    if has_path { endpoint.to_owned() } else { format!("{}/v1/traces", endpoint.trim_end_matches('/')) }
}

fn context(of: Context, is_remote: bool) -> SpanContext {
    let flags = if of.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) = (TraceId::from(of.trace), SpanId::from(of.span));
    SpanContext::new(trace, span, flags, is_remote, TraceState::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_a_path_gets_the_usual_one() {
        for (endpoint, expected) in [
            ("http://a:1", "http://a:1/v1/traces"),
            ("https://a/", "https://a/v1/traces"),
            ("http://a:1/otlp/v1/traces", "http://a:1/otlp/v1/traces"),
        ] {
            assert_eq!(with_path(endpoint), expected);
        }
    }
}
