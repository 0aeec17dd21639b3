//! The numbers that the model begins with: what the benches have measured, and what pods on one Redis cost.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::root;

/// `xtask/scaling.json`.
#[derive(Clone, Debug)]
pub(super) struct Inputs(Value);

/// Something that costs a Redis and pods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    /// Scripts, and all that Redis did for it.
    pub(super) scripts: f64,
    pub(super) commands: f64,
    pub(super) redis_micros: f64,
    /// Of all pods together.
    pub(super) pod_micros: f64,
}

impl Inputs {
    fn file() -> PathBuf {
        root().join("xtask/scaling.json")
    }

    pub(super) fn read() -> Result<Self> {
        let text = fs::read_to_string(Self::file()).context("xtask/scaling.json")?;
        Ok(Self(serde_json::from_str(&text).context("xtask/scaling.json")?))
    }

    /// Writes what was measured with so many pods, in place of what was there.
    pub(super) fn write(mut self, pods: &[Value]) -> Result<Self> {
        self.0["pods"] = pods.into();
        fs::write(Self::file(), serde_json::to_string_pretty(&self.0)? + "\n")
            .context("xtask/scaling.json")?;
        Ok(self)
    }

    /// A figure of the benches.
    pub(super) fn bench(&self, name: &str) -> Result<f64> {
        self.0["bench"][name]
            .as_f64()
            .with_context(|| format!("xtask/scaling.json has no number bench.{name}"))
    }

    /// How many pods the measurements were made with, smallest first.
    pub(super) fn pods(&self) -> impl Iterator<Item = u64> {
        let measured = self.0["pods"].as_array().map(Vec::as_slice).unwrap_or_default();
        measured.iter().filter_map(|measured| measured["pods"].as_u64())
    }

    /// What was measured with so many pods.
    pub(super) fn measured(&self, pods: u64, name: &str) -> Result<f64> {
        self.with(pods)?[name].as_f64().with_context(|| format!("{name} of {pods} pods is no number"))
    }

    /// What one thing costs with so many pods.
    pub(super) fn cost(&self, pods: u64, name: &str) -> Result<Cost> {
        let value = &self.with(pods)?[name];
        let part = |part: &str| {
            value[part].as_f64().with_context(|| format!("{name} with {pods} pods has no number {part}"))
        };
        Ok(Cost {
            scripts: part("scripts")?,
            commands: part("commands")?,
            redis_micros: part("redis_micros")?,
            pod_micros: part("pod_micros")?,
        })
    }

    fn with(&self, pods: u64) -> Result<&Value> {
        let all = self.0["pods"].as_array().context("xtask/scaling.json has no pods")?;
        let found = all.iter().find(|measured| measured["pods"] == pods);
        found.with_context(|| format!("nothing was measured with {pods} pods: cargo xtask scaling --measure"))
    }
}
