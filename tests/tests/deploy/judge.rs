//! The judges that Python's packages bring, and where their programs are. Refuses to know what is judged.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::repository;

/// What a text is said to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum As {
    /// Kubernetes manifests.
    Manifests,
    /// A file of Compose.
    Compose,
    /// YAML, and nothing more is known.
    Yaml,
}

/// A program that came with the judges.
#[track_caller]
pub(crate) fn program(name: &str) -> Command {
    let folder = tests::installed(env!("CARGO_TARGET_TMPDIR"), "judges/bin");
    let mut command = Command::new(folder.join(name));
    // Neither a cluster nor settings of whoever runs this have a part in it.
    command.env_clear().env("HOME", "/nonexistent");
    command
}

/// The documents of a text, if it is without fault.
pub(crate) fn judgement(text: &str, kind: As) -> Result<Vec<Value>, String> {
    let how = match kind {
        As::Manifests => "manifests",
        As::Compose => "compose",
        As::Yaml => "yaml",
    };
    let mut command = program("python");
    command.arg(repository().join("tests/judges/judge.py")).arg(how);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the judge can be started");
    let written = child.stdin.take().expect("it is piped").write_all(text.as_bytes());
    let output = child.wait_with_output().expect("it is our child");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(said);
    }
    written.expect("the judge has read all of it");
    Ok(serde_json::from_slice(&output.stdout).expect("the judge prints JSON"))
}

/// As [`judgement`], of what has to be without fault.
#[track_caller]
pub(crate) fn judged(text: &str, kind: As) -> Vec<Value> {
    judgement(text, kind).unwrap_or_else(|faults| panic!("{faults}\nin\n{text}"))
}

#[test]
fn the_judge_finds_what_is_wrong_in_manifests() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n";
    let monitor = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\n\
                   spec: {selector: {}, endpoints: [{port: admin}]}\n";
    assert_eq!(judged(&format!("{service}---\n{monitor}"), As::Manifests).len(), 2);
    let wrong = [
        (service.replace("port: 1", "port: 1, prot: 2"), "'prot' was unexpected"),
        (service.replace("1}", "one}"), "'one' is not of type 'integer'"),
        (service.replace("v1", "v9"), "Couldn't find schema for kind Service with api version v9"),
        (monitor.replace("port:", "prto:"), "'prto' was unexpected"),
        (monitor.replace("admin", "[]"), "[] is not of type 'string'"),
    ];
    let texts = wrong.each_ref().map(|(text, _)| text.as_str());
    let faults = judgement(&texts.join("---\n"), As::Manifests).expect_err("each is wrong");
    for (text, fault) in &wrong {
        assert!(faults.contains(fault), "no {fault:?} of {text} in {faults}");
    }
}

#[test]
fn the_judge_finds_what_is_wrong_in_other_files() {
    for (text, kind, fault) in [
        ("services: {a: {imgae: b}}\n", As::Compose, "'imgae' does not match"),
        ("a: 1\na: 2\n", As::Yaml, "twice"),
        ("a: [", As::Yaml, "line 1"),
    ] {
        let faults = judgement(text, kind).expect_err(text);
        assert!(faults.contains(fault), "no {fault:?} in {faults}");
    }
}
