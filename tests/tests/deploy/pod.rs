//! What has to fit together in manifests: the pod, its configuration, its way out and what points to it.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::judge::{As, judged};
use crate::manifests::{Manifests, list, selects, text};
use crate::{mcpw, success};

/// Checks all of it.
#[track_caller]
pub(crate) fn check_pods(manifests: &Manifests) {
    for deployment in manifests.all("Deployment") {
        check_secure(&deployment["spec"]["template"]["spec"]);
    }
    let gateway = gateway(manifests);
    let config = in_force(manifests, gateway);
    check_way_out(gateway, &config);
    check_ports(gateway, &config);
    check_pointers(manifests, gateway);
    check_store(gateway, &config);
}

/// The deployment of the gateway.
#[track_caller]
fn gateway(manifests: &Manifests) -> &Value {
    let mut found = manifests.all("Deployment").filter(|deployment| {
        deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "gateway"
    });
    let gateway = found.next().expect("there is a gateway");
    assert_eq!(found.next(), None, "there is one gateway");
    gateway
}

/// What `mcpw check-config` makes of the mounted configuration and the container's environment.
#[track_caller]
pub(crate) fn in_force(manifests: &Manifests, deployment: &Value) -> Value {
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let volume = list(&pod["volumes"]).iter().find(|volume| volume["name"] == "config");
    let name = text(&volume.expect("the configuration is a volume")["configMap"]["name"]);
    let mount = list(&container["volumeMounts"]).iter().find(|mount| mount["name"] == "config");
    let place = Path::new(text(&mount.expect("it is mounted")["mountPath"]));
    let argument = Path::new(text(list(&container["args"]).last().expect("there are arguments")));
    assert!(argument.starts_with(place), "{argument:?} is mounted at {place:?}");
    let file = argument.file_name().and_then(|name| name.to_str()).expect("a path has a file's name");

    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let path = folder.path().join(file);
    let content = text(&manifests.one("ConfigMap", name)["data"][file]);
    std::fs::write(&path, content).expect("the folder is ours");
    let mut command = mcpw();
    command.args(["check-config", "--config"]).arg(&path);
    for variable in list(&container["env"]) {
        // What comes from a secret is some text.
        let value = variable["value"].as_str().unwrap_or("a secret");
        command.env(text(&variable["name"]), value);
    }
    let printed = success(&mut command);
    assert!(!printed.contains("a secret"), "{printed}");
    judged(&printed, As::Yaml).remove(0)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// SIGKILL comes after the drain, and all clients can be told within it.
#[track_caller]
fn check_way_out(gateway: &Value, config: &Value) {
    let pod = &gateway["spec"]["template"]["spec"];
    let grace = number(&pod["terminationGracePeriodSeconds"]) * 1_000;
    let wait = number(&pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]) * 1_000;
    let [delay, last, timeout, rate] =
        ["delay_ms", "grace_ms", "timeout_ms", "rate"].map(|key| number(&config["drain"][key]));
    let close = number(&config["websocket"]["close_timeout_ms"]);
    assert!(grace >= wait + delay + timeout + close, "{grace} < {wait} + {delay} + {timeout} + {close}");
    // Three quarters of the rate are told in a second.
    let telling = number(&config["websocket"]["max_connections"]) * 4_000 / (rate * 3);
    assert!(timeout >= telling + last, "{timeout} < {telling} + {last}");
}

#[track_caller]
fn check_ports(gateway: &Value, config: &Value) {
    let container = &gateway["spec"]["template"]["spec"]["containers"][0];
    for (name, room) in [("clients", "websocket"), ("admin", "admin"), ("registry", "registry")] {
        let port = list(&container["ports"]).iter().find(|port| port["name"] == name);
        let port = number(&port.unwrap_or_else(|| panic!("no port {name}"))["containerPort"]);
        assert_eq!(text(&config[room]["listen"]), format!("0.0.0.0:{port}"));
    }
    for (probe, path) in [
        ("startupProbe", "/health/live"),
        ("livenessProbe", "/health/live"),
        ("readinessProbe", "/health/ready"),
    ] {
        let get = &container[probe]["httpGet"];
        assert_eq!((&get["path"], &get["port"]), (&path.into(), &"admin".into()), "{probe}");
    }
    let shards = number(&config["runtime"]["shards"]);
    assert_eq!(container["resources"]["limits"]["cpu"], shards.to_string(), "a shard for each CPU");
    assert_eq!(config["runtime"]["pin"], false, "pods that share a node would pin to the same CPUs");
}

