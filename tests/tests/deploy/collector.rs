//! The settings of the OpenTelemetry collector. No package brings the program itself, so this looks only at whether they fit
//! together.

use serde_json::Value;

use crate::judge::{As, judged};
use crate::manifests::{list, text};
use crate::{deploy, read};

#[test]
fn every_pipeline_of_the_collector_is_made_of_parts_that_are_there() {
    let config = judged(&read(&deploy("compose/otel/collector.yaml")), As::Yaml).remove(0);
    let pipelines = config["service"]["pipelines"].as_object().expect("there are some");
    let mut used = Vec::new();
    for (signal, pipeline) in pipelines {
        for kind in ["receivers", "processors", "exporters"] {
            let parts = list(&pipeline[kind]);
            assert!(!parts.is_empty(), "{signal} has no {kind}");
            for part in parts {
                assert!(config[kind].get(text(part)).is_some(), "{signal}: no {part} in {kind}");
                used.push((kind, text(part)));
            }
        }
        assert_eq!(pipeline["processors"][0], "memory_limiter", "{signal}: it has to come first");
    }
    for kind in ["receivers", "processors", "exporters"] {
        let parts = config[kind].as_object().into_iter().flat_map(|parts| parts.keys());
        for part in parts {
            assert!(used.contains(&(kind, part.as_str())), "{part} of {kind} is used nowhere");
        }
    }
    let scraped =
        &config["receivers"]["prometheus"]["config"]["scrape_configs"][0]["static_configs"][0]["targets"];
    let gateways: Vec<Value> = vec!["gateway-1:9090".into(), "gateway-2:9090".into()];
    assert_eq!(list(scraped), gateways);
}
