//! What the suite found, case by case, and what of it counts as failed. Knows the suite's JSON reports.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The name under which the suite files its reports.
pub(crate) const AGENT: &str = "server";

const GOOD: [&str; 3] = ["OK", "NON-STRICT", "INFORMATIONAL"];
const GOOD_CLOSE: [&str; 2] = ["OK", "INFORMATIONAL"];

/// Of a case that the suite has no result of, because the server stopped answering before.
const NOT_RUN: &str = "NOT RUN";

/// The judged cases, in the suite's order.
#[derive(Debug)]
pub(crate) struct Report {
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    id: String,
    behavior: String,
    close: String,
    /// For failed cases: what was sent, what was expected, what came.
    details: Vec<String>,
}

impl Case {
    fn failed(&self) -> bool {
        !GOOD.contains(&self.behavior.as_str()) || !GOOD_CLOSE.contains(&self.close.as_str())
    }

    fn group(&self) -> u32 {
        self.id.split('.').next().and_then(|group| group.parse().ok()).unwrap_or(0)
    }
}

impl Report {
    /// Reads the folder of reports.
    ///
    /// # Errors
    /// If no case was chosen, a report is missing, or one isn't what the suite writes.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let planned = json(&folder.join("cases.json"))?;
        ensure!(
            planned != serde_json::json!([]),
            "no case of the suite matches; use numbers or patterns such as 7.1.1 and 1.*"
        );
        let index = json(&folder.join("index.json"))?;
        Self::judge(&planned, &index, |file| json(&folder.join(file)))
    }

    /// Judges the cases in `planned` by `index`. A planned case without a result has failed.
    fn judge(planned: &Value, index: &Value, detail: impl Fn(&str) -> Result<Value>) -> Result<Self> {
        let mut cases = Vec::new();
        for id in planned.as_array().context("the list of cases is no list")? {
            let id = id.as_str().context("a case is no text")?;
            let result = &index[AGENT][id];
            let text = |field: &str| result[field].as_str().unwrap_or(NOT_RUN).to_owned();
            let mut case = Case {
                id: id.to_owned(),
                behavior: text("behavior"),
                close: text("behaviorClose"),
                details: Vec::new(),
            };
            if let Some(file) = result["reportfile"].as_str().filter(|_| case.failed()) {
                case.details = details(&detail(file)?);
            }
            cases.push(case);
        }
        Ok(Self { cases })
    }

    pub(crate) fn cases(&self) -> usize {
        self.cases.len()
    }

    pub(crate) fn failed(&self) -> usize {
        self.cases.iter().filter(|case| case.failed()).count()
    }
}

/// The totals of each group, then every failed case.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: BTreeMap<u32, BTreeMap<&str, usize>> = BTreeMap::new();
        for case in &self.cases {
            let kind = if case.failed() { "FAILED" } else { &case.behavior };
            *groups.entry(case.group()).or_default().entry(kind).or_default() += 1;
        }
        writeln!(f, "group  cases     OK  NON-STRICT  INFORMATIONAL  FAILED")?;
        for (group, counts) in groups {
            let count = |kind: &str| counts.get(kind).copied().unwrap_or(0);
            let [ok, non_strict, informational, failed] =
                [count(GOOD[0]), count(GOOD[1]), count(GOOD[2]), count("FAILED")];
            let total: usize = counts.values().sum();
            writeln!(
                f,
                "{group:>5}  {total:>5}  {ok:>5}  {non_strict:>10}  {informational:>13}  {failed:>6}"
            )?;
        }
        let (silent, failed): (Vec<_>, Vec<_>) =
            self.cases.iter().filter(|case| case.failed()).partition(|case| case.behavior == NOT_RUN);
        for case in failed {
            writeln!(f, "\ncase {}: behavior {}, close {}", case.id, case.behavior, case.close)?;
            for line in &case.details {
                writeln!(f, "  {line}")?;
            }
        }
        if !silent.is_empty() {
            let ids: Vec<_> = silent.iter().map(|case| case.id.as_str()).collect();
            writeln!(f, "\nnot run, see fuzzer.log: {}", ids.join(" "))?;
        }
        Ok(())
    }
}

fn details(report: &Value) -> Vec<String> {
    let text = |field: &str| {
        let text = report[field].as_str().unwrap_or_default().replace("<br>", " ");
        let words: Vec<_> = text.split_whitespace().collect();
        words.join(" ")
    };
    vec![
        text("description"),
        format!("expected: {}", text("expectation")),
        format!("result:   {}", text("result")),
        format!("close:    {} (code {})", text("resultClose"), report["remoteCloseCode"]),
    ]
}

fn json(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("no report {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use serde_json::json;

    use super::*;

    fn report(results: &[(&str, &str, &str)], planned: Value) -> Report {
        let cases: serde_json::Map<_, _> = results
            .iter()
            .map(|(id, behavior, close)| {
                ((*id).to_owned(), json!({ "behavior": behavior, "behaviorClose": close, "reportfile": id }))
            })
            .collect();
        let detail = |file: &str| {
            if file.is_empty() {
                bail!("no file");
            }
            Ok(json!({ "description": format!("About\n {file}."), "remoteCloseCode": 1000 }))
        };
        Report::judge(&planned, &json!({ AGENT: cases }), detail).expect("well-formed reports")
    }

    #[test]
    fn strict_non_strict_and_informational_cases_pass() {
        let results = [
            ("1.1.1", "OK", "OK"),
            ("6.4.1", "NON-STRICT", "OK"),
            ("7.13.1", "INFORMATIONAL", "INFORMATIONAL"),
        ];
        assert_eq!(report(&results, json!(["1.1.1", "6.4.1", "7.13.1"])).failed(), 0);
    }

    #[test]
    fn a_bad_behavior_and_a_bad_close_each_fail_a_case() {
        for (behavior, close) in
            [("FAILED", "OK"), ("OK", "WRONG CODE"), ("UNIMPLEMENTED", "OK"), ("OK", "UNCLEAN")]
        {
            let report = report(&[("2.5", behavior, close)], json!(["2.5"]));
            assert_eq!(report.failed(), 1, "{behavior}, {close}");
            let text = report.to_string();
            assert!(text.contains("case 2.5") && text.contains("About 2.5."), "{text}");
        }
    }

    #[test]
    fn a_case_that_was_planned_and_not_run_has_failed() {
        let report = report(&[("1.1.1", "OK", "OK")], json!(["1.1.1", "1.1.2"]));
        assert_eq!((report.cases(), report.failed()), (2, 1));
        assert!(report.to_string().contains("not run, see fuzzer.log: 1.1.2"), "{report}");
    }

    #[test]
    fn totals_are_counted_for_each_group() {
        let results = [("9.1.1", "OK", "OK"), ("9.1.2", "FAILED", "OK"), ("10.1.1", "OK", "OK")];
        let text = report(&results, json!(["9.1.1", "9.1.2", "10.1.1"])).to_string();
        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(lines[1], ["9", "2", "1", "0", "0", "1"]);
        assert_eq!(lines[2], ["10", "1", "1", "0", "0", "0"]);
    }
}
