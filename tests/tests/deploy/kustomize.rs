//! The overlays of `deploy/kubernetes`, as kubectl renders them.

use crate::manifests::{list, text};
use crate::{Manifests, check_pods, deploy, program, success};

#[track_caller]
fn overlay(name: &str) -> Manifests {
    let folder = deploy("kubernetes/overlays").join(name);
    Manifests::of(&success(program("kubectl").arg("kustomize").arg(folder)))
}

#[test]
fn every_overlay_is_without_fault() {
    let folder = deploy("kubernetes/overlays");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is shipped") {
        let name = entry.expect("the folder can be read").file_name().into_string().expect("a plain name");
        let manifests = overlay(&name);
        check_pods(&manifests);
        for kind in ["Namespace", "ServiceAccount", "ConfigMap", "NetworkPolicy"] {
            assert!(manifests.all(kind).next().is_some(), "{name} has no {kind}");
        }
        names.push(name);
    }
    names.sort();
    assert_eq!(
        names,
        ["gateway-api", "production", "redis", "single"],
        "each is told of in docs/deployment.md"
    );
}

#[test]
fn several_pods_scale_and_are_taken_one_at_a_time() {
    for name in ["redis", "production", "gateway-api"] {
        let manifests = overlay(name);
        let metrics = list(&manifests.one("HorizontalPodAutoscaler", "mcpw")["spec"]["metrics"]);
        assert!(metrics.iter().any(|metric| metric["resource"]["name"] == "cpu"));
        let connections = "websocket_connections_active";
        assert!(metrics.iter().any(|metric| metric["pods"]["metric"]["name"] == connections));
        assert_eq!(manifests.one("PodDisruptionBudget", "mcpw")["spec"]["maxUnavailable"], 1);
    }
    let single = overlay("single");
    assert!(
        single.all("PodDisruptionBudget").next().is_none(),
        "it would keep the only pod's node from being emptied"
    );
}

#[test]
fn clients_come_back_to_their_pod() {
    let production = overlay("production");
    let ingress = production.one("Ingress", "mcpw");
    let note = |name: &str| {
        text(&ingress["metadata"]["annotations"][&format!("nginx.ingress.kubernetes.io/{name}")])
    };
    assert_eq!(note("affinity"), "cookie");
    let pings = gateway::Config::default().websocket;
    let silence = (pings.ping_interval_ms + pings.pong_timeout_ms) / 1_000;
    for timeout in ["proxy-read-timeout", "proxy-send-timeout"] {
        let seconds: u64 = note(timeout).parse().expect("a number of seconds");
        assert!(seconds > silence, "{timeout}: {seconds}");
    }
    let route = overlay("gateway-api");
    let rules = list(&route.one("HTTPRoute", "mcpw")["spec"]["rules"]);
    assert!(rules.iter().any(|rule| rule["sessionPersistence"]["type"] == "Cookie"));
    for (services, reference) in [
        (&production, &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]),
        (&route, &rules[0]["backendRefs"][0]["name"]),
    ] {
        services.one("Service", text(reference));
    }
}
