//! `deploy/compose`: the file, and what its programs are given to read.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::judge::{As, judged};
use crate::manifests::{list, text};
use crate::{deploy, mcpw, output, read, success};

const SECRET: &str = "sixty-four characters are better but thirty-two are enough";

#[track_caller]
fn compose() -> Value {
    judged(&read(&deploy("compose/compose.yaml")), As::Compose).remove(0)
}

#[test]
fn the_file_is_without_fault_and_names_files_that_are_there() {
    let compose = compose();
    let folder = deploy("compose");
    let mut files: Vec<&str> = compose["configs"]
        .as_object()
        .expect("there are some")
        .values()
        .map(|config| text(&config["file"]))
        .collect();
    let services = compose["services"].as_object().expect("there are some");
    for (name, service) in services {
        let (_, version) =
            text(&service["image"]).rsplit_once(':').unwrap_or_else(|| panic!("{name} has a version"));
        assert!(version != "latest", "{name}");
        for volume in list(&service["volumes"]).iter().map(text) {
            files.extend(volume.split(':').next().filter(|source| source.starts_with('.')));
        }
        for config in list(&service["configs"]) {
            assert!(compose["configs"].get(text(&config["source"])).is_some(), "{config}");
        }
    }
    assert!(files.len() > 5);
    for file in files {
        assert!(folder.join(file).exists(), "{file} is not there");
    }
    for service in [
        "gateway-1",
        "gateway-2",
        "haproxy",
        "redis",
        "postgres",
        "prometheus",
        "grafana",
        "collector",
        "tools",
        "context",
    ] {
        assert!(services.contains_key(service), "no {service}");
    }
}

/// No port is open to others, and no secret stands in the file.
#[test]
fn nothing_leaves_the_machine() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().expect("there are some") {
        for port in list(&service["ports"]) {
            assert!(text(port).starts_with("127.0.0.1:"), "{name}: {port}");
        }
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let secret = ["PASSWORD", "AUTH_KEYS", "REDISCLI_AUTH", "CONTEXT_DATABASE"];
            if secret.iter().any(|word| variable.contains(word)) {
                assert!(text(value).contains("${"), "{name}: {variable} comes from the environment");
            }
        }
    }
}

/// A value with what Compose would put in.
fn interpolated(value: &Value) -> String {
    let mut rest = text(value);
    let mut whole = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        let (_, after) = after.split_once('}').expect("a brace is closed");
        whole += before;
        whole += SECRET;
        rest = after;
    }
    whole + rest
}

#[test]
fn both_gateways_take_their_settings() {
    let compose = compose();
    for name in ["gateway-1", "gateway-2"] {
        let service = &compose["services"][name];
        let mut command = mcpw();
        command.args(["check-config", "--config"]).arg(deploy("compose/mcpw.yaml"));
        for (variable, value) in service["environment"].as_object().expect("there are some") {
            command.env(variable, interpolated(value));
        }
        let printed = success(&mut command);
        assert!(!printed.contains(SECRET), "{printed}");
        let config = judged(&printed, As::Yaml).remove(0);
        assert_eq!(
            (&config["store"]["kind"], &config["auth"]["keys"][0]["id"]),
            (&"redis".into(), &"dev".into())
        );
        let number = |key: &str| config["drain"][key].as_u64().expect("a number");
        let grace: u64 = text(&service["stop_grace_period"]).trim_end_matches('s').parse().expect("seconds");
        assert!(grace * 1_000 > number("delay_ms") + number("timeout_ms"), "{grace} s");
        let descriptors = service["ulimits"]["nofile"].as_u64().expect("a number");
        assert!(descriptors > config["websocket"]["max_connections"].as_u64().expect("a number"));
        let proxy = &compose["services"]["haproxy"]["networks"]["platform"]["ipv4_address"];
        assert_eq!(config["security"]["trusted_proxies"][0], format!("{}/32", text(proxy)));
    }
}

#[test]
fn haproxy_takes_its_settings() {
    let compose = compose();
    let haproxy = &compose["services"]["haproxy"];
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin";
    let found = std::env::split_paths(&path).map(|folder| folder.join("haproxy")).find(|file| file.is_file());
    let found =
        found.expect("there is no haproxy; please run: apt-get install --no-install-recommends haproxy");
    let file = text(&compose["configs"]["haproxy"]["file"]);
    let mut command = Command::new(found);
    command.env_clear().arg("-c").arg("-f").arg(deploy("compose").join(file));
    for (variable, value) in haproxy["environment"].as_object().expect("there are some") {
        command.env(variable, text(value));
    }
    let judged = output(&mut command);
    let said = [judged.stdout, judged.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(judged.status.success() && !said.contains("[WARNING]"), "{said}");
    for (number, name) in [(1, "gateway-1"), (2, "gateway-2")] {
        let address = text(&compose["services"][name]["networks"]["platform"]["ipv4_address"]);
        assert_eq!(haproxy["environment"][format!("MCPW_POD_{number}")], format!("{address}:8080"));
    }
}

#[test]
fn prometheus_takes_its_settings_and_scrapes_what_is_there() {
    let file = deploy("compose/prometheus/prometheus.yml");
    promtool(&["check", "config"], &file);
    let config = judged(&read(&file), As::Yaml).remove(0);
    let compose = compose();
    let targets =
        list(&config["scrape_configs"]).iter().flat_map(|job| list(&job["static_configs"][0]["targets"]));
    for target in targets {
        let (host, _) = text(target).split_once(':').expect("host:port");
        assert!(compose["services"].get(host).is_some(), "no {host}");
    }
}

/// Runs promtool over a file.
#[track_caller]
pub(crate) fn promtool(arguments: &[&str], file: &Path) -> String {
    let found = Command::new("promtool").arg("--version").output();
    assert!(
        found.is_ok(),
        "there is no promtool; please run: apt-get install --no-install-recommends prometheus"
    );
    success(Command::new("promtool").args(arguments).arg(file))
}
