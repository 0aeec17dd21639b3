//! The chart of `deploy/helm/mcpw`, as helm renders it.

use std::path::PathBuf;
use std::process::Command;

use tempfile::NamedTempFile;

use crate::manifests::{list, text};
use crate::{Manifests, check_pods, deploy, failure, program, read, repository, success};

fn chart() -> PathBuf {
    deploy("helm/mcpw")
}

fn template() -> Command {
    let mut command = program("helm");
    command.args(["template", "mcpw", "--namespace", "mcpw"]).arg(chart());
    command
}

#[track_caller]
fn rendered(values: &str) -> Manifests {
    Manifests::of(&success(template().arg("--values").arg(chart().join("ci").join(values))))
}

#[test]
fn helm_finds_no_fault_with_the_chart() {
    success(program("helm").args(["lint", "--strict"]).arg(chart()));
}

#[test]
fn the_values_that_are_the_defaults_are_rendered_without_fault() {
    check_pods(&Manifests::of(&success(&mut template())));
}

#[test]
fn values_for_pods_over_redis_are_rendered_without_fault() {
    check_pods(&rendered("redis-values.yaml"));
}

#[test]
fn values_for_the_gateway_api_are_rendered_without_fault() {
    check_pods(&rendered("gateway-api-values.yaml"));
}

#[test]
fn what_is_switched_on_is_there() {
    let redis = rendered("redis-values.yaml");
    for kind in
        ["Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"]
    {
        assert_eq!(redis.all(kind).count(), 1, "{kind} in {:?}", redis.kinds());
    }
    let rules = &redis.one("PrometheusRule", "mcpw")["spec"].to_string();
    assert!(rules.contains("https://wiki.example.com/mcpw/runbooks#mcpwpoddown"), "{rules}");
    let dashboards = &redis.one("ConfigMap", "mcpw-dashboards")["data"];
    for name in ["fleet.json", "pod.json", "backends.json", "sessions.json"] {
        assert_eq!(text(&dashboards[name]), read(&deploy("grafana").join(name)), "{name}");
    }
    let route = rendered("gateway-api-values.yaml");
    let route = route.one("HTTPRoute", "mcpw");
    assert_eq!(route["spec"]["rules"][0]["sessionPersistence"]["type"], "Cookie");
    let shut = Manifests::of(&success(template().args(["--set-json", "networkPolicy.egressPorts=[]"])));
    for rule in list(&shut.one("NetworkPolicy", "mcpw")["spec"]["egress"]) {
        assert!(rule["ports"].is_array() || rule["to"].is_array(), "{rule} lets everything out");
    }
    let plain = Manifests::of(&success(template().args(["--set", "networkPolicy.enabled=false"])));
    let kinds = ["ServiceAccount", "ConfigMap", "Service", "Service", "Service", "Service", "Deployment"];
    let found: Vec<_> =
        plain.kinds().iter().map(|name| name.split(' ').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(found, kinds);
}

/// The whole way out is worked out by the chart.
#[test]
fn a_longer_drain_has_a_longer_grace_period() {
    let route = rendered("gateway-api-values.yaml");
    let pod = &route.one("Deployment", "mcpw")["spec"]["template"]["spec"];
    // 5 s, 2 s and 120.5 s, and 8 s.
    assert_eq!(pod["terminationGracePeriodSeconds"], 136);
}

#[test]
fn a_changed_configuration_rolls_the_pods() {
    let sums: Vec<_> = ["info", "debug"]
        .map(|level| {
            let manifests =
                Manifests::of(&success(template().arg("--set").arg(format!("config.log.level={level}"))));
            let template = &manifests.one("Deployment", "mcpw")["spec"]["template"];
            text(&template["metadata"]["annotations"]["checksum/config"]).to_owned()
        })
        .into();
    assert_ne!(sums[0], sums[1]);
}

/// Those that docs/deployment.md shows.
#[test]
fn the_values_of_the_page_are_rendered_without_fault() {
    let page = read(&repository().join("docs/deployment.md"));
    let (_, values) = page.split_once("```yaml title=values.yaml\n").expect("the page shows values");
    let (values, _) = values.split_once("```").expect("a block ends");
    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), values).expect("the file is ours");
    let manifests = Manifests::of(&success(template().arg("--values").arg(file.path())));
    check_pods(&manifests);
    assert_eq!(manifests.all("HorizontalPodAutoscaler").count(), 1);
}

#[test]
fn wrong_values_are_refused_with_their_place() {
    for (value, place) in [
        ("replica=2", "replica"),
        ("replicas=2", "store"),
        ("autoscaling.enabled=true", "store"),
        ("image.tag=latest", "/image/tag"),
        ("config.drain.timeout_ms=soon", "/config/drain/timeout_ms"),
        ("config.store.redis.password=hunter2", "/config/store/redis/password"),
        ("gatewayRoute.enabled=true", "/gatewayRoute/parentRefs"),
        ("service.type=Public", "/service/type"),
    ] {
        let said = failure(template().args(["--set", value]));
        assert!(said.contains(place) && said.contains("schema"), "{value}: {said}");
    }
}
