//! `promtool test rules`: what fires at which minute of a world. Knows no alert.

use std::fmt::Write;
use std::process::Command;

use tempfile::TempDir;

use crate::made;

/// A world, and what fires in it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) name: String,
    pub(crate) series: Vec<(String, String)>,
    /// At a minute, the one alert that fires, or none.
    pub(crate) firing: Vec<(u64, Option<&'static str>)>,
}

/// Has promtool tell these stories with the rules that are shipped.
///
/// # Panics
/// Something else fires, or there is no promtool; says what to install.
#[track_caller]
pub(crate) fn told(stories: &[Story]) {
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let mut test = "evaluation_interval: 1m\nrule_files: [rules.yaml, alerts.yaml]\n".to_owned();
    for name in ["rules.yaml", "alerts.yaml"] {
        std::fs::write(folder.path().join(name), made(&format!("deploy/prometheus/{name}")))
            .expect("the folder is ours");
    }
    test += "group_eval_order: [mcpw-recorded, mcpw-pods, mcpw-store, mcpw-backends, mcpw-requests, mcpw-events, mcpw-operation]\n";
    test += "tests:\n";
    for story in stories {
        write!(test, "{story}").expect("a string takes everything");
    }
    let file = folder.path().join("stories.yaml");
    std::fs::write(&file, &test).expect("the folder is ours");
    let said = run(&["test", "rules", &file.to_string_lossy()]);
    assert!(said.contains("SUCCESS"), "{said}");
}

/// What promtool says, if it finds no fault.
///
/// # Panics
/// It finds one, or is not there.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> String {
    let output = Command::new("promtool").args(arguments).output();
    let output =
        output.expect("there is no promtool; please run: apt-get install --no-install-recommends prometheus");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    said
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "  - name: {}\n    interval: 1m\n    input_series:", self.name)?;
        for (series, samples) in &self.series {
            writeln!(f, "      - {{series: '{series}', values: '{samples}'}}")?;
        }
        writeln!(f, "    promql_expr_test:")?;
        for (minute, alert) in &self.firing {
            writeln!(f, "      - expr: group by (alertname) (ALERTS{{alertstate=\"firing\"}})")?;
            writeln!(f, "        eval_time: {minute}m")?;
            if let Some(alert) = alert {
                writeln!(f, "        exp_samples: [{{labels: '{{alertname=\"{alert}\"}}', value: 1}}]")?;
            }
        }
        Ok(())
    }
}
