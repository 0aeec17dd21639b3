//! Which process spans are of. What `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say comes before what is found here.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;

/// The process, as its owner knows it.
#[derive(Clone, Debug)]
pub struct Process {
    /// What it is called among others of its kind.
    pub instance: String,
    /// Its version.
    pub version: &'static str,
}

const SERVICE: &str = "mcpw";
/// Where Kubernetes puts what a pod is to know of itself.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// All that is known of it.
pub(super) fn of(process: &Process) -> Resource {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|text| text.trim().to_owned());
    let mut found = vec![
        ("service.name", Some(SERVICE.to_owned())),
        ("service.version", Some(process.version.to_owned())),
        ("service.instance.id", Some(process.instance.clone())),
        ("process.pid", Some(std::process::id().to_string())),
        ("host.name", host.clone()),
    ];
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        let namespace = std::fs::read_to_string(NAMESPACE).ok().map(|text| text.trim().to_owned());
        let node = std::env::var("NODE_NAME").ok();
        found.extend([("k8s.pod.name", host), ("k8s.namespace.name", namespace), ("k8s.node.name", node)]);
    }
    let found = found.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)));
    let service = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    Resource::builder_empty()
        .with_attributes(found)
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_attributes(service.map(|name| KeyValue::new("service.name", name)))
        .build()
}
