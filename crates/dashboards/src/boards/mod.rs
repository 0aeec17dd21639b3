//! Every dashboard, and where it goes.

mod backends;
mod fleet;
mod pod;
mod sessions;

use crate::Board;

/// What Grafana makes of the distance between two points of a picture.
const WINDOW: &str = "$__rate_interval";

/// The dashboards, each with its places: for whoever provisions files, and for the chart.
pub(crate) fn all() -> [(Board, [&'static str; 2]); 4] {
    [
        (fleet::board(), ["deploy/grafana/fleet.json", "deploy/helm/mcpw/files/dashboards/fleet.json"]),
        (pod::board(), ["deploy/grafana/pod.json", "deploy/helm/mcpw/files/dashboards/pod.json"]),
        (
            backends::board(),
            ["deploy/grafana/backends.json", "deploy/helm/mcpw/files/dashboards/backends.json"],
        ),
        (
            sessions::board(),
            ["deploy/grafana/sessions.json", "deploy/helm/mcpw/files/dashboards/sessions.json"],
        ),
    ]
}
