//! A dashboard: rows of panels, what may be chosen, and the way to the others.

use crate::Panel;
use metrics::catalogue::Instrument;
use serde_json::{Value, json};

/// What Grafana's columns add up to.
const COLUMNS: u32 = 24;

/// The form in which a dashboard is written down.
const SCHEMA_VERSION: u32 = 42;

/// Panels under a heading.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    title: &'static str,
    panels: Vec<Panel>,
}

impl Row {
    /// A row, which wraps where it is full.
    pub(crate) fn new(title: &'static str, panels: impl Into<Vec<Panel>>) -> Self {
        Self { title, panels: panels.into() }
    }
}

/// A dashboard.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// What it is found by; never changes.
    pub(crate) uid: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Labels, besides job and pod, whose values may be chosen, and the instrument that has them.
    pub(crate) choices: Vec<(&'static str, &'static Instrument)>,
    pub(crate) rows: Vec<Row>,
}

impl Board {
    /// As Grafana reads it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["mcpw"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "timezone": "browser",
            "refresh": "30s",
            "time": { "from": "now-1h", "to": "now" },
            "links": [{
                "type": "dashboards",
                "title": "mcpw",
                "tags": ["mcpw"],
                "asDropdown": false,
                "includeVars": true,
                "keepTime": true,
                "targetBlank": false,
            }],
            "annotations": { "list": annotations() },
            "templating": { "list": self.variables() },
            "panels": self.panels(),
        })
    }

    fn variables(&self) -> Vec<Value> {
        let ready = metrics::catalogue::GATEWAY_READY.name;
        let mut variables = vec![
            json!({
                "name": "datasource",
                "label": "Data source",
                "type": "datasource",
                "query": "prometheus",
                "current": {},
            }),
            variable("job", format!("label_values({ready}, job)")),
            variable("pod", format!("label_values({ready}{{job=~\"$job\"}}, pod)")),
        ];
        variables.extend(self.choices.iter().map(|(label, instrument)| {
            let name = instrument.name;
            variable(label, format!("label_values({name}{{job=~\"$job\",pod=~\"$pod\"}}, {label})"))
        }));
        variables
    }

    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut ids = 1..;
        let mut next = || ids.next().unwrap_or_default();
        let mut y = 0;
        for row in &self.rows {
            panels.push(json!({
                "id": next(),
                "type": "row",
                "title": row.title,
                "collapsed": false,
                "panels": [],
                "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
            }));
            y += 1;
            let (mut x, mut highest) = (0, 0);
            for panel in &row.panels {
                let (width, height) = panel.size();
                if x + width > COLUMNS {
                    (x, y, highest) = (0, y + highest, 0);
                }
                panels.push(panel.json(next(), x, y));
                x += width;
                highest = highest.max(height);
            }
            y += highest;
        }
        panels
    }
}

/// A query of a panel, with what Grafana would put in where everything of this job is chosen.
pub fn filled(query: &str, job: &str, rate_interval: &str) -> String {
    let everything = ".*";
    [("$__rate_interval", rate_interval), ("$job", job)]
        .into_iter()
        .chain(["$pod", "$backend", "$tool"].map(|variable| (variable, everything)))
        .fold(query.to_owned(), |query, (variable, value)| query.replace(variable, value))
}

fn variable(name: &str, query: String) -> Value {
    json!({
        "name": name,
        "label": name,
        "type": "query",
        "datasource": { "type": "prometheus", "uid": "${datasource}" },
        "definition": query,
        "query": { "query": query, "refId": name },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": { "text": ["All"], "value": ["$__all"] },
    })
}

/// Alerts that fire, and starts of processes, stand in every picture over time.
fn annotations() -> Value {
    let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
    json!([{
        "name": "Alerts",
        "datasource": datasource,
        "enable": true,
        "iconColor": "red",
        "expr": "ALERTS{alertname=~\"Mcpw.*\",alertstate=\"firing\"}",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{pod}}{{backend}}",
        "step": "30s",
    }])
}
