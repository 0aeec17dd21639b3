use super::{Bounds, Instrument, Kind, Unit, Values, all};
use crate::{Exposition, Format, Operation, Pod, ReplicaState, ToolOutcome, TraceId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const BOUNDS: Bounds = Bounds { shards: 3, tools: 2, backends: 1 };

/// A pod that was given more names than it has labels for, and on which all that has labels of names has happened.
fn worn() -> Arc<Pod> {
    let pod = Pod::new(BOUNDS);
    let tools = ["a", "b\"\\\n", "c", "d"].map(|tool| pod.tool_names.place(tool));
    let backends = ["a", "b", "c"].map(|backend| pod.backend_names.place(backend));
    for shard in pod.shards() {
        shard.begin();
        for tool in tools {
            shard.tools.ended(tool, ToolOutcome::Ok, Duration::from_millis(1));
        }
        shard.tools.refused(None, ToolOutcome::NotFound);
        backends.iter().for_each(|backend| shard.ejected(*backend));
        shard.calls.observe_one(Duration::from_secs(9), TraceId::sampled(TRACE));
    }
    pod.operations.answered(Operation::Resume, Duration::from_micros(7));
    pod.replicas(backends.map(|backend| (backend, ReplicaState::Ejected)));
    pod.tools_left_out(backends.iter().flat_map(|one| backends.iter().map(|other| [*one, *other])));
    Arc::new(pod)
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Series by the name of their instrument.
fn series(text: &str) -> BTreeMap<&'static str, Vec<&str>> {
    let mut found = BTreeMap::<&'static str, Vec<&str>>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap_or(line);
        let of = |instrument: &&Instrument| {
            let rest = name.strip_prefix(instrument.name);
            rest.is_some_and(|rest| match instrument.kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"].contains(&rest),
                Kind::Counter | Kind::Gauge => rest.is_empty(),
            })
        };
        let instrument = all().find(of).unwrap_or_else(|| panic!("{line} is in no catalogue"));
        found.entry(instrument.name).or_default().push(line);
    }
    found
}

#[test]
fn names_are_taken_once_and_say_their_kind() {
    let mut names = BTreeSet::new();
    for instrument in all() {
        let Instrument { name, kind, help, .. } = instrument;
        assert!(names.insert(*name), "{name} stands twice");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(*kind != Kind::Histogram || instrument.unit() == Unit::Seconds, "{name}");
        assert!(
            !help.is_empty() && !help.ends_with('.') && !help.contains(['\n', '|', '\\']),
            "{name}: {help}"
        );
        assert!(!help.contains("  "), "{name}: {help}");
    }
}

#[test]
fn everything_is_declared_in_both_texts_and_no_family_has_more_series_than_it_may() {
    let exposition = Exposition::new(worn());
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let text = exposition.text(format);
        let series = series(&text);
        for instrument in all() {
            let name = if format == Format::Prometheus { instrument.name } else { instrument.family() };
            let declared = format!("# TYPE {name} {}\n", instrument.kind.name());
            assert_eq!(text.matches(&declared).count(), 1, "{declared}");
            let count = series.get(instrument.name).map_or(0, Vec::len);
            assert!(count <= instrument.most_series(BOUNDS), "{name} has {count} series");
            if instrument.labels.is_empty() {
                assert_eq!(count, instrument.lines(), "{name}");
            }
        }
    }
}

#[test]
fn labels_have_no_other_values_than_the_catalogue_says() {
    let text = Exposition::new(worn()).text(Format::Prometheus);
    let series = series(&text);
    for instrument in all() {
        for line in series.get(instrument.name).into_iter().flatten() {
            for label in instrument.labels {
                let begin = format!("{}=\"", label.name);
                let value =
                    line.split_once(&begin).map(|(_, rest)| rest.split("\"").next().unwrap_or_default());
                let value = value.unwrap_or_else(|| panic!("{line} has no {}", label.name));
                match label.values {
                    Values::Closed(values) => assert!(values.contains(&value), "{line}"),
                    Values::Shards => {
                        assert!(value.parse::<usize>().is_ok_and(|at| at < BOUNDS.shards), "{line}")
                    }
                    Values::Tools | Values::Backends | Values::Owners => {
                        assert!(!["c", "d"].contains(&value), "{line}")
                    }
                    Values::Version => assert_eq!(value, env!("CARGO_PKG_VERSION")),
                }
            }
        }
    }
    assert!(text.contains("{tool=\"other\",outcome=\"ok\"} 6\n"), "{text}");
    assert!(text.contains("{tool=\"b\\\"\\\\\\n\",outcome=\"ok\"} 3\n"), "{text}");
    assert!(text.contains("backend_ejections_total{backend=\"other\"} 6\n"), "{text}");
    assert!(text.contains("backend_replicas{backend=\"other\",state=\"ejected\"} 2\n"), "{text}");
    assert!(text.contains("backend_tools_left_out{backend=\"a\",owner=\"other\"} 2\n"), "{text}");
}

#[test]
fn only_open_metrics_names_traces() {
    let exposition = Exposition::new(worn());
    let named = "le=\"+Inf\"} 3 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 9 ";
    assert!(exposition.text(Format::OpenMetrics).contains(named));
    assert!(!exposition.text(Format::Prometheus).contains("trace_id"));
}