/// Services, budgets, scalers and monitors mean the pods that are there.
#[track_caller]
fn check_pointers(manifests: &Manifests, gateway: &Value) {
    let template = &gateway["spec"]["template"];
    let labels = &template["metadata"]["labels"];
    assert!(selects(&gateway["spec"]["selector"]["matchLabels"], labels));
    let ports = list(&template["spec"]["containers"][0]["ports"]);
    let services: Vec<_> = manifests.all("Service").collect();
    assert_eq!(services.len(), 4, "{:?}", manifests.kinds());
    for service in services {
        assert!(selects(&service["spec"]["selector"], labels), "{service}");
        for port in list(&service["spec"]["ports"]) {
            let target = ports.iter().find(|own| own["name"] == port["targetPort"]);
            let target = target.unwrap_or_else(|| panic!("no port for {port}"));
            assert_eq!(target["containerPort"], port["port"]);
        }
    }
    let name = &gateway["metadata"]["name"];
    for scaler in manifests.all("HorizontalPodAutoscaler") {
        assert_eq!(&scaler["spec"]["scaleTargetRef"]["name"], name);
        assert_eq!(
            gateway["spec"].get("replicas"),
            None,
            "a fixed number would undo the scaler's at each rollout"
        );
    }
    for monitor in manifests.all("ServiceMonitor") {
        let wanted = &monitor["spec"]["selector"]["matchLabels"];
        let found =
            manifests.all("Service").filter(|service| selects(wanted, &service["metadata"]["labels"]));
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "each pod is scraped once");
        let port = &monitor["spec"]["endpoints"][0]["port"];
        assert!(list(&found[0]["spec"]["ports"]).iter().any(|own| &own["name"] == port), "{port}");
    }
    for selector in ["PodDisruptionBudget", "NetworkPolicy"].into_iter().flat_map(|kind| manifests.all(kind))
    {
        let selector = &selector["spec"];
        let selector = selector.get("selector").or_else(|| selector.get("podSelector"));
        let selector = &selector.expect("it selects pods")["matchLabels"];
        let mut pods =
            manifests.all("Deployment").map(|owner| &owner["spec"]["template"]["metadata"]["labels"]);
        assert!(pods.any(|labels| selects(selector, labels)), "{selector} takes no pod");
    }
}

/// Only pods that share a store may stand side by side.
#[track_caller]
fn check_store(gateway: &Value, config: &Value) {
    let strategy = &gateway["spec"]["strategy"];
    if config["store"]["kind"] == "redis" {
        assert_eq!(strategy["rollingUpdate"]["maxUnavailable"], 0);
        let container = &gateway["spec"]["template"]["spec"]["containers"][0];
        let password =
            list(&container["env"]).iter().find(|variable| variable["name"] == "STORE_REDIS_PASSWORD");
        let source = &password.expect("Redis has a password")["valueFrom"]["secretKeyRef"];
        assert!(source.is_object(), "a password comes from a secret");
    } else {
        assert_eq!((&gateway["spec"]["replicas"], &strategy["type"]), (&1.into(), &"Recreate".into()));
        assert_eq!(strategy.get("rollingUpdate"), None);
    }
}

/// What the policy `restricted` of Kubernetes asks for, and a root file system that can't be written.
#[track_caller]
fn check_secure(pod: &Value) {
    assert_eq!(pod["automountServiceAccountToken"], false);
    let context = &pod["securityContext"];
    assert_eq!(
        (&context["runAsNonRoot"], &context["seccompProfile"]["type"]),
        (&true.into(), &"RuntimeDefault".into())
    );
    for container in list(&pod["containers"]) {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["capabilities"], serde_json::json!({ "drop": ["ALL"] }));
        for bound in ["requests", "limits"] {
            let resources = &container["resources"][bound];
            assert!(resources["cpu"].is_string() && resources["memory"].is_string(), "{bound}: {resources}");
        }
        assert!(!text(&container["image"]).ends_with(":latest") && text(&container["image"]).contains(':'));
    }
}
