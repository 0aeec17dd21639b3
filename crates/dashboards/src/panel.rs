//! One picture of a dashboard: what it asks, and how the answer is shown.

use crate::Expr;
use serde_json::{Value, json};

/// What the values are in, as Grafana calls it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// How many.
    Number,
    /// How many in a second.
    PerSecond,
    /// How long.
    Seconds,
    /// How much.
    Bytes,
    /// How much in a second.
    BytesPerSecond,
    /// A part of a whole, 0 to 1.
    Share,
    /// No or yes.
    Truth,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Number => "short",
            Self::PerSecond => "ops",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "Bps",
            Self::Share => "percentunit",
            Self::Truth => "bool_yes_no",
        }
    }
}

/// How the answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Over time, a line for each series.
    Lines,
    /// Over time, areas on top of each other.
    Stack,
    /// Over time, a bar for each series that says in which state it was.
    States,
    /// Over time, how many observations fell into which bucket.
    Heat,
    /// The latest, as a number.
    Number,
    /// The latest, a line of a table for each series.
    Table,
}

#[derive(Clone, Debug)]
struct Query {
    expr: Expr,
    legend: String,
}

/// A panel.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    title: &'static str,
    description: &'static str,
    shape: Shape,
    unit: Unit,
    width: u32,
    queries: Vec<Query>,
    /// From which value on it is worth a look, and from which on it is bad. Descending ones: below.
    bounds: Option<(f64, f64)>,
    /// What numbers stand for.
    states: &'static [(&'static str, &'static str)],
    /// The dashboard that tells more about a series, and the label that it is told of.
    more: Option<(&'static str, &'static str)>,
}

impl Panel {
    fn new(shape: Shape, width: u32, title: &'static str, description: &'static str) -> Self {
        Self {
            title,
            description,
            shape,
            unit: Unit::Number,
            width,
            queries: Vec::new(),
            bounds: None,
            states: &[],
            more: None,
        }
    }

    /// Lines over time.
    pub(crate) fn lines(title: &'static str, description: &'static str) -> Self {
        Self::new(Shape::Lines, 8, title, description)
    }

    /// Areas over time, for parts of a whole.
    pub(crate) fn stack(title: &'static str, description: &'static str) -> Self {
        Self::new(Shape::Stack, 8, title, description)
    }

    /// States over time.
    pub(crate) fn states(
        title: &'static str,
        description: &'static str,
        states: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { states, ..Self::new(Shape::States, 8, title, description) }
    }

    /// Buckets of a histogram over time.
    pub(crate) fn heat(title: &'static str, description: &'static str) -> Self {
        Self::new(Shape::Heat, 8, title, description).unit(Unit::Seconds)
    }

    /// One number.
    pub(crate) fn number(title: &'static str, description: &'static str) -> Self {
        Self::new(Shape::Number, 4, title, description)
    }

    /// A table.
    pub(crate) fn table(title: &'static str, description: &'static str) -> Self {
        Self::new(Shape::Table, 8, title, description)
    }

    /// In another unit than bare numbers.
    pub(crate) fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Of 24 columns.
    pub(crate) fn wide(mut self, columns: u32) -> Self {
        self.width = columns;
        self
    }

    /// One more query; the legend may name labels in double braces.
    pub(crate) fn ask(mut self, expr: Expr, legend: impl Into<String>) -> Self {
        self.queries.push(Query { expr, legend: legend.into() });
        self
    }

    /// Yellow from the first value on, red from the second on. If the second is lower, below them.
    pub(crate) fn bounds(mut self, look: f64, bad: f64) -> Self {
        self.bounds = Some((look, bad));
        self
    }

    /// A series leads on to a dashboard, which is told this label of it.
    pub(crate) fn leads_to(mut self, uid: &'static str, label: &'static str) -> Self {
        self.more = Some((uid, label));
        self
    }

