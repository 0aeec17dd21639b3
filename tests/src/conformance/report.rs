//! What the suite found, scenario by scenario. Knows the files that it leaves.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Suite;

/// The findings for one version.
#[derive(Debug)]
pub struct Report {
    scenarios: Vec<Scenario>,
    is_good: bool,
    folder: PathBuf,
}

/// Those of one scenario.
#[derive(Debug)]
struct Scenario {
    name: String,
    is_required: bool,
    /// None if it has not run.
    checks: Option<Vec<Check>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: String,
    error_message: Option<String>,
}

/// What a version requires of servers.
#[derive(Debug, Deserialize)]
struct Requirements {
    server: Vec<String>,
    #[serde(default)]
    not_scored: Vec<NotScored>,
}

/// A scenario that is run and does not count.
#[derive(Debug, Deserialize)]
struct NotScored {
    scenario: String,
    leg: String,
}

impl Report {
    /// Reads what a run has left. `is_good` is the suite's own verdict.
    pub(super) fn read(suite: &Suite, version: &str, folder: &Path, is_good: bool) -> Result<Self> {
        let file = suite.requirements(version);
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let requirements: Requirements =
            serde_saphyr::from_str(&text).with_context(|| file.display().to_string())?;
        ensure!(!requirements.server.is_empty(), "{version} requires nothing");
        let mut found = checks(folder)?;
        let required = requirements.server.into_iter().map(|name| (name, true));
        let others = requirements.not_scored.into_iter().filter(|one| one.leg == "server");
        let scenarios = required
            .chain(others.map(|one| (one.scenario, false)))
            .map(|(name, is_required)| Scenario { checks: found.remove(&name), name, is_required })
            .collect();
        Ok(Self { scenarios, is_good, folder: folder.to_owned() })
    }

    /// Whether the suite is content, and all that is required was tried.
    pub fn is_good(&self) -> bool {
        self.is_good && self.scenarios.iter().all(|one| one.checks.is_some() || !one.is_required)
    }

    /// How many checks of what is required have failed; a scenario that has not run counts as one.
    pub fn failed(&self) -> usize {
        let failed = |one: &Scenario| if one.checks.is_none() { 1 } else { one.count("FAILURE") };
        self.scenarios.iter().filter(|one| one.is_required).map(failed).sum()
    }

    /// How many checks of what is required have passed.
    pub fn passed(&self) -> usize {
        self.scenarios.iter().filter(|one| one.is_required).map(|one| one.count("SUCCESS")).sum()
    }
}

impl Scenario {
    fn count(&self, status: &str) -> usize {
        self.checks.iter().flatten().filter(|check| check.status == status).count()
    }
}

/// The checks of each scenario, by its name. A run leaves them in `server-NAME-TIME/checks.json`.
fn checks(folder: &Path) -> Result<HashMap<String, Vec<Check>>> {
    /// `-2026-07-28T12-00-00-000Z`
    const TIME: usize = 25;
    let mut found = HashMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix("server-") else { continue };
        let scenario = name.get(..name.len().saturating_sub(TIME)).unwrap_or_default().to_owned();
        let file = entry.path().join("checks.json");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let checks = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        found.insert(scenario, checks);
    }
    Ok(found)
}

/// A line for each scenario, then why what is not as it should be is so.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<48}  passed  failed  warnings", "scenario")?;
        for one in &self.scenarios {
            let note = match (&one.checks, one.is_required) {
                (None, _) => "  not run",
                (Some(_), false) => "  not required",
                (Some(_), true) => "",
            };
            let [passed, failed, warnings] =
                ["SUCCESS", "FAILURE", "WARNING"].map(|status| one.count(status));
            writeln!(f, "{:<48}  {passed:>6}  {failed:>6}  {warnings:>8}{note}", one.name)?;
        }
        for one in self.scenarios.iter().filter(|one| one.is_required) {
            let wrong = one.checks.iter().flatten();
            for check in wrong.filter(|check| ["FAILURE", "WARNING"].contains(&&*check.status)) {
                let why = check.error_message.as_deref().unwrap_or_default();
                writeln!(f, "{}: {} {}: {why}", check.status, one.name, check.id)?;
            }
        }
        let (passed, failed) = (self.passed(), self.failed());
        writeln!(
            f,
            "of what is required {passed} passed, {failed} failed; all is in {}",
            self.folder.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "2026-07-28";

    /// What a suite says that requires `plain` and `other`, tries `extra` besides, and has left these statuses of each.
    fn report(found: &[(&str, &[&str])], is_good: bool) -> Report {
        let folder = tempfile::TempDir::new().expect("the system has a folder for temporary files");
        let write = |path: &str, text: &str| {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("the folder is ours");
            std::fs::write(file, text).expect("the folder is ours");
        };
        let package = "node_modules/@modelcontextprotocol/conformance";
        write(&format!("{package}/dist/index.js"), "");
        write(
            &format!("{package}/requirements/{VERSION}.yaml"),
            "server: [plain, other]\nnot_scored: [{scenario: extra, leg: server}, {scenario: theirs, leg: client}]\n",
        );
        for (scenario, statuses) in found {
            let checks = statuses.iter().map(|status| serde_json::json!({"id": "check", "status": status}));
            let checks = serde_json::Value::from_iter(checks).to_string();
            write(&format!("found/server-{scenario}-{VERSION}T12-00-00-000Z/checks.json"), &checks);
        }
        let suite = Suite::at(folder.path()).expect("it is there");
        Report::read(&suite, VERSION, &folder.path().join("found"), is_good).expect("all is there")
    }

    #[test]
    fn what_is_not_required_is_shown_and_counts_for_nothing() {
        let found: [(&str, &[&str]); 3] =
            [("plain", &["SUCCESS", "INFO"]), ("other", &["SUCCESS", "SUCCESS"]), ("extra", &["FAILURE"])];
        let report = report(&found, true);
        assert!(report.is_good(), "{report}");
        assert_eq!((report.passed(), report.failed()), (3, 0), "{report}");
        assert!(report.to_string().contains("not required"), "{report}");
        assert!(!report.to_string().contains("theirs"), "{report}");
    }

    #[test]
    fn what_is_required_and_was_not_run_has_failed() {
        let report = report(&[("plain", &["SUCCESS"])], true);
        assert!(!report.is_good(), "{report}");
        assert_eq!((report.passed(), report.failed()), (1, 1), "{report}");
        assert!(report.to_string().contains("not run"), "{report}");
    }

    #[test]
    fn the_suites_own_verdict_stands() {
        let found: [(&str, &[&str]); 2] = [("plain", &["SUCCESS"]), ("other", &["FAILURE", "WARNING"])];
        assert!(report(&found, true).is_good(), "the failure was expected");
        let report = report(&found, false);
        assert!(!report.is_good(), "{report}");
        assert_eq!((report.passed(), report.failed()), (1, 1), "{report}");
    }
}
