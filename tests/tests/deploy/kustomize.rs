//! The overlays of `deploy/kubernetes`, as kubectl renders them.

use std::process::Command;

use tempfile::TempDir;

use crate::manifests::{list, text};
use crate::{Manifests, check_pods, deploy, program, read, repository, success};

#[track_caller]
fn overlay(name: &str) -> Manifests {
    let folder = deploy("kubernetes/overlays").join(name);
    Manifests::of(&success(program("kubectl").arg("kustomize").arg(folder)))
}

/// The overlays, each told of in docs/deployment.md.
const OVERLAYS: [&str; 4] = ["gateway-api", "production", "redis", "single"];

/// Checks what every overlay has.
#[track_caller]
fn checked(name: &str) -> Manifests {
    let manifests = overlay(name);
    check_pods(&manifests);
    for kind in ["Namespace", "ServiceAccount", "ConfigMap", "NetworkPolicy"] {
        assert!(manifests.all(kind).next().is_some(), "{name} has no {kind}");
    }
    manifests
}

/// They scale by what they have to do, and are taken one at a time.
#[track_caller]
fn check_several(manifests: &Manifests) {
    let metrics = list(&manifests.one("HorizontalPodAutoscaler", "mcpw")["spec"]["metrics"]);
    assert!(metrics.iter().any(|metric| metric["resource"]["name"] == "cpu"));
    for custom in ["websocket_connections_active", "busiest_shard"] {
        assert!(metrics.iter().any(|metric| metric["pods"]["metric"]["name"] == custom), "{custom}");
    }
    assert_eq!(manifests.one("PodDisruptionBudget", "mcpw")["spec"]["maxUnavailable"], 1);
}

#[test]
fn the_overlay_of_a_single_pod_is_without_fault() {
    let single = checked("single");
    let budgets = single.all("PodDisruptionBudget").count();
    assert_eq!(budgets, 0, "it would keep the only pod's node from being emptied");
}

#[test]
fn the_overlay_of_pods_over_redis_is_without_fault() {
    check_several(&checked("redis"));
}

#[test]
fn the_overlay_of_production_is_without_fault_and_brings_clients_back_to_their_pod() {
    let manifests = checked("production");
    check_several(&manifests);
    let ingress = manifests.one("Ingress", "mcpw");
    let note = |name: &str| {
        let name = format!("nginx.ingress.kubernetes.io/{name}");
        text(&ingress["metadata"]["annotations"][&name])
    };
    assert_eq!(note("affinity"), "cookie");
    let pings = gateway::Config::default().websocket;
    let silence = (pings.ping_interval_ms + pings.pong_timeout_ms) / 1_000;
    for timeout in ["proxy-read-timeout", "proxy-send-timeout"] {
        let seconds: u64 = note(timeout).parse().expect("a number of seconds");
        assert!(seconds > silence, "{timeout}: {seconds}");
    }
    for path in list(&ingress["spec"]["rules"][0]["http"]["paths"]) {
        manifests.one("Service", text(&path["backend"]["service"]["name"]));
    }
}

#[test]
fn the_overlay_of_the_gateway_api_is_without_fault_and_brings_clients_back_to_their_pod() {
    let manifests = checked("gateway-api");
    check_several(&manifests);
    let route = &manifests.one("HTTPRoute", "mcpw")["spec"];
    manifests.one("Gateway", text(&route["parentRefs"][0]["name"]));
    let rules = list(&route["rules"]);
    assert!(rules.iter().any(|rule| rule["sessionPersistence"]["type"] == "Cookie"));
    for rule in rules {
        manifests.one("Service", text(&rule["backendRefs"][0]["name"]));
        assert_eq!(rule["timeouts"]["request"], "0s", "a connection has no end of its own");
    }
}

#[test]
fn every_overlay_is_checked_and_told_of() {
    let folder = std::fs::read_dir(deploy("kubernetes/overlays")).expect("the folder is shipped");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("it can be read").file_name();
    let mut names: Vec<_> = folder.map(name).collect();
    names.sort();
    assert_eq!(names, OVERLAYS);
    let page = read(&repository().join("docs/deployment.md"));
    for name in OVERLAYS {
        assert!(page.contains(&format!("[{name}](../deploy/kubernetes/overlays/{name})")), "{name}");
    }
}

/// The one that docs/deployment.md shows to begin from, put beside the shipped ones.
#[test]
fn the_overlay_of_the_page_is_without_fault() {
    let page = read(&repository().join("docs/deployment.md"));
    let (_, rest) =
        page.split_once("   ```yaml title=kustomization.yaml\n").expect("the page shows an overlay");
    let (block, _) = rest.split_once("```").expect("a block ends");
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    success(Command::new("cp").arg("-r").arg(deploy("kubernetes")).arg(folder.path()));
    let own = folder.path().join("kubernetes/overlays/own");
    std::fs::create_dir(&own).expect("the folder is ours");
    // The block is a part of a list, and stands further to the right.
    let lines: Vec<_> = block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).collect();
    std::fs::write(own.join("kustomization.yaml"), lines.join("\n")).expect("the folder is ours");
    let settings =
        read(&deploy("kubernetes/base/mcpw.yaml")).replace("login.example.com", "login.own.example");
    std::fs::write(own.join("mcpw.yaml"), settings).expect("the folder is ours");
    let manifests = Manifests::of(&success(program("kubectl").arg("kustomize").arg(own)));
    check_pods(&manifests);
    let gateway = manifests.one("Deployment", "mcpw");
    assert_eq!(gateway["spec"]["template"]["spec"]["containers"][0]["image"], "registry.internal/mcpw:0.1.0");
    let config = manifests.all("ConfigMap").next().expect("there is one");
    assert!(text(&config["data"]["mcpw.yaml"]).contains("login.own.example"), "{config}");
}