    /// How wide and how high it is.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, if self.shape == Shape::Number { 4 } else { 8 })
    }

    /// As Grafana reads it.
    pub(crate) fn json(&self, id: u32, x: u32, y: u32) -> Value {
        let (w, h) = self.size();
        let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
        json!({
            "id": id,
            "type": self.plugin(),
            "title": self.title,
            "description": self.description,
            "datasource": datasource,
            "gridPos": { "x": x, "y": y, "w": w, "h": h },
            "fieldConfig": { "defaults": self.field(), "overrides": [] },
            "options": self.options(),
            "targets": ('A'..).zip(&self.queries).map(|(name, query)| self.target(name, query)).collect::<Vec<_>>(),
            "transformations": self.transformations(),
        })
    }

    const fn plugin(&self) -> &'static str {
        match self.shape {
            Shape::Lines | Shape::Stack => "timeseries",
            Shape::States => "state-timeline",
            Shape::Heat => "heatmap",
            Shape::Number => "stat",
            Shape::Table => "table",
        }
    }

    fn target(&self, name: char, query: &Query) -> Value {
        let latest = matches!(self.shape, Shape::Number | Shape::Table);
        json!({
            "refId": name.to_string(),
            "datasource": { "type": "prometheus", "uid": "${datasource}" },
            "editorMode": "code",
            "expr": query.expr.to_string(),
            "legendFormat": query.legend,
            "instant": latest,
            "range": !latest,
            "format": match self.shape { Shape::Heat => "heatmap", Shape::Table => "table", _ => "time_series" },
        })
    }

    fn field(&self) -> Value {
        let mut field = json!({
            "unit": self.unit.name(),
            "color": { "mode": if self.shape == Shape::Number { "thresholds" } else { "palette-classic" } },
            "thresholds": self.thresholds(),
            "mappings": self.mappings(),
            "links": self.links(),
        });
        if matches!(self.shape, Shape::Lines | Shape::Stack) {
            field["min"] = json!(0);
            field["custom"] = json!({
                "lineWidth": 1,
                "fillOpacity": if self.shape == Shape::Stack { 40 } else { 8 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": { "mode": if self.shape == Shape::Stack { "normal" } else { "none" }, "group": "A" },
                "thresholdsStyle": { "mode": if self.bounds.is_some() { "dashed" } else { "off" } },
            });
        }
        if self.shape == Shape::States {
            field["custom"] = json!({ "fillOpacity": 70, "lineWidth": 0 });
        }
        field
    }

    fn thresholds(&self) -> Value {
        let steps = match self.bounds {
            None => json!([{ "color": "green", "value": null }]),
            Some((look, bad)) if look <= bad => json!([
                { "color": "green", "value": null },
                { "color": "orange", "value": look },
                { "color": "red", "value": bad },
            ]),
            Some((look, bad)) => json!([
                { "color": "red", "value": null },
                { "color": "orange", "value": bad },
                { "color": "green", "value": look },
            ]),
        };
        json!({ "mode": "absolute", "steps": steps })
    }

    fn mappings(&self) -> Value {
        const COLORS: [&str; 5] = ["green", "yellow", "orange", "red", "purple"];
        if self.states.is_empty() {
            return json!([]);
        }
        let options: serde_json::Map<_, _> = (0..)
            .zip(self.states.iter().zip(COLORS))
            .map(|(index, ((value, text), color))| {
                ((*value).to_owned(), json!({ "text": text, "color": color, "index": index }))
            })
            .collect();
        json!([{ "type": "value", "options": options }])
    }

    fn links(&self) -> Value {
        let Some((uid, label)) = self.more else { return json!([]) };
        json!([{
            "title": format!("More of this {label}"),
            "url": format!(
                "/d/{uid}?${{datasource:queryparam}}&${{job:queryparam}}&var-{label}=${{__field.labels.{label}}}&${{__url_time_range}}"
            ),
        }])
    }

    fn options(&self) -> Value {
        match self.shape {
            Shape::Lines | Shape::Stack => json!({
                "legend": { "displayMode": "table", "placement": "bottom", "calcs": ["mean", "max", "lastNotNull"] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Shape::States => json!({
                "mergeValues": true,
                "showValue": "auto",
                "rowHeight": 0.8,
                "legend": { "displayMode": "list", "placement": "bottom" },
                "tooltip": { "mode": "single" },
            }),
            Shape::Heat => json!({
                "calculate": false,
                "color": { "mode": "scheme", "scheme": "Oranges", "steps": 64 },
                "yAxis": { "unit": "s" },
                "cellGap": 1,
                "legend": { "show": true },
                "tooltip": { "mode": "single", "yHistogram": true },
            }),
            Shape::Number => json!({
                "colorMode": "value",
                "graphMode": "none",
                "justifyMode": "auto",
                "textMode": if self.queries.len() > 1 { "value_and_name" } else { "auto" },
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            }),
            Shape::Table => json!({ "showHeader": true, "cellHeight": "sm" }),
        }
    }

    /// The answers of a table's queries stand side by side, under their legends.
    fn transformations(&self) -> Value {
        if self.shape != Shape::Table {
            return json!([]);
        }
        let names: serde_json::Map<_, _> = ('A'..)
            .zip(&self.queries)
            .map(|(name, query)| (format!("Value #{name}"), json!(query.legend)))
            .chain(self.queries.first().map(|query| ("Value".to_owned(), json!(query.legend))))
            .collect();
        json!([
            { "id": "merge", "options": {} },
            { "id": "organize", "options": { "excludeByName": { "Time": true }, "renameByName": names } },
        ])
    }
}
