//! The figures as a file and as a page.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bench, bench, bench_at};
use crate::process::run;
use crate::{gateway, mcpw};

/// Every field of a file of the schema `mcpw-bench/1`. Whoever changes one gives the schema another number.
const FIELDS: &str = "\
connections connections/dialled connections/lost connections/opened connections/per_second connections/refused \
connections/resumable connections/seconds connections/session connections/upgrade connections/wanted environment environment/cpu environment/cpus \
environment/kernel environment/load environment/open_files environment/program environment/system errors events \
generator generator/busy generator/bytes_received generator/bytes_sent generator/late_max_us interrupted messages \
messages/answered messages/failed messages/kind messages/latency messages/per_second messages/sent messages/unanswered \
parameters parameters/burst parameters/connect_rate parameters/connections parameters/depth parameters/duration_s \
parameters/messages parameters/patience_s parameters/publishers parameters/rate parameters/scenario parameters/sources \
parameters/spin parameters/subprotocol parameters/targets parameters/threads parameters/tokens parameters/warm_up_s pings remarks schema \
seconds server started_at storm timeline timeline/answered timeline/connections timeline/delivered timeline/errors \
timeline/max_us timeline/opened timeline/p50_us timeline/p99_us timeline/second timeline/sent unsent";
const LATENCY: &str = "count histogram max_us mean_us p50_us p90_us p999_us p99_us";

/// The names of all fields, those of distributions left out.
fn fields(value: &Value, path: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) if members.contains_key("histogram") => {
            let members: Vec<_> = members.keys().map(String::as_str).collect();
            let expected: Vec<_> = LATENCY.split(' ').collect();
            assert_eq!(
                members.into_iter().collect::<BTreeSet<_>>(),
                expected.into_iter().collect(),
                "{path}"
            );
        }
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                fields(value, &path, names);
                names.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, path, names)),
        _ => {}
    }
}

#[test]
fn the_file_has_the_fields_of_its_schema_and_no_token() {
    let gateway = gateway();
    let token = gateway.keys.token();
    let figures = bench_at(&format!("ws://{}/ws", gateway.clients), &token, "echo -c 2").figures();
    assert_eq!(figures["schema"], "mcpw-bench/1");
    let mut names = BTreeSet::new();
    fields(&figures, "", &mut names);
    assert_eq!(names, FIELDS.split(' ').map(str::to_owned).collect());
    assert!(!figures.to_string().contains(&token));
    assert!(figures["server"].as_str().is_some_and(|server| server.starts_with("mcpw ")), "{figures:#}");
}

#[test]
fn a_page_compares_runs_and_loads_nothing() {
    let gateway = gateway();
    let runs = ["echo -c 2", "storm -c 3 --duration 20s", "events -c 2 --rate 20"].map(|line| {
        let Bench { mut command, folder } = bench(&gateway, line);
        run(&mut command).success();
        folder
    });
    let page = runs[0].path().join("page.html");
    let mut command = mcpw();
    command.args(["bench", "report"]).args(runs.iter().map(|folder| folder.path().join("run.json")));
    run(command.arg("-o").arg(&page)).success();
    let page = std::fs::read_to_string(page).expect("the page was written");
    for loads in ["http:", "https:", "src=", "href", "url(", "@import", "<script", "<link", "<img"] {
        assert!(!page.contains(loads), "{loads} in {page}");
    }
    let charts = page.matches("<svg").count();
    assert_eq!((charts, page.matches("</svg>").count()), (4, 4));
    assert!(!page.contains("NaN") && !page.contains("inf,"), "{page}");
    for text in ["<td>echo</td>", "<td>back</td>", "<td>delivery</td>", "run: echo"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    // Each element that is opened is closed.
    let mut open = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        let name = tag.split(' ').next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{tag}"),
            None if tag.ends_with('/') || matches!(name, "meta" | "!DOCTYPE") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
